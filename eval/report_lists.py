"""Two result lists side by side, with the grade of every product."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from rich import box
from rich.table import Column, Table
from rich.text import Text

from eval.results import Listed, Report, SideBySide

EACH_WAY = 1
"""How many queries are shown with their lists, each way."""
FULL, PARTLY, NONE, UNJUDGED = "●", "◐", "○", "·"
LEGEND = f"{FULL} best grade  {PARTLY} relevant  {NONE} not relevant  {UNJUDGED} not judged"


def grade_mark(gain: float | None, best: float) -> str:
    """How good a product is, in one character: the query's best grade, a lower one, none."""
    if gain is None:
        return UNJUDGED
    return NONE if gain <= 0 else FULL if gain >= best else PARTLY


def best_gain(pair: SideBySide) -> float:
    """The best gain in sight."""
    return max((each.gain or 0.0 for each in (*pair.list_a, *pair.list_b)), default=0.0)


def list_tables(report: Report) -> Iterator[Table]:
    """Both lists of the queries that moved most, each way."""
    for winner in ("a", "b"):
        shown = [m for m in report.moved if (m.value_a > m.value_b) == (winner == "a")]
        for pair in shown[:EACH_WAY]:
            yield _lists(pair)


def _lists(pair: SideBySide) -> Table:
    best = best_gain(pair)
    heads = [f"{pair.a} {pair.value_a:.3f}", f"{pair.b} {pair.value_b:.3f}"]
    columns = [Column(Text(h), ratio=1, no_wrap=True, overflow="ellipsis") for h in heads]
    title = Text(f"“{pair.query}”")
    table = Table(Column("", justify="right"), *columns, title=title, box=box.SIMPLE)
    table.title_justify = "left"
    table.expand, table.caption, table.caption_justify = True, LEGEND, "left"
    for place, (one, other) in enumerate(zip_longest(pair.list_a, pair.list_b), 1):
        table.add_row(str(place), _cell(one, best), _cell(other, best))
    return table


def _cell(listed: Listed | None, best: float) -> Text:
    if listed is None:
        return Text("")
    return Text(f"{grade_mark(listed.gain, best)} {listed.title or listed.product}")
