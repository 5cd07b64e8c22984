"""A second opinion: the same metrics computed by ranx, on runs without ties.

ranx compiles itself at its first use, about a minute of it, so it checks on request instead of
computing every report. It holds gains as whole numbers: they are scaled up first, which changes
none of the metrics compared.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from eval.judgments import Judgments
from eval.results import Report
from eval.runs import Run
from search.errors import AisleError

NAMES: Mapping[str, str] = {
    "ndcg": "ndcg",
    "recall": "recall",
    "precision": "precision",
    "mrr": "mrr",
    "map": "map",
    "success": "hit_rate",
}
"""Our measures and ranx's names for them."""
SCALE = 100
TOLERANCE = 1e-6


class MetricsDisagree(AisleError):
    """Our value of a metric differs from ranx's: a defect in one of them."""


def verify(report: Report, judgments: Judgments, runs: Mapping[str, Run]) -> dict[str, float]:
    """The largest difference over systems and queries, by metric; metrics ranx does not have
    (condensed and judged ones) are left out.

    Raises:
        MetricsDisagree: a difference is above 1e-6; the message names the metric and the system.
    """
    asked = {metric: _ranx_name(metric) for metric in report.metrics}
    known = {ours: theirs for ours, theirs in asked.items() if theirs}
    differences = dict.fromkeys(known, 0.0)
    for name, run in runs.items():
        theirs = _ranx_values(judgments, run, report.queries, list(known.values()))
        for ours, other in known.items():
            gap = float(np.max(np.abs(report.systems[name].values[ours] - theirs[other])))
            if gap > TOLERANCE:
                raise MetricsDisagree(f"{ours} of {name} differs from ranx's by {gap:.2g}")
            differences[ours] = max(differences[ours], gap)
    return differences


def _ranx_name(metric: str) -> str | None:
    measure, at, cutoff = metric.partition("@")
    return f"{NAMES[measure]}{at}{cutoff}" if measure in NAMES else None


def _ranx_values(
    judgments: Judgments, run: Run, queries: tuple[str, ...], metrics: list[str]
) -> dict[str, np.ndarray]:
    from ranx import Qrels, evaluate
    from ranx import Run as RanxRun

    gains = {
        query: {p: round(gain * SCALE) for p, gain in judgments.gains[query].items() if gain > 0}
        for query in queries
    }
    # Scores made from ranks: no ties. ranx takes no empty ranking; an unjudged product scores 0.
    ranked = {
        query: {p: float(-rank) for rank, p in enumerate(run.get(query) or ("\0none",))}
        for query in queries
    }
    scored = RanxRun(ranked)
    evaluate(Qrels(gains), scored, metrics)
    # Its arrays are in an order of its own; the scores by query are not.
    return {
        metric: np.array([scored.scores[metric][query] for query in queries], np.float64)
        for metric in metrics
    }
