"""Queries made from products, so that what they name is known from the products' own fields.

Shoppers write a kind of thing, a maker, a color, in some order, or words they remember: so do
these. The truth of a reading is whether the product the query was made from has the value.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from query.entities.keys import value_stems
from query.entities.observations import Observation
from query.entities.titles import Title, analyze
from query.entities.values import BRAND, CATEGORY, COLOR, PRODUCT_TYPE, Lexicon

Words = tuple[str, ...]

PATTERNS: tuple[tuple[tuple[str, ...], float], ...] = (
    (("type",), 1.0),
    (("brand", "type"), 2.0),
    (("color", "type"), 1.5),
    (("type", "color"), 0.5),
    (("attribute", "type"), 1.0),
    (("type", "attribute"), 0.5),
    (("brand",), 0.5),
    (("brand", "color", "type"), 0.5),
    (("color", "attribute", "type"), 0.5),
    (("brand", "fragment"), 1.0),
    (("named",), 3.0),
    (("brand", "named"), 1.0),
    (("fragment",), 2.0),
    (("words",), 0.25),
    (("description",), 1.0),
)
"""What a query is put together from, and how often."""
DESCRIPTION = 400
"""Characters of a description that queries are made from."""
LONGEST_FRAGMENT = 7


@dataclass(frozen=True, slots=True)
class Generated:
    """A query's stems and the product it was made from."""

    words: Words
    observation: Observation


def generate(
    lexicon: Lexicon, observations: Sequence[Observation], rng: random.Random, each: int
) -> Iterator[Generated]:
    """`each` queries of every observed product."""
    patterns, weights = zip(*PATTERNS, strict=True)
    for observation in observations:
        parts = _parts(lexicon, observation)
        for pattern in rng.choices(patterns, weights, k=each):
            words = tuple(w for name in pattern for w in _pick(name, parts, observation, rng))
            if words:
                yield Generated(words, observation)


def _parts(lexicon: Lexicon, observation: Observation) -> dict[str, list[Words]]:
    """The names in a product's title that are true of it, by what they are."""
    parts: dict[str, list[Words]] = defaultdict(list)
    for each in observation.found:
        for number in observation.truth.intersection(lexicon.readings[each]):
            kind = lexicon.values[number].type
            names = {BRAND: "brand", COLOR: "color", PRODUCT_TYPE: "type", CATEGORY: "type"}
            parts[names.get(kind, "attribute")].append(tuple(each.split(" ")))
    if not parts["brand"] and observation.product.brand:
        parts["brand"].append(value_stems(observation.product.brand))
    return parts


def _pick(
    name: str, parts: dict[str, list[Words]], observation: Observation, rng: random.Random
) -> Words:
    if name == "fragment":
        return _fragment(observation.title, rng)
    if name == "named":
        return _named(observation.title, rng)
    if name == "description":
        return _fragment(analyze(observation.product.description[:DESCRIPTION]), rng)
    if name == "words":
        title = observation.title.words
        return tuple(rng.sample(title, min(len(title), rng.randint(1, 3))))
    return rng.choice(parts[name]) if parts[name] else ()


def _named(title: Title, rng: random.Random) -> Words:
    """Words up to the end of a phrase that is not behind a preposition, the first more often."""
    ends = [i + 1 for i, end in enumerate(title.ends) if end and not title.tail[i]]
    if not ends:
        return ()
    end = ends[min(int(rng.expovariate(1.0)), len(ends) - 1)]
    return title.words[max(0, end - rng.randint(1, 4)) : end]


def _fragment(title: Title, rng: random.Random) -> Words:
    """Some words in a row, to where a phrase ends: shoppers do not stop amid a name."""
    words = title.words
    if not words:
        return ()
    start = rng.randrange(len(words))
    end = min(len(words), start + rng.randint(1, 4))
    while end < len(words) and end - start < LONGEST_FRAGMENT and not title.ends[end - 1]:
        end += 1
    return words[start:end]
