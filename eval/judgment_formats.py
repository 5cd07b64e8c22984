"""The forms judgments come in: tables, TREC qrels, LTR lines and Quepid's books; see
`eval.judgment_json` for JSON. Each becomes the same rows."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from eval.tables import find_layout, first_line, header_of, missing_column, read_rows
from search.errors import BadInput

QUERY = {"query": ("query", "user_query", "query_text", "search_term", "keywords")}
QUERY_IDS = ("query_id", "qid", "topic", "topic_id")
QUERY_ID = {"query": (*QUERY["query"], *QUERY_IDS)}
PRODUCT = {
    "product": (
        *("product_id", "doc_id", "document_id", "product_uid", "docid", "asin", "sku"),
        "corpus_id",
    )
}
GRADE = {
    "grade": (
        *("label", "esci_label", "gain", "rating", "grade", "relevance", "relevance_score"),
        *("median_relevance", "judgment", "score"),
    )
}
KIND = {"kind": ("kind", "query_kind", "query_class", "query_type", "intent")}
COUNT = {"count": ("frequency", "query_frequency", "searches", "search_count", "volume")}
JUDGMENT = QUERY | PRODUCT | GRADE
"""Accepted column names; where a file has several of a list, the earliest in the list is used."""

_LTR = re.compile(r"(\S+)\s+qid:(\S+)\s[^#]*#\s*(\S+)(?:\s+(\S.*))?")
_BOOK = ["query", "docid"]


@dataclass(frozen=True, slots=True)
class JudgmentRow:
    """One judgment as written, and where. An empty grade: shown, but not judged."""

    place: str
    query: str
    product: str
    grade: str
    kind: str = ""
    count: str = ""


def text_rows(path: Path, text: str, ids: bool) -> Iterator[JudgmentRow]:
    """The judgments of a file that is not JSON. With `ids`, queries may be named by id.

    Raises:
        BadInput: the line and column that cannot be used, and what to write there.
    """
    line = first_line(text)
    required = (QUERY_ID if ids else QUERY) | PRODUCT | GRADE
    layout = find_layout(text, required, KIND | COUNT)
    if layout is None and is_qrels(line):
        yield from _qrels(path, text)
    elif layout is None and _LTR.fullmatch(line.strip()):
        yield from _ltr(path, text)
    elif layout is None and header_of(line, ",")[:2] == _BOOK and line.count(",") > 1:
        yield from _book(path, text)
    elif layout is None:
        raise missing_column(path, text, required)
    else:
        grade = layout.columns["grade"][0]
        for row in read_rows(path, text, layout, ("query", "product"), without="grade"):
            yield JudgmentRow(f"{row.place}, column {grade!r}", **row.values)


def is_qrels(line: str) -> bool:
    """Whether a line is one of TREC qrels: query, iteration, product, grade."""
    fields = line.split()
    return len(fields) == 4 and _is_number(fields[3])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _qrels(path: Path, text: str) -> Iterator[JudgmentRow]:
    for number, line in enumerate(text.split("\n"), 1):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != 4:
            raise BadInput(
                f"{path}, line {number}: {len(fields)} fields; TREC qrels have four:"
                " query, iteration, product, grade"
            )
        yield JudgmentRow(f"{path}, line {number}, field 4", fields[0], fields[2], fields[3])


def _ltr(path: Path, text: str) -> Iterator[JudgmentRow]:
    """`3 qid:1 # 1370 star trek`: grade, query id, product, the query's text."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        match = _LTR.fullmatch(line.strip())
        if match is None:
            raise BadInput(
                f"{path}, line {number}: not of the form '3 qid:1 # product query', as the first is"
            )
        grade, identifier, product, query = match.groups()
        yield JudgmentRow(f"{path}, line {number}, field 1", query or identifier, product, grade)


def _book(path: Path, text: str) -> Iterator[JudgmentRow]:
    """Quepid's table of a book: `query`, `docid`, and a column for each rater."""
    lines = csv.reader(io.StringIO(text, newline=""))
    header = next(cells for cells in lines if any(cells))
    for cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        place = f"{path}, line {lines.line_num}"
        if len(cells) != len(header) or not (cells[0].strip() and cells[1].strip()):
            raise BadInput(f"{place}: needs a query, a docid and a field for each rater")
        for rater, grade in zip(header[2:], cells[2:], strict=True):
            column = f"{place}, column {rater!r}"
            yield JudgmentRow(column, cells[0].strip(), cells[1].strip(), grade.strip())


def read_query_texts(path: Path, text: str) -> Mapping[str, str]:
    """Query id → text: a table with a column of each, or lines of an id, a tab and a text.

    Raises:
        BadInput: neither; or an id with two texts.
    """
    required = {"id": (*QUERY_IDS, "id"), "text": (*QUERY["query"], "text")}
    layout = find_layout(text, required, {})
    if layout is not None:
        pairs = [(row.values["id"], row.values["text"]) for row in read_rows(path, text, layout)]
    else:
        pairs = [_tabbed(path, n, line) for n, line in enumerate(text.split("\n"), 1) if line]
    texts: dict[str, str] = {}
    for identifier, query in pairs:
        if texts.setdefault(identifier, query) != query:
            raise BadInput(f"{path}: the query id {identifier} has two texts; keep one")
    return texts


def _tabbed(path: Path, number: int, line: str) -> tuple[str, str]:
    identifier, tab, query = line.strip("\r").partition("\t")
    if not (tab and identifier.strip() and query.strip()):
        raise BadInput(
            f"{path}, line {number}: not a query id, a tab and a text; or begin with a header that"
            " names the columns query_id and query"
        )
    return identifier.strip(), query.strip()
