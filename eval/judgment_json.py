"""Judgments as JSON, whichever tool wrote them.

- Quepid (o19s/quepid, `app/views/api/v1/export`): a case, its ratings, and a book of judgments.
- OpenSearch's Search Relevance Workbench: `judgmentRatings`, as imported, or as `_search` gives
  them back; these are what it makes of UBI events, too.
- The Rated Ranking Evaluator (SeaseLtd/rated-ranking-evaluator): topics, query groups, queries.
- Lines or a list of flat objects with the names that columns have, such as UBI's judgments.
- An object of objects, query → product → grade, as ranx and pytrec_eval have them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from eval.judgment_formats import COUNT, JUDGMENT, KIND, JudgmentRow
from search.errors import BadInput

_BULK = frozenset({"index", "create"})
_NESTED = ("topics", "query_groups", "queries", "query_doc_pairs", "judgmentRatings")
Object = Mapping[str, Any]


def is_json(text: str) -> bool:
    """Whether a text begins as JSON does."""
    return text.lstrip()[:1] in ("{", "[")


def json_rows(path: Path, text: str) -> Iterator[JudgmentRow]:
    """The judgments of JSON, or of lines of it.

    Raises:
        BadInput: it is no JSON, or of a form that is not known; names the place.
    """
    found = False
    for value in read_json(path, text):
        for row in _walk(value, str(path), None):
            found = True
            yield row
    if not found:
        raise BadInput(
            f"{path} holds JSON without judgments; known are exports of Quepid, OpenSearch and the"
            " Rated Ranking Evaluator, objects with query, doc_id and rating, and query → product"
            " → grade"
        )


def read_json(path: Path, text: str) -> Iterator[Any]:
    """The one value of a JSON text, or the value of each of its lines.

    Raises:
        BadInput: it is neither; names the line.
    """
    try:
        yield orjson.loads(text)
    except orjson.JSONDecodeError as whole:
        lines = [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
        for number, line in lines:
            try:
                yield orjson.loads(line)
            except orjson.JSONDecodeError as error:
                alone = number == lines[0][0]
                place = f"{path}" if alone else f"{path}, line {number}"
                raise BadInput(
                    f"{place}: not well-formed JSON: {whole if alone else error}"
                ) from None


def _walk(value: Any, place: str, inherited: Any) -> Iterator[JudgmentRow]:
    if isinstance(value, list):
        for each in value:
            yield from _walk(each, place, inherited)
        return
    if not isinstance(value, dict):
        raise BadInput(f"{place}: {str(value)[:50]!r} where an object with judgments should be")
    for matches, rows in _FORMS:
        if matches(value):
            yield from rows(value, place, inherited)
            return


def _hits(value: Object, place: str, inherited: Any) -> Iterator[JudgmentRow]:
    inner = value["_source"] if "_source" in value else value["hits"]
    yield from _walk(inner.get("hits", inner) if "hits" in inner else inner, place, inherited)


def _nested(value: Object, place: str, inherited: Any) -> Iterator[JudgmentRow]:
    """Whatever holds more of the same; a group's documents are those of all its queries."""
    relevant = value.get("relevant_documents", inherited)
    for name in _NESTED:
        yield from _walk(value.get(name) or [], place, relevant)


def _rated(value: Object, place: str, _: Any) -> Iterator[JudgmentRow]:
    """A query with its ratings: a list of objects, or an object of product → grade."""
    query, ratings = _text(value.get("query", value.get("query_text")), place), value["ratings"]
    if isinstance(ratings, dict):
        ratings = [{"docid": product, "rating": grade} for product, grade in ratings.items()]
    for each in ratings or []:
        yield _flat_row({"query": query, **each}, place)


def _pair(value: Object, place: str, _: Any) -> Iterator[JudgmentRow]:
    """A product for a query, judged by several."""
    for each in value["judgements"]:
        given = None if each.get("unrateable") else each.get("rating")
        yield _flat_row({**value, "rating": given}, place)


def _evaluator(value: Object, place: str, inherited: Any) -> Iterator[JudgmentRow]:
    """A query of the Rated Ranking Evaluator: its text is the placeholder `$query`."""
    placeholders = value["placeholders"]
    query = placeholders.get("$query", next(iter(placeholders.values()), None))
    documents = value.get("relevant_documents", inherited) or {}
    for part in documents if isinstance(documents, list) else [documents]:
        for key, what in part.items():
            graded = [(p, key) for p in what] if isinstance(what, list) else [(key, _gain(what))]
            for product, grade in graded:
                yield _row(place, _text(query, place), product, grade)


def _gain(value: Any) -> Any:
    return value.get("gain") if isinstance(value, dict) else value


def _qrels(value: Object, place: str, _: Any) -> Iterator[JudgmentRow]:
    for query, known in value.items():
        for product, grade in known.items():
            yield _row(place, query, product, grade)


def _flat(value: Object, place: str, _: Any) -> Iterator[JudgmentRow]:
    yield _flat_row(value, place)


def _flat_row(value: Object, place: str) -> JudgmentRow:
    values = {_normal(name): each for name, each in value.items()}
    found: dict[str, Any] = {}
    for meaning, names in (JUDGMENT | KIND | COUNT).items():
        name = next((n for n in names if n in values), None)
        found[meaning] = values[name] if name else None
        if name is None and meaning in ("query", "product"):
            seen, known = ", ".join(value)[:200], ", ".join(names)
            raise BadInput(f"{place}: no {meaning} among {seen}; name it one of {known}")
    return _row(place, **found)


def _row(
    place: str, query: Any, product: Any, grade: Any, kind: Any = None, count: Any = None
) -> JudgmentRow:
    where = f"{place}, query {str(query)!r}, product {str(product)!r}"
    texts = ["" if each is None else str(each).strip() for each in (grade, kind, count)]
    return JudgmentRow(where, _text(query, place), _text(product, where), *texts)


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str | int) or not str(value).strip():
        raise BadInput(f"{place}: a judgment without a text for its query and an id of its product")
    return str(value).strip()


def _normal(name: str) -> str:
    return name.strip().casefold().replace(" ", "_").replace("-", "_")


def _is_qrels(value: Object) -> bool:
    return bool(value) and all(
        isinstance(known, dict) and all(isinstance(g, int | float) for g in known.values())
        for known in value.values()
    )


def _nothing(value: Object, place: str, _: Any) -> Iterator[JudgmentRow]:
    return iter(())


_FORMS: tuple[
    tuple[Callable[[Object], bool], Callable[[Object, str, Any], Iterator[JudgmentRow]]], ...
] = (
    (lambda v: set(v) <= _BULK, _nothing),
    (_is_qrels, _qrels),
    (lambda v: isinstance(v.get("_source"), dict) or isinstance(v.get("hits"), dict), _hits),
    (lambda v: any(isinstance(v.get(name), list) for name in _NESTED), _nested),
    (lambda v: isinstance(v.get("placeholders"), dict), _evaluator),
    (lambda v: isinstance(v.get("judgements"), list), _pair),
    (lambda v: isinstance(v.get("ratings"), dict | list), _rated),
    (lambda v: True, _flat),
)
"""How each form is told, and read; the first that fits is taken."""
