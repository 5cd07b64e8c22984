"""The measures of a product, as numbers that can be compared whatever unit they were written in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from query.phrases.titles import NOTHING, Found, find_measures
from query.phrases.units import SIZE, UNITS, Unit
from query.text import normalize
from search.types import AttributeValue, Product

_DIGIT = re.compile(r"\d")
_SHORT = 40
"""Characters of an attribute value that is a measure rather than a sentence."""
_MOST = 30
"""Text attributes of one product whose measures count."""
_NAME = re.compile(r"[a-z0-9]_([a-z]+)$|__([a-z_]+)_$")
_UNCERTAIN = frozenset({"in", "min", "a", "s", "c", "f", "k", "lt", "gr", "pc", "pt", "pr", "ct"})
"""Ends of names that are often no unit: `line_in`, `age__min_`."""
_IN = re.compile(
    r"(?:width|height|depth|length|diameter|diagonal|screen|size|thickness|radius)_in$"
)
_PER = re.compile(r"(?:^|_)per_[a-z]+$")
_MARKED = frozenset({"w", "h", "d", "l", "m", "v", "g", "t"})
"""In brackets a letter is a side, not a unit: `height__h_`."""


def product_measures(product: Product) -> dict[str, tuple[float, ...]]:
    """Every measure by dimension, in the base unit of that dimension, without duplicates.

    From the title, from attributes that write a unit (`"15.6 in"`), and from numeric attributes
    whose name ends in a unit (`capacity_l`).
    """
    found: dict[str, dict[float, None]] = {}
    for unit, value in _values(product):
        found.setdefault(unit.dimension, {})[round(unit.base(value), 6)] = None
    return {dimension: tuple(values) for dimension, values in found.items()}


def measure_tokens(product: Product) -> list[str]:
    """The words that stand for the product's measures in the index, without duplicates."""
    tokens = [token for found in _texts(product) for token in found.tokens()]
    tokens += Found(tuple(_named(product.attributes))).tokens()
    return list(dict.fromkeys(tokens))


def _values(product: Product) -> Iterator[tuple[Unit, float]]:
    for found in _texts(product):
        yield from found.values
    yield from _named(product.attributes)


def _texts(product: Product) -> Iterator[Found]:
    if _DIGIT.search(product.title):
        yield find_measures(normalize(product.title))
    left = _MOST
    for value in product.attributes.values():
        if isinstance(value, str) and len(value) <= _SHORT and (found := _short_text(value)):
            left -= 1
            if left < 0:
                return
            yield found


@lru_cache(maxsize=20_000)
def _short_text(value: str) -> Found:
    """What an attribute's text measures; texts of attributes recur."""
    return find_measures(normalize(value)) if _DIGIT.search(value) else NOTHING


def _named(attributes: Mapping[str, AttributeValue]) -> Iterator[tuple[Unit, float]]:
    for name, value in attributes.items():
        if isinstance(value, float) and (unit := unit_of_name(name)) is not None:
            yield unit, value


@lru_cache(maxsize=20_000)
def unit_of_name(name: str) -> Unit | None:
    """The unit that a numeric attribute's name surely states, None when it states none."""
    if _IN.search(name):
        return UNITS["in"]
    if name == "size_us":
        return SIZE
    match = None if _PER.search(name) else _NAME.search(name)
    if match is None:
        return None
    end, marked = match.groups()
    if end in _UNCERTAIN or marked in _UNCERTAIN or marked in _MARKED:
        return None
    return UNITS.get(end or marked.replace("_", " "))
