"""Small tables of text, CSV or TSV, whose columns are found by name."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from search.errors import BadInput

DELIMITERS = ",\t;"

Names = Mapping[str, tuple[str, ...]]
"""What a column means → the names it may have, the preferred one first."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line's wanted values by meaning, and where it stands (file and line)."""

    place: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is separated, and each meaning's column: its name and index."""

    delimiter: str
    columns: Mapping[str, tuple[str, int]]


def read_text(path: Path) -> str:
    """The file's text, UTF-8 with or without a byte order mark, plain or gzipped.

    Raises:
        BadInput: it cannot be read, is empty, or is not UTF-8.
    """
    try:
        raw = path.read_bytes()
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BadInput(f"{path}, line {line}: not UTF-8; save the file as UTF-8") from None
    except (OSError, EOFError) as error:
        raise BadInput(
            f"cannot read {path}: {getattr(error, 'strerror', None) or error}"
        ) from error
    if not text.strip():
        raise BadInput(f"{path} is empty; it should hold a header line and one line per entry")
    return text


def first_line(text: str) -> str:
    """The first line that is not blank."""
    return next(line for line in text.split("\n") if line.strip())


def find_layout(text: str, required: Names, optional: Names) -> Layout | None:
    """Where the header puts the columns; None when a required one is not among them."""
    for delimiter in DELIMITERS:
        header = header_of(first_line(text), delimiter)
        found = {
            meaning: (name, header.index(name))
            for meaning, names in (*required.items(), *optional.items())
            if (name := next((n for n in names if n in header), None))
        }
        if found.keys() >= required.keys():
            return Layout(delimiter, found)
    return None


def missing_column(path: Path, text: str, required: Names) -> BadInput:
    """Which required column the header lacks, and what it may be called."""
    line = first_line(text)
    header = header_of(line, max(DELIMITERS, key=line.count))
    for meaning, names in required.items():
        if not set(names) & set(header):
            seen, known = ", ".join(header)[:200], ", ".join(names)
            hint = " (the text to search for, not a number)" if meaning == "query" else ""
            problem = f"no {meaning} column among {seen}; name it one of {known}{hint}"
            return BadInput(f"{path}, line 1: {problem}", field=meaning)
    return BadInput(f"{path}, line 1: columns must be separated by commas, tabs or semicolons")


def read_rows(
    path: Path,
    text: str,
    layout: Layout,
    required: Collection[str] | None = None,
    *,
    without: str = "",
) -> Iterator[Row]:
    """The rows after the header, values stripped; blank lines are skipped. Of what is `required`
    (everything, unless named) only the query must be there where the value `without` is empty.

    Raises:
        BadInput: malformed CSV, a line of another length, or a required value that is empty.
    """
    needed = tuple(layout.columns if required is None else required)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=layout.delimiter, strict=True)
    try:
        header = next(cells for cells in reader if any(cells))
        for cells in reader:
            if any(cell.strip() for cell in cells):
                place = f"{path}, line {reader.line_num}"
                yield _row(place, cells, len(header), layout, needed, without)
    except csv.Error as error:
        raise BadInput(f"{path}, line {reader.line_num}: not well-formed CSV: {error}") from error


def _row(
    place: str,
    cells: list[str],
    width: int,
    layout: Layout,
    needed: Collection[str],
    without: str,
) -> Row:
    if len(cells) != width:
        raise BadInput(
            f"{place}: {len(cells)} fields where the header has {width};"
            " quote fields that hold the separator"
        )
    values = {meaning: cells[i].strip() for meaning, (_, i) in layout.columns.items()}
    lacking = bool(without) and not values[without]
    for meaning in ("query",) if lacking else needed:
        if not values[meaning]:
            column = layout.columns[meaning][0]
            raise BadInput(f"{place}, column {column!r}: empty; fill it or remove the line")
    return Row(place, values)


def header_of(line: str, delimiter: str) -> list[str]:
    """The names of a header, in small letters and joined by underscores."""
    try:
        names = next(csv.reader([line], delimiter=delimiter))
    except csv.Error:  # a "line" of more than 131,072 characters is no header
        return []
    return [name.strip().casefold().replace(" ", "_").replace("-", "_") for name in names]
