"""Scores systems against judgments and compares every pair of them.

Every mean comes with its 95% interval and the number of queries behind it. A judged query that a
system did not answer scores 0; a query without a relevant product is left out and counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from eval.alignment import place_ideal, place_judged
from eval.compare import compare
from eval.judgments import Judgments
from eval.metric_names import parse_metric
from eval.metrics import DEFAULT_METRICS, Metric
from eval.results import Interval, Report, Slice, SystemReport
from eval.runs import Run
from eval.significance import t_interval
from search.errors import BadInput


def evaluate(
    judgments: Judgments,
    runs: Mapping[str, Run],
    *,
    metrics: Sequence[str] = DEFAULT_METRICS,
    seed: int = 0,
    notes: Sequence[str] = (),
) -> Report:
    """Scores every run on the judged queries and tests every pair of runs.

    Raises:
        BadInput: no runs, an unknown metric, a product twice in one ranking, or no query with a
            relevant product.
    """
    parsed = {str(metric): metric for metric in map(parse_metric, metrics)}
    queries = judgments.relevant_queries()
    _check(judgments, runs, parsed, queries)
    systems = {name: _system(judgments, run, name, queries, parsed) for name, run in runs.items()}
    return Report(
        queries=queries,
        excluded_queries=len(judgments.gains) - len(queries),
        metrics=tuple(parsed),
        systems=systems,
        comparisons=compare(systems, queries, tuple(parsed), seed),
        slices=_slices(judgments, systems, queries),
        seed=seed,
        notes=(*notes, *_warnings(systems, judgments, queries, runs)),
    )


def _check(
    judgments: Judgments,
    runs: Mapping[str, Run],
    metrics: Mapping[str, Metric],
    queries: Sequence[str],
) -> None:
    if not runs:
        raise BadInput("nothing to evaluate; name at least one system", field="systems")
    if not metrics:
        raise BadInput("no metric given; ndcg@10 is a good start", field="metrics")
    if not queries:
        raise BadInput(
            f"none of the {len(judgments.gains)} judged queries has a relevant product"
            " (a gain above 0), so there is nothing to score",
            field="judgments",
        )


def _system(
    judgments: Judgments,
    run: Run,
    name: str,
    queries: Sequence[str],
    metrics: Mapping[str, Metric],
) -> SystemReport:
    gains = {query: judgments.gains[query] for query in queries}
    found, ideal = place_judged(gains, run, name), place_ideal(gains)
    values = {metric: measure(found, ideal) for metric, measure in metrics.items()}
    return SystemReport(
        scores=intervals(values),
        values=values,
        unanswered=sum(not run.get(query) for query in queries),
        unjudged_queries=sum(query not in judgments.gains for query in run),
    )


def intervals(values: Mapping[str, NDArray[np.float64]]) -> dict[str, Interval]:
    """The mean of each metric over the queries, with its 95% interval, cut at 0 and 1."""
    if not values:
        return {}
    mean, low, high = t_interval(np.stack(list(values.values()), axis=1), bound=1.0)
    table = np.stack([mean, np.maximum(low, 0.0), high], axis=1)
    return {metric: Interval(*row) for metric, row in zip(values, table.tolist(), strict=True)}


def _slices(
    judgments: Judgments, systems: Mapping[str, SystemReport], queries: Sequence[str]
) -> dict[str, Slice]:
    kinds = np.array([judgments.kinds.get(query, "") for query in queries], dtype=object)
    slices = {}
    for kind in sorted(set(kinds.tolist()) - {""}):
        rows = np.flatnonzero(kinds == kind)
        scores = {
            name: intervals({m: v[rows] for m, v in system.values.items()})
            for name, system in systems.items()
        }
        slices[kind] = Slice(len(rows), scores)
    return slices


def _warnings(
    systems: Mapping[str, SystemReport],
    judgments: Judgments,
    queries: Sequence[str],
    runs: Mapping[str, Run],
) -> list[str]:
    notes = []
    if judgments.conflicts:
        notes.append(
            f"judgments that disagree on the same query and product: {judgments.conflicts};"
            " the mean of their gains is used"
        )
    for name, system in systems.items():
        if system.unanswered:
            part = f"{system.unanswered} of {len(queries)}"
            notes.append(f"{name} returned nothing for {part} queries; they score 0")
        if system.unjudged_queries:
            part = f"{system.unjudged_queries} of its {len(runs[name])}"
            notes.append(f"{name} answered {part} queries without any judgment; they are ignored")
    seen = any(
        p in judgments.gains[q] for run in runs.values() for q in queries for p in run.get(q, ())
    )
    if not seen:
        notes.append(
            "no judged product was found at all; check that the judgments are for this catalogue"
        )
    return notes
