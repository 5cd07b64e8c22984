"""The queries that differ most between two systems, with both result lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from eval.results import Comparison, Listed, Report, SideBySide
from eval.runner import RANDOM
from eval.runs import Run

PLACES = 10
"""How many products of each list are shown."""
Gains = Mapping[str, Mapping[str, float]]


def contenders(report: Report) -> Comparison | None:
    """The two systems to choose from: the best two by the first metric, the random floor never
    among them; with a gate, its candidate and its baseline. None with a single system."""
    first = [c for c in report.comparisons if c.metric == report.metrics[0]]
    if report.gate is not None:
        pair = {report.gate.candidate, report.gate.baseline}
        return next((c for c in first if {c.a, c.b} == pair), None)
    first = [c for c in first if RANDOM not in (c.a, c.b)]
    means = {name: s.scores[report.metrics[0]].mean for name, s in report.systems.items()}
    return max(first, key=lambda c: means[c.a] + means[c.b], default=None)


def pair_lists(
    report: Report, runs: Mapping[str, Run], gains: Gains, titles: Mapping[str, str] | None = None
) -> tuple[SideBySide, ...]:
    """Both lists of each query named in the comparison of the two systems to choose from: first
    those that are better with a, then those with b."""
    pair = contenders(report)
    return tuple(_both(pair, runs, gains, titles or {})) if pair else ()


def _both(
    pair: Comparison, runs: Mapping[str, Run], gains: Gains, titles: Mapping[str, str]
) -> Iterator[SideBySide]:
    for moved in (*pair.a_better, *pair.b_better):
        lists = [
            _listed(runs[name].get(moved.query, ()), gains[moved.query], titles)
            for name in (pair.a, pair.b)
        ]
        yield SideBySide(pair.a, pair.b, moved.query, moved.a, moved.b, *lists)


def _listed(
    ranked: Sequence[str], gains: Mapping[str, float], titles: Mapping[str, str]
) -> tuple[Listed, ...]:
    return tuple(Listed(p, titles.get(p, ""), gains.get(p)) for p in ranked[:PLACES])
