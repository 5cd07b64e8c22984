"""A report as text for people: a sentence, tables, and the queries to look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from eval.gate import gate_sentence
from eval.pairwise import LEAST_GAP
from eval.report_lists import list_tables
from eval.report_parts import difference, failure_table, missed_lines, slice_tables
from eval.report_values import report_json
from eval.results import Comparison, Interval, Moved, Report
from eval.runner import RANDOM
from eval.side_by_side import contenders

__all__ = ["SIGNIFICANT", "format_report", "report_json", "summary"]

SIGNIFICANT = 0.05
MOST_COLUMNS = 6


def format_report(report: Report) -> RenderableType:
    """The finding in a sentence, the scores, the comparisons, the parts of the queries, the causes
    of failures, and the queries that moved most.

    All but the scores are of the report's first metric.
    """
    metric = report.metrics[0]
    decisive = [c for c in report.comparisons if c.metric == metric]
    parts: list[RenderableType] = [Text(summary(report)), Text(), *_score_tables(report)]
    if decisive:
        parts.append(_comparison_table(metric, decisive))
    parts += slice_tables(report)
    if report.failures:
        parts += [failure_table(report), *missed_lines(report)]
    parts += [Text(line) for line in _movers(report)]
    for table in list_tables(report):
        parts += [Text(), table]
    parts += [Text(line) for line in _remarks(report)]
    return Group(*parts)


def summary(report: Report) -> str:
    """Which system is best by the first metric, and whether its lead could be chance."""
    metric = report.metrics[0]
    order = sorted(
        report.systems,
        key=lambda name: (name == RANDOM, -report.systems[name].scores[metric].mean, name),
    )
    best, score = order[0], report.systems[order[0]].scores[metric]
    opening = f"{best}: {metric} {_interval(score)} over {_queries(len(report.queries))}."
    if len(order) == 1:
        return opening
    comparison = _pair(report, metric, best, order[1])
    sign = 1 if comparison.a == best else -1
    low, high = sorted((sign * comparison.low, sign * comparison.high))
    lead = difference(sign * comparison.delta, low, high)
    verdict = "significant" if comparison.p_holm < SIGNIFICANT else "could be chance"
    return f"{opening} Against {order[1]}: {lead}, p = {comparison.p_holm:.4f}: {verdict}."


def _queries(count: int) -> str:
    return "1 query" if count == 1 else f"{count:,} queries"


def _pair(report: Report, metric: str, one: str, other: str) -> Comparison:
    return next(c for c in report.comparisons if c.metric == metric and {c.a, c.b} == {one, other})


def _interval(interval: Interval) -> str:
    return f"{interval.mean:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def _score_tables(report: Report) -> Iterator[Table]:
    """A row a metric, a column a system; several tables where there are many systems."""
    names = list(report.systems)
    for start in range(0, len(names), MOST_COLUMNS):
        yield _score_table(report, names[start : start + MOST_COLUMNS])


def _score_table(report: Report, names: Sequence[str]) -> Table:
    heads = [Column(Text(name), overflow="fold", justify="right") for name in names]
    table = Table(Column("", no_wrap=True), *heads, box=box.SIMPLE)
    table.title, table.title_justify = "Means with 95% intervals", "left"
    form = "\n{:.3f}–{:.3f}" if len(names) > MOST_COLUMNS // 2 else " [{:.3f}, {:.3f}]"
    for metric in report.metrics:
        scores = (report.systems[name].scores[metric] for name in names)
        table.add_row(metric, *(_cell(each, form) for each in scores))
    if report.coverage:
        found = (report.coverage[name] for name in names)
        shares = (_percent(each.retrieved, each.relevant) for each in found)
        table.add_row("relevant products found", *shares)
    return table


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "–"


def _cell(interval: Interval, form: str) -> Text:
    cell = Text(f"{interval.mean:.3f}")
    return cell.append(form.format(interval.low, interval.high), style="dim")


def _comparison_table(metric: str, comparisons: Sequence[Comparison]) -> Table:
    title = f"Differences in {metric}, paired by query"
    names = [Column(name, overflow="fold") for name in ("a", "b")]
    numbers = [
        Column(head, no_wrap=True)
        for head in ("a − b", "p", "p\n(Holm)", "effect\nsize", "a\nwins", "b\nwins")
    ]
    table = Table(*names, *numbers, title=title, box=box.SIMPLE)
    table.title_justify = "left"
    for c in comparisons:
        table.add_row(
            Text(c.a),
            Text(c.b),
            difference(c.delta, c.low, c.high),
            f"{c.p:.4f}",
            f"{c.p_holm:.4f}",
            "–" if c.effect_size is None else f"{c.effect_size:+.2f}",
            str(c.a_wins),
            str(c.b_wins),
        )
    return table


def _movers(report: Report) -> Iterator[str]:
    """The queries that moved most between the two systems to choose from, both ways."""
    pair = contenders(report)
    if pair is None:
        return
    for winner, loser, moved in ((pair.a, pair.b, pair.a_better), (pair.b, pair.a, pair.b_better)):
        if moved:
            yield f"\nBetter with {winner} than with {loser}:"
            yield from (_line(m, winner_is_a=winner == pair.a) for m in moved)


def _line(moved: Moved, *, winner_is_a: bool) -> str:
    won, lost = (moved.a, moved.b) if winner_is_a else (moved.b, moved.a)
    return f"  {won - lost:+.3f}  ({won:.3f} against {lost:.3f})  {moved.query}"


def _remarks(report: Report) -> Iterator[str]:
    if report.pairwise:
        shares = _shares(report.pairwise)
        yield f"\nPairs whose ratings differ by {LEAST_GAP} or more, in the right order: {shares}."
    if report.excluded_queries:
        have = "query has" if report.excluded_queries == 1 else "queries have"
        left = "is" if report.excluded_queries == 1 else "are"
        yield (
            f"\n{report.excluded_queries} judged {have} no relevant product and {left} left out of"
            " every mean."
        )
    yield from (f"Note: {note}." for note in report.notes)
    if report.gate is not None:
        yield f"\n{gate_sentence(report.gate)}"


def _shares(pairwise: Mapping[str, Interval]) -> str:
    return ", ".join(f"{name} {_interval(each)}" for name, each in pairwise.items())
