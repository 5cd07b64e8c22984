"""What rules name, to be looked up in an index: of rules with faults too, as far as can be read."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from rankers.rules.checks import field_of, items_of
from rankers.rules.lines import Path, line_at, lines_of
from rankers.rules.wire import FilterBody
from search.types import Filter


@dataclass(frozen=True, slots=True)
class Name:
    """One thing that a rule names: the rule's id, the field and the 1-based line it is in, and what
    it is: the id of a product, a filter, or the path of a category."""

    rule: str
    field: str
    line: int | None
    product: str = ""
    filter: Filter | None = None
    category: str = ""


def names_in(text: str) -> tuple[Name, ...]:
    """The names in the order of the text; none of one that is no TOML."""
    try:
        rules = items_of(tomllib.loads(text), "rule")
    except tomllib.TOMLDecodeError:
        return ()
    lines = lines_of(text)
    found = []
    for number, rule in enumerate(rules):
        told = repr(field_of(rule, "id") or f"number {number + 1}")
        for field, place, members in (*_products(rule), *_filters(rule), *_category(rule)):
            line = line_at(lines, ("rule", number, *place))
            found.append(Name(told, field, line, **members))
    return tuple(sorted(found, key=lambda name: name.line or 0))


_Found = Iterator[tuple[str, Path, dict[str, Any]]]
"""The field, the place within the rule, and what is named."""


def _products(rule: Any) -> _Found:
    for n, pin in enumerate(items_of(rule, "pin")):
        if isinstance(product := field_of(pin, "id"), str):
            yield "pin", ("pin", n, "id"), {"product": product}
    for n, product in enumerate(items_of(field_of(rule, "sponsored"), "ids")):
        if isinstance(product, str):
            yield "sponsored.ids", ("sponsored", "ids", n), {"product": product}


def _filters(rule: Any) -> _Found:
    groups: list[tuple[str, Path, Any]] = [
        (field, (field, n), each)
        for field in ("boost", "bury")
        for n, each in enumerate(items_of(rule, field))
    ]
    groups += [("filters", (), rule)]
    groups += [("sponsored.filters", ("sponsored",), field_of(rule, "sponsored"))]
    for field, place, holder in groups:
        for n, written in enumerate(items_of(holder, "filters")):
            try:
                body = FilterBody.model_validate(written)
            except ValidationError:
                continue
            yield from _of_filter(field, (*place, "filters", n), body)


def _of_filter(field: str, place: Path, body: FilterBody) -> _Found:
    """Each value by itself, since each may be wrong; a range as a whole."""
    if not body.values:
        yield field, place, {"filter": Filter(body.name, (), body.low, body.high)}
    for n, value in enumerate(body.values):
        if body.name == "id":
            yield field, (*place, "values", n), {"product": value}
        else:
            yield field, (*place, "values", n), {"filter": Filter(body.name, (value,))}


def _category(rule: Any) -> _Found:
    category = field_of(field_of(rule, "when"), "category")
    if isinstance(category, str) and category:
        yield "when.category", ("when", "category"), {"category": category}
