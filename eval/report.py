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
from eval.report_parts import difference, failure_table, missed_lines, name_lines, slice_tables
from eval.report_values import report_json
from eval.results import Comparison, Interval, Moved, Report
from eval.runner import RANDOM
from eval.side_by_side import contenders

__all__ = ["SIGNIFICANT", "format_report", "report_json", "summary"]

SIGNIFICANT = 0.05
WIDTH = 80
"""Columns of the narrowest terminal that tables are made for."""
_BOUNDS, _HEADS = 9, 24
"""The width of an interval, and of the first column of the scores."""
_NAME, _SHORT_NAMES = 13, 8
"""Of names in the comparisons; with names up to the second, the effect size fits as well."""
_FEW = 0.5
"""A smaller share of queries in common with the judgments is said first."""


def format_report(report: Report) -> RenderableType:
    """The gate's verdict, the finding in a sentence, the scores, the comparisons, the parts of the
    queries, the causes of failures, and the queries that moved most; 80 columns are enough.

    All but the scores are of the report's first metric.
    """
    metric = report.metrics[0]
    decisive = [c for c in report.comparisons if c.metric == metric]
    parts: list[RenderableType] = [Text(summary(report)), Text(), *_score_tables(report)]
    if report.gate is not None:
        parts = [Text(gate_sentence(report.gate)), *parts]
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
    """Which system is best by the first metric, by how much it leads the second, and which others
    are not surely worse; before that, who has few queries in common with the judgments."""
    metric = report.metrics[0]
    order = sorted(
        report.systems,
        key=lambda name: (name == RANDOM, -report.systems[name].scores[metric].mean, name),
    )
    best, score = order[0], report.systems[order[0]].scores[metric]
    opening = f"{best}: {metric} {_interval(score)} over {_queries(len(report.queries))}"
    found = f"{opening}{_leads(report, metric, best, order[1:])}."
    return " ".join([*_mismatches(report), found])


def _leads(report: Report, metric: str, best: str, others: Sequence[str]) -> str:
    """How the best stands against the second, and against others that it may not beat."""
    if not others:
        return ""
    doubtful = [name for name in others if _pair(report, metric, best, name).p_holm >= SIGNIFICANT]
    second = _lead(report, metric, best, others[0])
    if not doubtful:
        return f", better than {second}"
    if others[0] not in doubtful:
        rest = _listing([_lead(report, metric, best, name) for name in doubtful])
        return f", better than {second}, not surely better than {rest}"
    return f", not surely better than {_listing([second, *doubtful[1:]])}"


def _lead(report: Report, metric: str, best: str, other: str) -> str:
    comparison = _pair(report, metric, best, other)
    sign = 1 if comparison.a == best else -1
    low, high = sorted((sign * comparison.low, sign * comparison.high))
    lead = difference(sign * comparison.delta, low, high)
    return f"{other} ({lead}, p = {comparison.p_holm:.4f})"


def _listing(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _mismatches(report: Report) -> Iterator[str]:
    """Systems that share few queries with the judgments: their means say little of them."""
    for name, found in report.coverage.items():
        asked = found.answered + report.systems[name].unjudged_queries
        if found.answered < _FEW * found.queries:
            yield (
                f"{name} answers only {found.answered:,} of the {found.queries:,} judged queries,"
                " the others score 0:"
            )
        elif found.answered < _FEW * asked:
            yield f"Only {found.answered:,} of the {asked:,} queries of {name} are judged:"


def _queries(count: int) -> str:
    return "1 query" if count == 1 else f"{count:,} queries"


def _pair(report: Report, metric: str, one: str, other: str) -> Comparison:
    return next(c for c in report.comparisons if c.metric == metric and {c.a, c.b} == {one, other})


def _interval(interval: Interval) -> str:
    return f"{interval.mean:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def _score_tables(report: Report) -> Iterator[Table]:
    """A row a metric, a column a system; several tables where they do not fit side by side."""
    names: list[str] = []
    used = 0
    for name in report.systems:
        width = max(_BOUNDS, len(_head(name))) + 3
        if names and used + width > WIDTH - _HEADS - 4:
            yield _score_table(report, names)
            names, used = [], 0
        names.append(name)
        used += width
    yield _score_table(report, names)


def _head(name: str) -> str:
    return max(name_lines(name, _NAME).split("\n"), key=len)


def _score_table(report: Report, names: Sequence[str]) -> Table:
    heads = [Column(Text(name_lines(name, _NAME)), no_wrap=True, justify="right") for name in names]
    table = Table(Column("", no_wrap=True), *heads, box=box.SIMPLE)
    table.title, table.title_justify = "Means with 95% intervals", "left"
    for metric in report.metrics:
        scores = (report.systems[name].scores[metric] for name in names)
        table.add_row(metric, *map(_cell, scores))
    if report.coverage:
        found = (report.coverage[name] for name in names)
        shares = (_percent(each.retrieved, each.relevant) for each in found)
        table.add_row("relevant products found", *shares)
    return table


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "–"


def _cell(interval: Interval) -> Text:
    cell = Text(f"{interval.mean:.3f}")
    bounds = (f"{bound:.3f}".removeprefix("0")[:4] for bound in (interval.low, interval.high))
    return cell.append("\n" + "–".join(bounds), style="dim")


def _comparison_table(metric: str, comparisons: Sequence[Comparison]) -> Table:
    """Short names leave room for the effect size; JSON has all."""
    longest = max(len(name) for c in comparisons for name in (c.a, c.b))
    effects = longest <= _SHORT_NAMES
    heads = ["a", "b", "a − b", "p (Holm)"] + ["effect\nsize"] * effects + ["wins\na : b"]
    table = Table(*(Column(head, no_wrap=True) for head in heads), box=box.SIMPLE)
    table.title, table.title_justify = f"Differences in {metric}, paired by query", "left"
    for c in comparisons:
        effect = "–" if c.effect_size is None else f"{c.effect_size:+.2f}"
        table.add_row(
            Text(name_lines(c.a, _NAME)),
            Text(name_lines(c.b, _NAME)),
            difference(c.delta, c.low, c.high),
            f"{c.p_holm:.4f}",
            *[effect] * effects,
            f"{c.a_wins} : {c.b_wins}",
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


def _shares(pairwise: Mapping[str, Interval]) -> str:
    return ", ".join(f"{name} {_interval(each)}" for name, each in pairwise.items())
