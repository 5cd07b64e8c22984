"""What a page of the lab is made of, before it becomes HTML, CSV or SVG.

A page is a sentence and blocks. Tables and pictures have names: under them they are exported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Value = str | float | int | bool | None


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: what people read, what programs read (`value`, the text unless given), and where a
    link in it leads."""

    text: str
    value: Value = None
    href: str = ""
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Paging:
    """Which part of a table is shown: rows `first` to `last` (from 1) of `total`, and the addresses
    of the parts before and after ("" where there is none)."""

    first: int
    last: int
    total: int
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its caption; `empty` is said where it has no row, and without it nothing is
    shown then. The first cell of a row heads it. On a phone the cells of a `long` row stand below
    each other; unless said, rows of more than four columns are."""

    name: str
    caption: str
    heads: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    empty: str = "Nothing yet."
    paging: Paging | None = None
    long: bool | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, drawn when it is asked for. `title` says what it shows, for those who cannot see
    it."""

    name: str
    title: str
    draw: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and what they stand for."""

    title: str
    rows: Sequence[tuple[str, Cell]]


@dataclass(frozen=True, slots=True)
class Notes:
    """Sentences; `command` is to be typed."""

    lines: Sequence[str]
    command: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form; `choices` make it a list, `known` are offered while one types, an empty
    label hides it; `secret` shows nothing of what is typed."""

    name: str
    label: str
    value: str = ""
    choices: Sequence[tuple[str, str]] = ()
    known: Sequence[str] = ()
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """A form that works without a script."""

    name: str
    action: str
    submit: str
    fields: Sequence[Field] = ()
    method: str = "get"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two tables side by side where there is room."""

    left: Table
    right: Table


Block = Table | Picture | Facts | Notes | Form | Pair


@dataclass(frozen=True, slots=True)
class Page:
    """One page. `waiting`: something is being computed, so it is to be looked at again soon."""

    title: str
    sentence: str
    blocks: Sequence[Block] = ()
    waiting: bool = False
    above: tuple[str, str] | None = None

    def table(self, name: str) -> Table | None:
        """The table of a name."""
        return next((each for each in self._tables() if each.name == name), None)

    def picture(self, name: str) -> Picture | None:
        """The picture of a name."""
        pictures = (each for each in self.blocks if isinstance(each, Picture))
        return next((each for each in pictures if each.name == name), None)

    def _tables(self) -> list[Table]:
        found: list[Table] = []
        for block in self.blocks:
            if isinstance(block, Table):
                found.append(block)
            elif isinstance(block, Pair):
                found += [block.left, block.right]
        return found


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page is asked for: the values of its path and its query string; the table that is
    wanted `whole`, for export; and the version and number of products that are served (None
    without an index)."""

    path: str
    names: Mapping[str, str]
    query: Mapping[str, str]
    whole: str = ""
    version: str | None = None
    products: int | None = None

    def get(self, name: str, default: str = "") -> str:
        """A value of the query string, without surrounding spaces."""
        return self.query.get(name, default).strip() or default
