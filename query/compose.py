"""The last rewriter: what was recognized becomes what is searched.

Recognizing and using are kept apart, so that what a query means does not depend on what is done
about it. Phrases that are conditions (a price, a refusal) are no words to search for; values of the
catalogue are both.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace

from query.text import codes, tokens
from search.types import Boost, Entity, Filter, Filters, Measure, Negation, Query

ENTITY_WEIGHT = 0.1
"""What agreeing with a brand, a color or a kind of product that only boosts is worth, times its
probability."""
ATTRIBUTE_WEIGHT = 0.02
"""The same for any other attribute."""
MEASURE_WEIGHT = 0.15
CATEGORY_WEIGHT = 0.1
MEASURED_CATEGORY_WEIGHT = 0.3
"""The same beside a measure of it: the words of `1000 ml` are rarer than `kettle`, so whatever is
written `1000 ml` would stand above the kettles of one liter."""


def compose(query: Query) -> Query:
    """Fills `terms`, `codes`, `encoded`, `filters` and `boosts` from what was recognized, leaving
    out what `query.ignored` names."""
    kept = [token for token in tokens(query.corrected) if not _inside(token.start, _phrases(query))]
    encoded = _without(query.corrected, _phrases(query))
    return replace(
        query,
        terms=tuple(token.text for token in kept),
        codes=tuple(codes(encoded)),
        encoded=_meant(encoded, query),
        entities=tuple(_used(entity, query) for entity in query.entities),
        filters=tuple(dict.fromkeys(_filters(query))),
        boosts=tuple(_boosts(query)),
    )


def kind_said(query: Query) -> str:
    """What a query says of the kind of product: the text that is encoded, without the measures
    where a kind is named beside them. In `1000 ml kettle` the kettle is what is looked for;
    `1000 ml`, which mostly descalers write so, would tell of descalers."""
    if not _measured_kind(query):
        return query.encoded or query.corrected
    return _meant(_without(query.corrected, _phrases(query) + _measured(query)), query)


def _measured_kind(query: Query) -> bool:
    """Whether a kind of product is named beside a measure, in words that measure nothing."""
    measured = _measured(query)
    return bool(measured) and any(
        entity.type in _KINDS and not _inside(entity.start, measured) for entity in query.entities
    )


def _measured(query: Query) -> list[tuple[int, int]]:
    return [(measure.start, measure.end) for measure in query.measures]


def category_boosts(query: Query) -> Query:
    """Adds what the categories of a query are worth; for when they are known."""
    weight = MEASURED_CATEGORY_WEIGHT if _measured_kind(query) else CATEGORY_WEIGHT
    added = tuple(
        Boost(Filter("category", (" > ".join(each.path),)), weight * each.probability)
        for each in query.categories
    )
    return replace(query, boosts=query.boosts + added)


def entity_key(entity: Entity) -> str:
    """What names an entity in `Query.ignored`."""
    return f"{entity.type}:{entity.value}"


def measure_key(measure: Measure) -> str:
    """What names a measure in `Query.ignored`."""
    return f"measure:{measure.text}"


def negation_key(negation: Negation) -> str:
    """What names a refusal in `Query.ignored`."""
    return f"negation:{negation.text}"


LIKELY = 0.5
"""How sure an offered spelling must be to be what is encoded."""
PRICE_KEY = "price"
"""What names the price in `Query.ignored`."""


def _phrases(query: Query) -> list[tuple[int, int]]:
    """The spans that are conditions, not words, and those of measures to be ignored."""
    spans = [(negation.start, negation.end) for negation in query.negations]
    if query.price is not None:
        spans.append((query.price.start, query.price.end))
    spans += [
        (measure.start, measure.end)
        for measure in query.measures
        if _is_bound(measure) or measure_key(measure) in query.ignored
    ]
    return spans


def _is_bound(measure: Measure) -> bool:
    """Whether it is `under 5 lb` or `over 2 m`, whose words no product has."""
    return measure.low <= 0 or math.isinf(measure.high)


def _inside(place: int, spans: list[tuple[int, int]]) -> bool:
    return any(start <= place < end for start, end in spans)


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    kept = [" " if _inside(i, spans) else c for i, c in enumerate(text)] if spans else text
    return " ".join("".join(kept).split())


def _meant(text: str, query: Query) -> str:
    """The text to encode: as probably meant, where that is offered and likelier than not. A
    misspelled word has no meaning to an encoder, and its other reading is searched as well."""
    spelling = query.spelling
    if spelling.outcome == "suggested" and spelling.confidence >= LIKELY:
        for typed, meant in spelling.edits:
            text = re.sub(rf"(?<!\w){re.escape(typed)}(?!\w)", meant, text)
    return text


def _used(entity: Entity, query: Query) -> Entity:
    return replace(entity, use="none") if entity_key(entity) in query.ignored else entity


def _filters(query: Query) -> Iterator[Filter]:
    named: dict[str, tuple[str, ...]] = {}
    for entity in query.entities:
        if entity.use == "filter" and entity.filter and entity_key(entity) not in query.ignored:
            # Two colors are either, not both: `black or white`, `red and blue`.
            values = named.get(entity.filter.name, ())
            named[entity.filter.name] = tuple(dict.fromkeys(values + entity.filter.values))
    yield from (Filter(name, values) for name, values in named.items())
    for negation in query.negations:
        if negation_key(negation) not in query.ignored:
            yield from negation.filters
    yield from _price_filter(query)


def _price_filter(query: Query) -> Filters:
    price = query.price
    if price is None or PRICE_KEY in query.ignored or (price.low is None and price.high is None):
        return ()
    return (Filter("price", low=price.low, high=price.high),)


_KINDS = frozenset({"product_type", "category"})
_TELLING = _KINDS | {"brand", "color"}


def _weight(entity: Entity, query: Query) -> float:
    """What an entity is worth. Any other attribute says something only beside other words: alone
    (`ssd`) it may be what is looked for, and then the products that merely have one must not rise
    above it."""
    if entity.type in _TELLING:
        return ENTITY_WEIGHT * entity.probability
    alone = entity.text == _without(query.corrected, _phrases(query))
    return 0.0 if alone else ATTRIBUTE_WEIGHT * entity.probability


def _boosts(query: Query) -> Iterator[Boost]:
    for entity in query.entities:
        if entity.use == "boost" and entity.filter and entity_key(entity) not in query.ignored:
            yield Boost(entity.filter, _weight(entity, query))
    for measure in query.measures:
        if measure_key(measure) not in query.ignored:
            name = f"measures.{measure.dimension}"
            yield Boost(Filter(name, low=measure.low, high=measure.high), MEASURE_WEIGHT)
