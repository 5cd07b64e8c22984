"""Rows of CSV, TSV and their relatives, recovering from broken quotes line by line."""

from __future__ import annotations

import codecs
import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from indexer.mapping import Dialect
from indexer.rows import MAX_ROW_BYTES, BadRow, RawRow, Row, decode_defect
from indexer.sources import Source
from search.errors import BadInput

MAX_FIELD_CHARACTERS = 1_000_000
"""A longer field is taken for a quote that was never closed."""
_DELIMITERS = (",", "\t", ";", "|")


@dataclass(frozen=True, slots=True)
class Shape:
    """How a file is really written: single characters, `escape` None when quotes are doubled."""

    delimiter: str
    quote: str
    escape: str | None


def detect_shape(head: bytes, dialect: Dialect) -> Shape:
    """What the mapping's dialect says, and for the rest what the first bytes show: the delimiter
    most frequent in the header, and a backslash escape when quotes are escaped inside a field."""
    text = head.decode("utf-8", "replace")
    header = text.lstrip("\ufeff\r\n").partition("\n")[0]
    bare = re.sub(r'"[^"]*"', "", header)
    delimiter = dialect.delimiter or max(_DELIMITERS, key=bare.count)
    escape = dialect.escape
    if escape is None and re.search(rf'\\" *[^"\s{re.escape(delimiter)}]', text):
        escape = "\\"
    return Shape(delimiter, dialect.quote, escape or None)


class _Lines:
    """Decoded lines with their numbers, remembering those of the record being read, so that
    reading can go on at its second line when the record turns out broken."""

    def __init__(self, source: Source) -> None:
        self._stream = source.stream
        self._again: deque[str] = deque()
        self.record: list[str] = []
        self.read = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._next_line()
        if not line:
            raise StopIteration
        self.read += 1
        self.record.append(line)
        return line

    def _next_line(self) -> str:
        line = self._stream.readline(MAX_ROW_BYTES)
        if self.read == 0:
            line = line.removeprefix(codecs.BOM_UTF8)
        return line.decode("utf-8", "surrogateescape")

    def back_to_second(self) -> None:
        """Gives back all lines of the record but its first."""
        self._again.extendleft(reversed(self.record[1:]))
        self.read -= len(self.record) - 1
        self.record = self.record[:1]


class DelimitedReader:
    """Iterates over the rows of one delimited file; `columns` are its header's names.

    A record with the wrong number of columns, an undecodable byte or a quote that is never closed
    is one bad row; reading goes on at the line after the one where that record began.

    Raises:
        BadInput: the header names a column twice or cannot be read.
    """

    def __init__(self, source: Source, dialect: Dialect) -> None:
        csv.field_size_limit(max(csv.field_size_limit(), MAX_FIELD_CHARACTERS))
        self._source = source
        self._shape = detect_shape(source.head, dialect)
        self._lines = _Lines(source)
        self.columns = self._header()

    def _records(self, lines: Iterable[str], *, strict: bool = True) -> Iterator[list[str]]:
        return csv.reader(
            lines,
            delimiter=self._shape.delimiter,
            quotechar=self._shape.quote,
            escapechar=self._shape.escape,
            doublequote=True,
            strict=strict,
        )

    def _header(self) -> Sequence[str]:
        try:
            cells = next((cells for cells in self._records(self._lines, strict=False) if cells), [])
        except csv.Error as error:
            raise BadInput(
                f"the header of {self._source.name} cannot be read ({error}); "
                "save it as CSV in UTF-8 with ordinary line ends"
            ) from error
        names = [cell.strip() for cell in cells]
        named = [name for name in names if name]
        twice = sorted({name for name in named if named.count(name) > 1})
        if twice:
            raise BadInput(
                f"{self._source.name} has two columns named {twice[0]!r}; rename one of them",
                field=twice[0],
            )
        return names

    def __iter__(self) -> Iterator[RawRow]:
        lines = self._lines
        records = self._records(lines)
        while True:
            lines.record = []
            line = lines.read + 1
            try:
                cells = next(records)
            except StopIteration:
                return
            except csv.Error:
                cells = None
            if cells == []:
                continue
            row = self._row(cells) if cells else None
            if row is None or (isinstance(row, BadRow) and len(lines.record) > 1):
                row = self._recover(line)
                records = self._records(lines)
            yield line, row

    def _recover(self, line: int) -> Row | BadRow:
        """The first line of a broken record as a row of its own, its other lines given back.

        It is read leniently, so that a quote in the middle of a field stands for itself.
        """
        self._lines.back_to_second()
        open_quote = False

        def first_line() -> Iterator[str]:
            nonlocal open_quote
            yield self._lines.record[0]
            open_quote = True  # another line was asked for

        try:
            cells = next(self._records(first_line(), strict=False), None)
        except csv.Error:
            cells = None
        return self._row(cells) if cells and not open_quote else _unclosed(line)

    def _row(self, cells: list[str]) -> Row | BadRow:
        wanted = len(self.columns)
        if len(cells) > wanted and not any(cell.strip() for cell in cells[wanted:]):
            cells = cells[:wanted]
        if len(cells) == wanted:
            return decode_defect("".join(cells)) or dict(zip(self.columns, cells, strict=True))
        return BadRow(
            f"wrong number of columns: {len(cells)} instead of {wanted}",
            "quote fields that hold the delimiter; set delimiter, quote or escape under [dialect] "
            "in the mapping file when the file is written differently",
        )


def _unclosed(line: int) -> BadRow:
    return BadRow(
        f"a quote is not closed: opened on line {line}",
        "close the quote, or double quotes that belong to the text; set escape under [dialect] in "
        "the mapping file when they are escaped",
    )
