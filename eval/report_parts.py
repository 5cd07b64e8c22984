"""The tables of a report that say where a system is good and where it fails."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from rich import box
from rich.table import Column, Table
from rich.text import Text

from eval.failures import NOT_RETRIEVED, RANKED_LOW, RETRIEVED_LOW
from eval.results import Difference, Failures, Interval, Missed, Report, Slice
from eval.runner import RANDOM
from eval.side_by_side import contenders

CAUSES: Mapping[str, str] = {
    NOT_RETRIEVED: "not retrieved",
    RETRIEVED_LOW: "retrieved low",
    RANKED_LOW: "ranked low",
}
_BEHIND = "behind\nunjudged"
_EXAMPLES = 2
_SHORT = 13
"""Longer names of systems, the two together, do not fit above columns."""
_LEAST = 5
"""The width of a mean."""
_NAME = 15
"""The width of names of systems and of parts."""
_STANDS_OUT = "* the interval leaves out 0; not adjusted for looking at many parts"


def slice_tables(report: Report) -> Iterator[Table]:
    """A table a dimension: each part's means for the two systems to choose from (or the only one),
    and their difference."""
    pair = contenders(report)
    names = (pair.a, pair.b) if pair else tuple(n for n in report.systems if n != RANDOM)[:1]
    for dimension, parts in report.by.items():
        if len(parts) > 1:
            yield _slice_table(report.metrics[0], dimension, parts, names)


def _slice_table(
    metric: str, dimension: str, parts: Mapping[str, Slice], names: tuple[str, ...]
) -> Table:
    short = len(names) == 1 or sum(max(_LEAST, len(name)) for name in names) <= _SHORT
    heads = names if short else ("a", "b")[: len(names)]
    shown = [name_lines(head, 2 * _NAME) for head in heads]
    numbers = [Column(Text(head), justify="right", no_wrap=True) for head in shown]
    if len(names) == 2:
        numbers.append(Column(Text(f"{heads[0]} − {heads[1]}"), no_wrap=True))
    columns = (Column(dimension, no_wrap=True), Column("queries", justify="right"), *numbers)
    table = Table(*columns, box=box.SIMPLE)
    meant = "" if short else f" (a: {names[0]}, b: {names[-1]})"
    table.title, table.title_justify = Text(f"{metric} by {dimension}{meant}"), "left"
    for part, scores in parts.items():
        cells = [_mean(scores.systems[name][metric], len(names)) for name in names]
        if len(names) == 2:
            found = next(d for d in scores.differences if (d.a, d.b) == names)
            cells.append(_difference(found))
        table.add_row(Text(name_lines(part, _NAME)), f"{scores.queries:,}", *cells)
    if any(_stands_out(d) for s in parts.values() for d in s.differences if (d.a, d.b) == names):
        table.caption, table.caption_justify = _STANDS_OUT, "left"
    return table


def name_lines(name: str, width: int) -> str:
    """A name in lines of at most `width`, broken at blanks and signs where that is possible."""
    lines = [""]
    for piece in re.findall(r"[^\s/:._-]*[\s/:._-]*", name):
        if lines[-1] and len(lines[-1]) + len(piece.rstrip()) > width:
            lines.append("")
        while len(piece.rstrip()) > width:
            lines[-1], piece = piece[:width], piece[width:]
            lines.append("")
        lines[-1] += piece
    return "\n".join(line.rstrip() for line in lines if line.strip())


def _mean(found: Interval, columns: int) -> str:
    """With its interval where that of a difference does not stand beside it."""
    bounds = f" [{found.low:.3f}, {found.high:.3f}]" if columns == 1 else ""
    return f"{found.mean:.3f}{bounds}"


def _stands_out(found: Difference) -> bool:
    return not found.low <= 0 <= found.high


def _difference(found: Difference) -> str:
    mark = " *" if _stands_out(found) else ""
    return f"{difference(found.delta, found.low, found.high)}{mark}"


def difference(delta: float, low: float, high: float) -> str:
    """A signed difference with its interval; what rounds to 0 has no minus."""
    shown = [f"{round(value, 3) + 0.0:+.3f}" for value in (delta, low, high)]
    return f"{shown[0]} [{shown[1]}, {shown[2]}]"


def failure_table(report: Report) -> Table:
    """What each cause costs each system, and how many products are missing for it."""
    first = next(iter(report.failures.values()))
    told = [n for n in CAUSES if any(n in found.causes for found in report.failures.values())]
    title = f"Where {first.metric} is lost: how much, its share, relevant products missing for it"
    heads = ("system", "lost", *(CAUSES[n].replace(" ", "\n") for n in told), _BEHIND)
    table = Table(*(Column(head, no_wrap=True) for head in heads), box=box.SIMPLE)
    table.title, table.title_justify = title, "left"
    for name, found in report.failures.items():
        cells = (_cause(found, cause) for cause in told)
        table.add_row(
            Text(name_lines(name, _NAME - 3)), f"{found.lost:.3f}", *cells, f"{found.unjudged:.3f}"
        )
    return table


def _cause(found: Failures, name: str) -> str:
    cause = found.causes.get(name)
    return f"{cause.lost:.3f} ({cause.share:.0%})\n{cause.products:,}" if cause else "–"


def missed_lines(report: Report) -> Iterator[Text]:
    """The worst examples of each cause, for the best system, or the gate's candidate."""
    first = report.metrics[0]
    means = {name: report.systems[name].scores[first].mean for name in report.failures}
    best = max(means, key=lambda name: (means[name], name))
    if report.gate is not None:
        best = report.gate.candidate
    for name, cause in report.failures[best].causes.items():
        if cause.worst:
            yield Text(f"{best}, {CAUSES[name]}:")
            yield from (_example(missed) for missed in cause.worst[:_EXAMPLES])


def _example(missed: Missed) -> Text:
    where = f" (place {missed.place:,})" if missed.place else ""
    line = f"  −{missed.lost:.3f}  {missed.query}{where}: {missed.product} {missed.title}"
    return Text(line.rstrip(), no_wrap=True, overflow="ellipsis")
