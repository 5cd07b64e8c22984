"""Rankings that other programs wrote: TREC runs, tables and JSON, as runs without ties.

A TREC run has six fields a line: query, Q0, product, rank, score, name of the run. As trec_eval
does, only the score counts; equal scores stand by product id.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eval.judgment_formats import PRODUCT, QUERY, QUERY_IDS, is_qrels
from eval.judgment_json import is_json, read_json
from eval.runs import Run, rank_by_score
from eval.tables import Names, find_layout, first_line, missing_column, read_rows, read_text
from search.errors import BadInput

_QUERY: Names = {"query": (*QUERY["query"], *QUERY_IDS)}
_SCORE: Names = {"score": ("score", "relevance_score")}
_RANK: Names = {"rank": ("rank", "position", "doc_position", "place")}
_PRODUCTS = ("products", "product_ids", "ids", "docs", "hits", "results", "ranking")


@dataclass(frozen=True, slots=True)
class RankingFile:
    """What a file ranks. `tied` counts the products whose score another of the same query has;
    `products` all of them."""

    run: Run
    products: int
    tied: int


@dataclass(frozen=True, slots=True)
class _Line:
    place: str
    query: str
    product: str
    score: float


@dataclass(slots=True)
class _Scores:
    """The scores of each query's products."""

    texts: Mapping[str, str] | None
    scores: dict[str, dict[str, float]] = field(default_factory=dict)

    def add(self, line: _Line) -> None:
        query = line.query
        if self.texts is not None:
            # Queries of a run that nobody judged need no text.
            query = self.texts.get(query, query)
        known = self.scores.setdefault(query, {})
        if line.product in known:
            raise BadInput(
                f"{line.place}: product {line.product!r} is there twice for the query"
                f" {line.query!r}; keep its better place"
            )
        known[line.product] = line.score

    def file(self) -> RankingFile:
        tied = sum(_tied(known.values()) for known in self.scores.values())
        run = {query: rank_by_score(known) for query, known in self.scores.items()}
        return RankingFile(run, sum(map(len, run.values())), tied)


def load_ranking_file(path: Path, queries: Mapping[str, str] | None = None) -> RankingFile:
    """Reads a TREC run; a table with a query and a product column, ordered by score, by rank, or as
    it stands; or JSON: query → product → score, query → products, or lines of both. `queries` gives
    the texts of queries that are named by id.

    Raises:
        BadInput: the line that cannot be used: a product twice for a query, a score that is no
            number or NaN, or a file of another form.
    """
    text = read_text(path)
    gathered = _Scores(queries)
    for line in _lines(path, text):
        gathered.add(line)
    if not gathered.scores:
        raise BadInput(f"{path} ranks nothing; it should hold a line for each query and product")
    return gathered.file()


def _lines(path: Path, text: str) -> Iterator[_Line]:
    if is_json(text):
        return _json(path, text)
    if len(first_line(text).split()) == 6 and find_layout(text, {**_QUERY, **PRODUCT}, {}) is None:
        return _trec(path, text)
    if is_qrels(first_line(text)):
        raise BadInput(
            f"{path}: this looks like qrels, which are judgments (--judgments); a run has 6 fields"
            " a line: query, Q0, product, rank, score, name"
        )
    return _table(path, text)


def _trec(path: Path, text: str) -> Iterator[_Line]:
    for number, line in enumerate(text.split("\n"), 1):
        fields = line.split()
        if not fields:
            continue
        place = f"{path}, line {number}"
        if len(fields) != 6:
            raise BadInput(
                f"{place}: {len(fields)} fields; TREC runs have six: query, Q0, product, rank,"
                " score, name"
            )
        yield _Line(place, fields[0], fields[2], _score(fields[4], f"{place}, field 5"))


def _table(path: Path, text: str) -> Iterator[_Line]:
    layout = find_layout(text, {**_QUERY, **PRODUCT}, {**_SCORE, **_RANK})
    if layout is None:
        raise missing_column(path, text, {**_QUERY, **PRODUCT})
    for number, row in enumerate(read_rows(path, text, layout)):
        values = row.values
        if "score" in values:
            score = _score(values["score"], row.place)
        else:
            score = -_score(values["rank"], row.place) if "rank" in values else -float(number)
        yield _Line(row.place, values["query"], values["product"], score)


def _json(path: Path, text: str) -> Iterator[_Line]:
    for value in read_json(path, text):
        for query, ranked in _by_query(value, path):
            place = f"{path}, query {query!r}"
            if isinstance(ranked, dict):
                for product, score in ranked.items():
                    yield _Line(place, query, product, _score(score, f"{place}, {product!r}"))
            elif isinstance(ranked, list) and all(isinstance(p, str | int) for p in ranked):
                for i, product in enumerate(ranked):
                    yield _Line(place, query, str(product), -float(i))
            else:
                raise BadInput(f"{place}: neither a list of product ids nor product → score")


def _by_query(value: Any, path: Path) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict):
        raise BadInput(
            f"{path}: JSON runs are objects: query → products, or query → product → score"
        )
    query = next((value[name] for name in _QUERY["query"] if name in value), None)
    ranked = next((value[name] for name in _PRODUCTS if name in value), None)
    if isinstance(query, str) and ranked is not None:
        yield query, ranked
    else:
        yield from value.items()


def _score(value: Any, place: str) -> float:
    try:
        score = float(value)
    except (TypeError, ValueError):
        raise BadInput(f"{place}: {value!r} is no score; write a number") from None
    if math.isnan(score):
        raise BadInput(f"{place}: a score of NaN has no place in an order; leave the product out")
    return score


def _tied(scores: Iterable[float]) -> int:
    return sum(n for n in Counter(scores).values() if n > 1)
