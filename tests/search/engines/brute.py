"""What filters, facets and orders mean, in plain Python over products."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from indexer.analysis import field_texts
from indexer.measures import product_measures
from query.text import words
from search.types import Filter, Filters, Product


def satisfies(product: Product, filters: Filters) -> bool:
    """Whether a product passes every filter."""
    return all(_passes(product, each) for each in filters)


def _passes(product: Product, condition: Filter) -> bool:
    return _has(product, condition) != condition.exclude


def _has(product: Product, condition: Filter) -> bool:
    name = condition.name
    if name == "words":
        return any(_says(product.title, phrase) for phrase in condition.values)
    if name.startswith("measures."):
        found = product_measures(product).get(name.removeprefix("measures."), ())
        return any(_between(number, condition, np.float32) for number in found)
    if name == "category":
        path = " > ".join(product.category)
        return any(path == v or path.startswith(v + " > ") for v in condition.values)
    if name in ("brand", "color", "id"):
        return getattr(product, name) in condition.values
    if name == "in_stock":
        available = product.stock is None or product.stock > 0
        return ("true" if available else "false") in condition.values
    if name in ("price", "rating"):
        return _between(_single(getattr(product, name)), condition, np.float32)
    value = product.attributes.get(name.removeprefix("attributes."))
    if condition.values:
        return any(_means(wanted, value) for wanted in condition.values)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and _between(value, condition, np.float64)  # type: ignore[arg-type]


def _says(title: str, phrase: str) -> bool:
    """Whether a title has a phrase, each word as much negated as in the phrase alone."""
    wanted, had = _negated(phrase), _negated(title)
    places = range(len(had) - len(wanted) + 1)
    return any(had[place : place + len(wanted)] == wanted for place in places)


def _negated(text: str) -> list[tuple[str, bool]]:
    found = words(text)
    return [
        (word.removesuffix("s"), _refused(found, place) or found[place + 1 : place + 2] == ["free"])
        for place, word in enumerate(found)
    ]


def _refused(found: Sequence[str], place: int) -> bool:
    before = place - 1
    while before >= 0 and found[before] in ("a", "an", "the", "any", "added"):
        before -= 1
    if before < 0:
        return False
    return found[before] in ("without", "no", "non") or list(found[: before + 1][-2:]) == ["w", "o"]


def _single(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value


def _between(value: float | None, condition: Filter, kind: type) -> bool:
    if value is None or math.isnan(value):
        return False
    low = -math.inf if condition.low is None else condition.low
    high = math.inf if condition.high is None else condition.high
    return bool(kind(low) <= kind(value) <= kind(high))


def _means(wanted: str, value: object) -> bool:
    if isinstance(value, bool):
        return wanted == ("true" if value else "false")
    if isinstance(value, (int, float)):
        try:
            return float(wanted) == value
        except ValueError:
            return False
    if isinstance(value, tuple):
        return wanted in value
    return wanted == value


def has_every_word(product: Product, text: str) -> bool:
    """Whether a product's text has every word of a text whose words have no other form."""
    return set(words(text)) <= set(words(" ".join(field_texts(product).values())))


def counts(products: Iterable[Product], name: str) -> Counter[str]:
    """How many products have each value of a facet."""
    found: Counter[str] = Counter()
    for product in products:
        found.update(set(_facet_values(product, name)))
    return found


def _facet_values(product: Product, name: str) -> Sequence[str]:
    if name == "in_stock":
        return ["true" if product.stock is None or product.stock > 0 else "false"]
    if name == "rating":
        return [s for s in "4321" if product.rating is not None and product.rating >= int(s)]
    if name in ("brand", "color", "id"):
        return [value] if (value := getattr(product, name)) is not None else []
    value = product.attributes.get(name.removeprefix("attributes."), ())
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, (int, float)):
        return [] if math.isnan(value) else [_shown(value)]
    return [value] if isinstance(value, str) else list(value)


def _shown(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def bounds(products: Iterable[Product], name: str) -> tuple[float | None, float | None]:
    """The least and the greatest number of a facet."""
    numbers = [
        float(value)
        for product in products
        if (value := _number(product, name)) is not None and not math.isnan(value)
    ]
    return (min(numbers), max(numbers)) if numbers else (None, None)


def _number(product: Product, name: str) -> float | None:
    if name in ("price", "rating"):
        value = getattr(product, name)
        return None if value is None else float(str(np.float32(value)))
    found = product.attributes.get(name.removeprefix("attributes."))
    number = isinstance(found, (int, float)) and not isinstance(found, bool)
    return float(found) if number else None  # type: ignore[arg-type]
