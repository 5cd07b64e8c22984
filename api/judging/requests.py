"""What the judging page sends and gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, StrictInt, ValidationError

from api.judging.answers import SKIPPED, Action, Answer, Answers, Pair, Progress, progress
from api.judging.tasks import GRADES, Pooled, Shown, Task
from api.requests import Wire, first_fault
from search.errors import BadInput, NotFound

Given = int | Literal["skip"] | None
_HIGHEST = len(GRADES) - 1


class AnswerBody(Wire):
    """One answer. `id` is made once by the page, so that a repeated request counts once; `query`
    counts the task's queries from 0."""

    id: str = Field(pattern=r"^[A-Za-z0-9-]{8,64}$")
    rater: str = Field(max_length=200)
    action: Action
    query: StrictInt | None = None
    product: str | None = None
    grade: StrictInt | None = None


def read_answer(body: bytes, task: Task) -> tuple[str, Answer]:
    """A rater and what they answered.

    Raises:
        MalformedBody, BadInput: it cannot be read, or the grade is none.
        NotFound: the task has no such query, or not that product for it.
    """
    try:
        given = AnswerBody.model_validate_json(body)
    except ValidationError as error:
        raise first_fault(error) from None
    if given.action == "undo":
        return given.rater, Answer(given.id, "undo")
    grade = given.grade if given.action == "grade" else None
    if given.action == "grade" and (grade is None or not 0 <= grade <= _HIGHEST):
        raise BadInput(f"grade must be a whole number from 0 to {_HIGHEST}", field="grade")
    query = pooled(task, given.query)
    if given.product not in query.products:
        raise NotFound(f"{str(given.product)[:100]!r} is not among the products of that query")
    return given.rater, Answer(given.id, given.action, query.query, given.product, grade)


def pooled(task: Task, number: int | None) -> Pooled:
    """A query of the task by its number, from 0.

    Raises:
        NotFound: there is none.
    """
    if number is None or not 0 <= number < len(task.queries):
        raise NotFound(
            f"{task.name} has no query {number}; they are counted from 0 to {len(task.queries) - 1}"
        )
    return task.queries[number]


def work_json(task: Task, rater: str, answers: Answers, number: int | None) -> dict[str, Any]:
    """What a rater is to see: a query with its products in this rater's order, or none when all is
    answered; nothing of systems, places and scores."""
    if number is None:
        number = _first(task, answers, wanted=None)
    return {
        "task": {"name": task.name, "queries": len(task.queries), "grades": GRADES},
        "rater": answers.rater,
        "progress": progress_json(progress(task, answers)),
        "undo": bool(answers.history),
        "skipped_query": _first(task, answers, wanted=SKIPPED),
        "query": None if number is None else _query_json(task, rater, answers, number),
    }


def answered_json(task: Task, answers: Answers, pair: Pair | None) -> dict[str, Any]:
    """What is acknowledged: where the rater stands, and every answer about that query, so that a
    window left behind catches up; `product` is the one whose answer changed."""
    query, product = pair or ("", "")
    number = next((n for n, each in enumerate(task.queries) if each.query == query), None)
    return {
        "progress": progress_json(progress(task, answers)),
        "undo": bool(answers.history),
        "query": number,
        "product": product or None,
        "answers": {} if number is None else _given(task.queries[number], answers),
    }


def progress_json(found: Progress) -> Mapping[str, Any]:
    """How far a rater is."""
    return {
        "total": found.total,
        "graded": found.graded,
        "skipped": found.skipped,
        "done": found.done,
    }


def _first(task: Task, answers: Answers, wanted: int | None) -> int | None:
    for number, each in enumerate(task.queries):
        for product in each.products:
            if answers.given.get((each.query, product)) == wanted:
                return number
    return None


def _query_json(task: Task, rater: str, answers: Answers, number: int) -> dict[str, Any]:
    query = pooled(task, number)
    given = _given(query, answers)
    products = [
        _product_json(product, task.products[product], given[product])
        for product in task.order(rater, query)
    ]
    return {"number": number, "text": query.query, "products": products}


def _given(query: Pooled, answers: Answers) -> dict[str, Given]:
    found = {product: answers.given.get((query.query, product)) for product in query.products}
    return {product: "skip" if value == SKIPPED else value for product, value in found.items()}


def _product_json(product: str, copy: Shown, given: Given) -> dict[str, Any]:
    return {
        "id": product,
        "title": copy.title or product,
        "brand": copy.brand,
        "category": copy.category,
        "price": copy.price,
        "currency": copy.currency,
        "image": copy.image,
        "attributes": copy.attributes,
        "answer": given,
    }
