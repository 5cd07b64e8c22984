"""Human judgments: which products are right for which query, and how right.

Read from CSV, TSV (columns found by name) or TREC qrels, plain or gzipped.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from eval.tables import find_layout, first_line, missing_column, read_rows, read_text
from search.errors import BadInput

QUERY = {"query": ("query", "user_query", "query_text", "search_term", "keywords")}
PRODUCT = {
    "product": ("product_id", "doc_id", "document_id", "product_uid", "docid", "asin", "sku")
}
GRADE = {
    "grade": (
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
}
KIND = {"kind": ("kind", "query_kind", "query_class", "query_type", "intent")}
JUDGMENT = QUERY | PRODUCT | GRADE
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

    def only(self, queries: Collection[str]) -> Judgments:
        """The judgments of these queries."""
        return replace(self, gains={q: self.gains[q] for q in self.gains if q in queries})

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

    A CSV or TSV needs a header with a query, a product and a grade column (see `JUDGMENT`).
    A grade is a label (E, S, C, I or the words) or a number, 0 or more. Without a header, four
    fields separated by spaces are TREC qrels: query, iteration, product, grade.

    Raises:
        BadInput: the file, line and column that cannot be used, and what to write there.
    """
    graded: dict[tuple[str, str], list[float]] = {}
    kinds: dict[str, str] = {}
    styles: dict[bool, str] = {}
    for row in _rows(path, read_text(path)):
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


def load_kinds(path: Path) -> dict[str, str]:
    """Query → kind, from a table with a query and a kind column; the last of repeated lines wins.

    Give it to judgments by `dataclasses.replace(judgments, kinds=…)` to have scores by kind.

    Raises:
        BadInput: the file, line and column that cannot be used.
    """
    text, required = read_text(path), QUERY | KIND
    layout = find_layout(text, required, {})
    if layout is None:
        raise missing_column(path, text, required)
    rows = read_rows(path, text, layout, required)
    return {row.values["query"]: row.values["kind"] for row in rows}


def _rows(path: Path, text: str) -> Iterator[_Row]:
    layout = find_layout(text, JUDGMENT, KIND)
    if layout is None and _is_qrels(first_line(text)):
        yield from _qrels(path, text)
        return
    if layout is None:
        raise missing_column(path, text, JUDGMENT)
    grade = layout.columns["grade"][0]
    for row in read_rows(path, text, layout, JUDGMENT):
        yield _Row(f"{row.place}, column {grade!r}", **row.values)


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
