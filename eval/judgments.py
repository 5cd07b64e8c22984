"""Human judgments: which products are right for which query, and how right.

Read from CSV, TSV (columns found by name) or TREC qrels, plain or gzipped.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from search.errors import BadInput

QUERY_COLUMNS = ("query", "user_query", "query_text", "search_term", "keywords")
PRODUCT_COLUMNS = ("product_id", "doc_id", "document_id", "product_uid", "docid", "asin", "sku")
GRADE_COLUMNS = (
    "label",
    "esci_label",
    "gain",
    "rating",
    "grade",
    "relevance",
    "relevance_score",
    "median_relevance",
    "judgment",
)
KIND_COLUMNS = ("kind", "query_kind", "query_class", "query_type", "intent")
"""Accepted column names; where a file has several of a list, the earliest in the list is used."""

LABEL_GAINS: Mapping[str, float] = {
    **{"e": 1.0, "exact": 1.0},
    **{"s": 0.1, "substitute": 0.1},
    **{"c": 0.01, "complement": 0.01},
    **{"i": 0.0, "irrelevant": 0.0},
    "partial": 0.5,
}
"""Gains of labels given as words: ESCI's (Reddy et al. 2022), and WANDS' Partial."""


@dataclass(frozen=True, slots=True)
class Judgments:
    """Gains by query and product id, and what was met while reading them.

    A gain is linear, 0 or more; above 0 counts as relevant. `kinds` names the kind of each query
    where the file had such a column. `duplicates` counts repeated judgments of equal gain (kept
    once), `conflicts` the pairs judged differently (their mean is kept, as for several raters).
    """

    gains: Mapping[str, Mapping[str, float]]
    kinds: Mapping[str, str] = field(default_factory=dict)
    duplicates: int = 0
    conflicts: int = 0

    def relevant_queries(self) -> tuple[str, ...]:
        """The queries with at least one relevant product: those that can be scored."""
        return tuple(q for q, gains in self.gains.items() if max(gains.values(), default=0.0) > 0)

    def candidates(self) -> dict[str, tuple[str, ...]]:
        """The judged products of every query that can be scored, by id."""
        return {q: tuple(sorted(self.gains[q])) for q in self.relevant_queries()}


@dataclass(frozen=True, slots=True)
class _Row:
    """One judgment as written, and where."""

    place: str
    query: str
    product: str
    grade: str
    kind: str = ""


def load_judgments(path: Path) -> Judgments:
    """Reads a file of judgments.

    A CSV or TSV needs a header with a query, a product and a grade column (see the lists above).
    A grade is a label (E, S, C, I or the words) or a number, 0 or more. Without a header, four
    fields separated by spaces are TREC qrels: query, iteration, product, grade.

    Raises:
        BadInput: the file, line and column that cannot be used, and what to write there.
    """
    text = _text(path)
    if not text.strip():
        raise BadInput(f"{path} is empty; it should hold judgments with a header line")
    graded: dict[tuple[str, str], list[float]] = {}
    kinds: dict[str, str] = {}
    styles: dict[bool, str] = {}
    for row in _rows(path, text):
        styles.setdefault(row.grade.casefold() in LABEL_GAINS, f"{row.grade} ({row.place})")
        graded.setdefault((row.query, row.product), []).append(_gain(row))
        if row.kind:
            kinds.setdefault(row.query, row.kind)
    if not graded:
        raise BadInput(f"{path} has a header but no judgments; add one line per query and product")
    if len(styles) > 1:
        both = " and ".join(styles.values())
        raise BadInput(f"{path} mixes labels and numbers, {both}; use one kind of grade")
    return _judgments(graded, kinds)


def _judgments(graded: Mapping[tuple[str, str], list[float]], kinds: dict[str, str]) -> Judgments:
    gains: dict[str, dict[str, float]] = {}
    duplicates = conflicts = 0
    for (query, product), given in graded.items():
        agreed = len(set(given)) == 1
        duplicates += len(given) - 1 if agreed else 0
        conflicts += not agreed
        gain = given[0] if agreed else math.fsum(given) / len(given)
        gains.setdefault(query, {})[product] = gain
    return Judgments(gains, kinds, duplicates, conflicts)


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BadInput(f"{path}, line {line}: not UTF-8; save the file as UTF-8") from None
    except (OSError, EOFError) as error:
        raise BadInput(f"cannot read the judgments {path}: {error}") from error


def _rows(path: Path, text: str) -> Iterator[_Row]:
    first = next(line for line in text.split("\n") if line.strip())
    for delimiter in (",", "\t", ";"):
        header = [_column(name) for name in next(csv.reader([first], delimiter=delimiter))]
        if all(_find(header, names) for names in (QUERY_COLUMNS, PRODUCT_COLUMNS, GRADE_COLUMNS)):
            return _table(path, text, delimiter)
    if _is_qrels(first):
        return _qrels(path, text)
    raise _header_problem(path, first)


def _column(name: str) -> str:
    return name.strip().casefold().replace(" ", "_").replace("-", "_")


def _find(header: list[str], names: tuple[str, ...]) -> str | None:
    return next((name for name in names if name in header), None)


def _header_problem(path: Path, first: str) -> BadInput:
    delimiter = max(",\t;", key=first.count)
    header = [_column(name) for name in first.split(delimiter)]
    for what, names in (
        ("query", QUERY_COLUMNS),
        ("product", PRODUCT_COLUMNS),
        ("grade", GRADE_COLUMNS),
    ):
        if not _find(header, names):
            seen, known = ", ".join(header)[:200], ", ".join(names)
            hint = " (the text to search for, not a number)" if what == "query" else ""
            return BadInput(
                f"{path}, line 1: no {what} column among {seen}; name it one of {known}{hint}",
                field=what,
            )
    return BadInput(f"{path}, line 1: columns must be separated by commas, tabs or semicolons")


def _table(path: Path, text: str, delimiter: str) -> Iterator[_Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = next([_column(name) for name in cells] for cells in reader if any(cells))
        lists = (QUERY_COLUMNS, PRODUCT_COLUMNS, GRADE_COLUMNS, KIND_COLUMNS)
        columns = [name for names in lists if (name := _find(header, names))]
        places = [header.index(name) for name in columns]
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            place = f"{path}, line {reader.line_num}"
            if len(cells) != len(header):
                raise BadInput(
                    f"{place}: {len(cells)} fields where the header has {len(header)};"
                    " quote fields that hold the separator"
                )
            values = [cells[i].strip() for i in places]
            _require(place, columns, values)
            yield _Row(f"{place}, column {columns[2]!r}", *values)
    except csv.Error as error:
        raise BadInput(f"{path}, line {reader.line_num}: not well-formed CSV: {error}") from error


def _require(place: str, columns: list[str], values: list[str]) -> None:
    for column, value in zip(columns[:3], values[:3], strict=True):
        if not value:
            raise BadInput(f"{place}, column {column!r}: empty; fill it or remove the line")


def _is_qrels(line: str) -> bool:
    fields = line.split()
    return len(fields) == 4 and _number(fields[3]) is not None


def _qrels(path: Path, text: str) -> Iterator[_Row]:
    for number, line in enumerate(text.split("\n"), 1):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != 4:
            raise BadInput(
                f"{path}, line {number}: {len(fields)} fields; TREC qrels have four:"
                " query, iteration, product, grade"
            )
        yield _Row(f"{path}, line {number}, field 4", fields[0], fields[2], fields[3])


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _gain(row: _Row) -> float:
    label = LABEL_GAINS.get(row.grade.casefold())
    gain = label if label is not None else _number(row.grade)
    if gain is None:
        raise BadInput(
            f"{row.place}: {row.grade!r} is no grade; write E, S, C or I, or a number from 0 up",
            field="grade",
        )
    if not math.isfinite(gain) or gain < 0:
        raise BadInput(
            f"{row.place}: {row.grade} cannot be a gain; grades are finite and 0 or more",
            field="grade",
        )
    return gain
