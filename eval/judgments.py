"""Human judgments: which products are right for which query, and how right.

Read from CSV, TSV (columns found by name), TREC qrels, or exports of Quepid, OpenSearch and others
(`eval.judgment_formats`, `eval.judgment_json`), plain or gzipped.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from eval.judgment_formats import (
    COUNT,
    KIND,
    QUERY,
    QUERY_IDS,
    JudgmentRow,
    read_query_texts,
    text_rows,
)
from eval.judgment_json import is_json, json_rows
from eval.tables import find_layout, missing_column, read_rows, read_text
from search.errors import BadInput

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
    where the file had such a column, `counts` how often each is searched. `duplicates` counts
    repeated judgments of equal gain (kept once), `conflicts` the pairs judged differently (their
    mean is kept, as for several raters), `unrated` the products listed without a grade (left out).
    """

    gains: Mapping[str, Mapping[str, float]]
    kinds: Mapping[str, str] = field(default_factory=dict)
    duplicates: int = 0
    conflicts: int = 0
    unrated: int = 0
    counts: Mapping[str, float] = field(default_factory=dict)

    def relevant_queries(self) -> tuple[str, ...]:
        """The queries with at least one relevant product: those that can be scored."""
        return tuple(q for q, gains in self.gains.items() if max(gains.values(), default=0.0) > 0)

    def only(self, queries: Collection[str]) -> Judgments:
        """The judgments of these queries."""
        return replace(self, gains={q: self.gains[q] for q in self.gains if q in queries})

    def candidates(self) -> dict[str, tuple[str, ...]]:
        """The judged products of every query that can be scored, by id."""
        return {q: tuple(sorted(self.gains[q])) for q in self.relevant_queries()}


def load_judgments(path: Path, queries: Mapping[str, str] | None = None) -> Judgments:
    """Reads a file of judgments.

    A CSV or TSV needs a header with a query, a product and a grade column (see `JUDGMENT`).
    A grade is a label (E, S, C, I or the words) or a number, 0 or more; a line without one counts
    as not judged. Without a header, four fields separated by spaces are TREC qrels: query,
    iteration, product, grade. `queries` gives the texts of queries that are named by id;
    one that is named by such a text is that query.

    Raises:
        BadInput: the file, line and column that cannot be used, and what to write there.
    """
    gathered = _Gathered(queries)
    text = read_text(path)
    rows = json_rows(path, text) if is_json(text) else text_rows(path, text, queries is not None)
    for row in rows:
        gathered.add(row)
    if not gathered.graded:
        reason = "a header but no judgments" if not gathered.unrated else "products without a grade"
        raise BadInput(f"{path} has {reason}; add one line per query and product")
    if len(gathered.styles) > 1:
        both = " and ".join(gathered.styles.values())
        raise BadInput(f"{path} mixes labels and numbers, {both}; use one kind of grade")
    return gathered.judgments()


def load_query_texts(path: Path) -> Mapping[str, str]:
    """Query id → text: a table with a column of each (`query_id`, `query`), or lines of an id, a
    tab and a text, as TREC's topics often come.

    Raises:
        BadInput: the file and line that cannot be used.
    """
    return read_query_texts(path, read_text(path))


class _Gathered:
    """Rows on their way to judgments."""

    def __init__(self, texts: Mapping[str, str] | None) -> None:
        self.texts = texts
        self.known = frozenset(texts.values()) if texts else frozenset()
        self.graded: dict[tuple[str, str], list[float]] = {}
        self.kinds: dict[str, str] = {}
        self.counts: dict[str, float] = {}
        self.styles: dict[bool, str] = {}
        self.unrated = 0

    def add(self, row: JudgmentRow) -> None:
        """Takes one row in."""
        if not row.grade:
            self.unrated += 1
            return
        query = self._text(row)
        self.styles.setdefault(row.grade.casefold() in LABEL_GAINS, f"{row.grade} ({row.place})")
        self.graded.setdefault((query, row.product), []).append(_gain(row))
        if row.kind:
            self.kinds.setdefault(query, row.kind)
        if row.count:
            self.counts.setdefault(query, _count(row.count, row.place))

    def _text(self, row: JudgmentRow) -> str:
        if self.texts is None:
            return row.query
        text = self.texts.get(row.query)
        # Runs may name queries by the ids whose texts the judgments give.
        if text is None and row.query in self.known:
            text = row.query
        if text is None:
            raise BadInput(f"{row.place}: there is no text for the query {row.query!r}; add it")
        return text

    def judgments(self) -> Judgments:
        """What was gathered: repeated judgments counted once, differing ones averaged."""
        gains: dict[str, dict[str, float]] = {}
        duplicates = conflicts = 0
        for (query, product), given in self.graded.items():
            agreed = len(set(given)) == 1
            duplicates += len(given) - 1 if agreed else 0
            conflicts += not agreed
            gain = given[0] if agreed else math.fsum(given) / len(given)
            gains.setdefault(query, {})[product] = gain
        return Judgments(gains, self.kinds, duplicates, conflicts, self.unrated, self.counts)


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
    rows = read_rows(path, text, layout)
    return {row.values["query"]: row.values["kind"] for row in rows}


def names_kinds(path: Path) -> bool:
    """Whether a file is a table of queries and their kinds, which names no query by an id."""
    text = read_text(path)
    ids = {"id": (*QUERY_IDS, "id")}
    return find_layout(text, QUERY | KIND, {}) is not None and find_layout(text, ids, {}) is None


def load_counts(path: Path) -> dict[str, float]:
    """Query → how often it is searched, from a table with a query column and one of counts; without
    one, a line is one search. Repeated queries add up.

    Raises:
        BadInput: the file, line and column that cannot be used.
    """
    text = read_text(path)
    layout = find_layout(text, QUERY, {"count": (*COUNT["count"], "count")})
    if layout is None:
        raise missing_column(path, text, QUERY)
    counts: dict[str, float] = {}
    for row in read_rows(path, text, layout):
        query = row.values["query"]
        counts[query] = counts.get(query, 0.0) + _count(row.values.get("count", "1"), row.place)
    return counts


def _count(text: str, place: str) -> float:
    value = _number(text)
    if value is None or not math.isfinite(value) or value < 0:
        raise BadInput(f"{place}: {text!r} is no number of searches; write a number from 0 up")
    return value


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _gain(row: JudgmentRow) -> float:
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
