"""Figures as people read them, and the cells that hold them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlencode

from api.lab.page import Asked, Cell, Paging, Table

DASH = "–"
PAGE = 50
"""Rows of a long table that are shown at once."""


def moment(seconds: float | None) -> str:
    """A time in UTC, to the minute."""
    if not seconds:
        return DASH
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def signed(value: float, digits: int = 3) -> str:
    """With its sign, and a minus as wide as the plus."""
    if not math.isfinite(value):
        return DASH
    return f"{value:+.{digits}f}".replace("-", "−")


def interval(low: float, high: float) -> str:
    """Both ends of an interval of differences."""
    return f"[{signed(low)}, {signed(high)}]"


def said_p(p: float) -> str:
    """A p-value as it is written in sentences."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def plural(count: int, one: str, many: str | None = None) -> str:
    """A number and what it counts."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def words(text: str, href: str = "") -> Cell:
    """A cell of text."""
    return Cell(text or DASH, text, href)


def number(value: float | None, form: str = ",.0f") -> Cell:
    """A cell of a number; a dash without one."""
    if value is None or not math.isfinite(value):
        return Cell(DASH, "", numeric=True)
    return Cell(format(value, form).replace("-", "−"), value, numeric=True)


def p_value(p: float) -> Cell:
    """A cell of a p-value, which is never 0."""
    return Cell("< 0.0001", p, numeric=True) if p < 0.00005 else number(p, ".4f")


def percent(part: float, whole: float) -> Cell:
    """A cell of a share."""
    return number(part / whole if whole else None, ".1%")


def when(seconds: float | None) -> Cell:
    """A cell of a time."""
    told = datetime.fromtimestamp(seconds, UTC).isoformat() if seconds else ""
    return Cell(moment(seconds), told)


def address(path: str, **values: str | int) -> str:
    """A path with its query string; empty values are left out."""
    query = urlencode({name: value for name, value in values.items() if value != ""})
    return f"{path}?{query}" if query else path


def page_number(asked: Asked, key: str = "page") -> int:
    """Which part of a long table is asked for, from 1."""
    given = asked.get(key, "1")
    return max(1, int(given)) if given.isdecimal() and len(given) < 9 else 1


def paging(asked: Asked, total: int, shown: int, key: str = "page") -> Paging:
    """Where the part that is asked for lies in the whole."""
    page = page_number(asked, key)
    first = (page - 1) * PAGE

    def to(number: int) -> str:
        return address(asked.path, **_others(asked.query, key), **{key: number})

    after = to(page + 1) if first + shown < total and shown else ""
    return Paging(first + 1, first + shown, total, to(page - 1) if page > 1 else "", after)


def cut(asked: Asked, table: Table, key: str = "page") -> Table:
    """The part of a long table that is asked for; all of it for export."""
    if asked.whole == table.name or len(table.rows) <= PAGE:
        return table
    first = (page_number(asked, key) - 1) * PAGE
    rows = table.rows[first : first + PAGE]
    return replace(table, rows=rows, paging=paging(asked, len(table.rows), len(rows), key))


def matching(rows: Sequence[Sequence[Cell]], text: str) -> list[Sequence[Cell]]:
    """The rows that have a text in one of their cells; all without one."""
    wanted = text.casefold()
    return [row for row in rows if any(wanted in cell.text.casefold() for cell in row)]


def _others(query: Mapping[str, str], key: str) -> dict[str, str]:
    return {name: value for name, value in query.items() if name != key}
