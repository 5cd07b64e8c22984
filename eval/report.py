"""A report as JSON for machines, and as text for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from eval.pairwise import LEAST_GAP
from eval.results import Comparison, Interval, Moved, Report
from eval.runner import RANDOM

SIGNIFICANT = 0.05


def report_json(report: Report) -> dict[str, Any]:
    """The whole report as plain values that any JSON writer takes (no NaN, no infinity)."""
    return {
        "queries": len(report.queries),
        "excluded_queries": report.excluded_queries,
        "metrics": list(report.metrics),
        "seed": report.seed,
        "systems": {name: _scores(system.scores) for name, system in report.systems.items()},
        "comparisons": [
            _comparison(comparison, moved=comparison.metric == report.metrics[0])
            for comparison in report.comparisons
        ],
        "slices": {
            kind: {
                "queries": part.queries,
                "systems": {name: _scores(scores) for name, scores in part.systems.items()},
            }
            for kind, part in report.slices.items()
        },
        "pairwise": {name: asdict(interval) for name, interval in report.pairwise.items()},
        "notes": list(report.notes),
    }


def _scores(scores: Mapping[str, Interval]) -> dict[str, dict[str, float]]:
    return {metric: asdict(interval) for metric, interval in scores.items()}


def _comparison(comparison: Comparison, *, moved: bool) -> dict[str, Any]:
    values = asdict(comparison)
    if not moved:
        del values["a_better"], values["b_better"]
    return values


def format_report(report: Report) -> RenderableType:
    """The finding in a sentence, the scores, the comparisons, and the queries that moved most.

    All but the scores are of the report's first metric.
    """
    metric = report.metrics[0]
    decisive = [c for c in report.comparisons if c.metric == metric]
    parts: list[RenderableType] = [Text(summary(report)), Text(), _score_table(report)]
    if decisive:
        parts += [Text(), _comparison_table(metric, decisive)]
    parts += [Text(line) for line in (*_movers(report, decisive), *_remarks(report))]
    return Group(*parts)


def summary(report: Report) -> str:
    """Which system is best by the first metric, and whether its lead could be chance."""
    metric = report.metrics[0]
    order = sorted(
        report.systems,
        key=lambda name: (name == RANDOM, -report.systems[name].scores[metric].mean, name),
    )
    best, score = order[0], report.systems[order[0]].scores[metric]
    opening = f"{best}: {metric} {_interval(score)} over {len(report.queries)} queries."
    if len(order) == 1:
        return opening
    comparison = _pair(report, metric, best, order[1])
    sign = 1 if comparison.a == best else -1
    low, high = sorted((sign * comparison.low, sign * comparison.high))
    lead = f"{sign * comparison.delta:+.3f} [{low:+.3f}, {high:+.3f}]"
    verdict = "significant" if comparison.p_holm < SIGNIFICANT else "could be chance"
    return f"{opening} Against {order[1]}: {lead}, p = {comparison.p_holm:.4f}: {verdict}."


def _pair(report: Report, metric: str, one: str, other: str) -> Comparison:
    return next(c for c in report.comparisons if c.metric == metric and {c.a, c.b} == {one, other})


def _interval(interval: Interval) -> str:
    return f"{interval.mean:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def _score_table(report: Report) -> Table:
    columns = [Column(metric, overflow="fold") for metric in report.metrics]
    table = Table("system", *columns, title="Means with 95% intervals", title_justify="left")
    for name, system in report.systems.items():
        table.add_row(name, *(_interval(system.scores[m]) for m in report.metrics))
    return table


def _comparison_table(metric: str, comparisons: Sequence[Comparison]) -> Table:
    title = f"Differences in {metric}, paired by query"
    table = Table("a", "b", "a − b", "p", "p (Holm)", "effect", "a wins", "b wins", title=title)
    table.title_justify = "left"
    for c in comparisons:
        table.add_row(
            c.a,
            c.b,
            f"{c.delta:+.3f} [{c.low:+.3f}, {c.high:+.3f}]",
            f"{c.p:.4f}",
            f"{c.p_holm:.4f}",
            "–" if c.effect_size is None else f"{c.effect_size:+.2f}",
            str(c.a_wins),
            str(c.b_wins),
        )
    return table


def _movers(report: Report, comparisons: Sequence[Comparison]) -> Iterator[str]:
    """The queries that moved most between the two best systems, both ways."""
    contenders = [c for c in comparisons if RANDOM not in (c.a, c.b)]
    if not contenders:
        return
    means = {name: s.scores[report.metrics[0]].mean for name, s in report.systems.items()}
    closest = max(contenders, key=lambda c: means[c.a] + means[c.b])
    for winner, loser, moved in (
        (closest.a, closest.b, closest.a_better),
        (closest.b, closest.a, closest.b_better),
    ):
        if moved:
            yield f"\nBetter with {winner} than with {loser}:"
            yield from (_line(m, winner_is_a=winner == closest.a) for m in moved)


def _line(moved: Moved, *, winner_is_a: bool) -> str:
    won, lost = (moved.a, moved.b) if winner_is_a else (moved.b, moved.a)
    return f"  {won - lost:+.3f}  ({won:.3f} against {lost:.3f})  {moved.query}"


def _remarks(report: Report) -> Iterator[str]:
    if report.pairwise:
        shares = ", ".join(f"{name} {_interval(each)}" for name, each in report.pairwise.items())
        yield f"\nPairs whose ratings differ by {LEAST_GAP} or more, in the right order: {shares}."
    if report.excluded_queries:
        yield (
            f"\n{report.excluded_queries} judged queries have no relevant product and are left"
            " out of every mean."
        )
    yield from (f"Note: {note}." for note in report.notes)
