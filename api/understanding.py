"""What was made of a query: `aisle understand --json`, and the `understanding` of an answer."""

from __future__ import annotations

from dataclasses import dataclass

from query.compose import PRICE_KEY, entity_key, measure_key, negation_key
from search.types import (
    EntityUse,
    Filter,
    Intent,
    Link,
    Preference,
    PriceBounds,
    Query,
    SpellingOutcome,
)

MEASURE_PREFIX = "measure:"
"""Begins the index's own words for measures, which are nothing to show."""


@dataclass(frozen=True, slots=True)
class SpellingBody:
    """`corrected`: `text` was searched instead of what was typed. `suggested`: offer it. Else
    `unchanged`. `confidence` is the probability that `text` is what was meant."""

    outcome: SpellingOutcome
    text: str | None
    confidence: float


@dataclass(frozen=True, slots=True)
class EntityBody:
    """A value of the catalogue in the query. `use` says whether it filters, boosts, or neither;
    sending `key` as `ignored` searches without it."""

    type: str
    value: str
    text: str
    probability: float
    use: EntityUse
    key: str


@dataclass(frozen=True, slots=True)
class PriceBody:
    """Bounds of the price, inclusive; `preference` when only a wish (`cheap`)."""

    min: float | None
    max: float | None
    preference: Preference | None
    text: str
    key: str


@dataclass(frozen=True, slots=True)
class MeasureBody:
    """A measure in the shopper's own unit."""

    value: float
    unit: str
    text: str
    key: str


@dataclass(frozen=True, slots=True)
class RefusalBody:
    """What the shopper refuses."""

    text: str
    key: str


@dataclass(frozen=True, slots=True)
class CategoryBody:
    """A category, its levels joined by " > ", and how probably it is meant."""

    path: str
    probability: float


@dataclass(frozen=True, slots=True)
class ExpansionBody:
    """Other words that also matched for some of the query's."""

    words: str
    instead: str
    weight: float


@dataclass(frozen=True, slots=True)
class UnderstandingBody:
    """What was made of a query. A `key` names its part in the parameter `ignored`; `dropped` are
    conditions that would have left nothing and were not applied; `links` answer support queries."""

    corrected: str
    spelling: SpellingBody
    entities: tuple[EntityBody, ...]
    price: PriceBody | None
    measures: tuple[MeasureBody, ...]
    negated: tuple[RefusalBody, ...]
    categories: tuple[CategoryBody, ...]
    intent: Intent | None
    intent_probability: float
    expansions: tuple[ExpansionBody, ...]
    links: tuple[Link, ...]
    ignored: tuple[str, ...]
    dropped: tuple[str, ...]


def understanding_body(query: Query, dropped: tuple[Filter, ...] = ()) -> UnderstandingBody:
    """The understanding of a query, for an answer."""
    return UnderstandingBody(
        corrected=query.corrected,
        spelling=SpellingBody(
            query.spelling.outcome, query.spelling.text or None, round(query.spelling.confidence, 4)
        ),
        entities=tuple(
            EntityBody(e.type, e.value, e.text, round(e.probability, 4), e.use, entity_key(e))
            for e in query.entities
        ),
        price=_price(query.price),
        measures=tuple(
            MeasureBody(m.value, m.unit, m.text, measure_key(m)) for m in query.measures
        ),
        negated=tuple(RefusalBody(n.text, negation_key(n)) for n in query.negations),
        categories=_categories(query),
        intent=query.intent,
        intent_probability=round(query.intent_probability, 4),
        expansions=_expansions(query),
        links=query.links,
        ignored=query.ignored,
        dropped=tuple(describe(each) for each in dropped),
    )


def understanding_line(query: Query, milliseconds: float) -> dict[str, object]:
    """One line of `aisle understand --json`; bounds of a price are null where there are none."""
    body = understanding_body(query)
    price = query.price or PriceBounds()
    return {
        "query": query.text,
        "normalized": query.normalized,
        "corrected": query.corrected,
        "spelling": body.spelling,
        "entities": body.entities,
        "price": {"min": price.low, "max": price.high},
        "preference": price.preference,
        "measures": [{"value": each.value, "unit": each.unit} for each in body.measures],
        "negated": [each.text for each in body.negated],
        "categories": body.categories,
        "intent": body.intent,
        "intent_probability": body.intent_probability,
        "expansions": body.expansions,
        "links": body.links,
        "terms": query.terms,
        "codes": query.codes,
        "encoded": query.encoded,
        "rewrites": query.rewrites,
        "milliseconds": round(milliseconds, 3),
    }


def describe(condition: Filter) -> str:
    """A condition in words, as a shopper would say it."""
    name = condition.name.removeprefix("attributes.").replace("_", " ")
    if condition.exclude:
        return f"without {' or '.join(condition.values) or name}"
    if condition.values:
        return f"{name} {' or '.join(condition.values)}"
    if condition.low is None:
        return f"{name} up to {condition.high:g}"
    if condition.high is None:
        return f"{name} from {condition.low:g}"
    return f"{name} {condition.low:g} to {condition.high:g}"


def _price(price: PriceBounds | None) -> PriceBody | None:
    if price is None:
        return None
    return PriceBody(price.low, price.high, price.preference, price.text, PRICE_KEY)


def _categories(query: Query) -> tuple[CategoryBody, ...]:
    return tuple(
        CategoryBody(" > ".join(each.path), round(each.probability, 4)) for each in query.categories
    )


def _expansions(query: Query) -> tuple[ExpansionBody, ...]:
    return tuple(
        ExpansionBody(" ".join(each.words), " ".join(each.instead), each.weight)
        for each in query.alternatives
        if not any(word.startswith(MEASURE_PREFIX) for word in each.instead)
    )
