"""What was understood in a query, and whether a product agrees."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rankers.features.declare import Direction, Feature, FeatureType, Group
from rankers.features.inputs import Inputs
from search.types import Entity, Filter, Measure, Query

_BEST = 20
"""The first candidates whose categories and brands tell what a query is about."""
_MOST_CATEGORIES = 3
_KNOWN = ("brand", "color", "category")
"""Entities of which it is known whether a product has another value: each has a column."""
_TYPES = (*_KNOWN, "size", "material", "product_type")
_OTHER = "attribute"


def _understood(
    name: str, type_: FeatureType, unit: str, direction: Direction, sentence: str
) -> Feature:
    return Feature(name, type_, unit, "query", sentence, direction)


def _agreement(kind: str) -> Feature:
    what = f"the query's {kind.replace('_', ' ')}"
    sentence = f"How sure {what} is, where the product has it; 0 where not, NaN without."
    return _understood(f"{kind}_agreement", "number", "probability", 1, sentence)


def _conflict(kind: str) -> Feature:
    sentence = f"How sure the query's {kind} is, where the product's is known to be another."
    return _understood(f"{kind}_conflict", "number", "probability", -1, sentence)


FEATURES = (
    *(_agreement(kind) for kind in (*_TYPES, _OTHER)),
    *(_conflict(kind) for kind in _KNOWN),
    _understood("measures_agreement", "number", "share", 1, "Share of the measures it has."),
    _understood(
        "measures_conflict", "number", "share", -1, "Share of measures of which it has others only."
    ),
    _understood("price_within", "flag", "yes or no", 1, "Its price is within the query's bounds."),
    _understood(
        "price_beyond",
        "number",
        "log ratio",
        -1,
        "How far its price is beyond the query's bounds, as the logarithm of their ratio.",
    ),
    _understood(
        "price_preference",
        "number",
        "log ratio",
        1,
        "How far below its category's median price it is when cheap is wished for, above else.",
    ),
    _understood(
        "category_probability",
        "number",
        "probability",
        1,
        "How probably the query asks for its category; 0 for none of the likely ones.",
    ),
    _understood("in_best_category", "flag", "yes or no", 1, "It is in the likeliest category."),
    _understood(
        "category_share",
        "number",
        "share",
        1,
        "Share of the 20 first candidates in its category, weighted by score, itself left out.",
    ),
    _understood("brand_share", "number", "share", 0, "Share of the 20 first of its brand."),
)
_PLACES = {feature.name: place for place, feature in enumerate(FEATURES)}


def compute(inputs: Inputs) -> NDArray[np.float32]:
    """Float32 of shape (candidates, len(FEATURES))."""
    out, query = inputs.empty(len(FEATURES)), inputs.query
    if len(out):
        _conditions(out, inputs, query)
        _prices(out, inputs, query)
        _shares(out, inputs)
    return out


def _conditions(out: NDArray[np.float32], inputs: Inputs, query: Query) -> None:
    """Everything that is a filter, asked in one call."""
    entities = [each for each in query.entities if each.filter is not None]
    categories = query.categories[:_MOST_CATEGORIES]
    filters = [each.filter for each in entities if each.filter is not None]
    filters += [Filter("category", (" > ".join(each.path),)) for each in categories]
    for measure in query.measures:
        filters += _measure_filters(measure)
    if not filters:
        return
    holds = inputs.facts.satisfy(inputs.ordinals, filters)
    first, second = len(entities), len(entities) + len(categories)
    _entities(out, inputs, entities, holds[:first])
    if categories:
        probabilities = np.array([each.probability for each in categories], np.float32)
        within = holds[first:second]
        out[:, _PLACES["category_probability"]] = (within * probabilities[:, None]).max(0)
        out[:, _PLACES["in_best_category"]] = within[0]
    if query.measures:
        has, known = holds[second::2], holds[second + 1 :: 2]
        out[:, _PLACES["measures_agreement"]] = has.mean(0)
        out[:, _PLACES["measures_conflict"]] = (known & ~has).mean(0)


def _measure_filters(measure: Measure) -> tuple[Filter, Filter]:
    """Whether a product has the measure, and whether it has any of the dimension."""
    name = f"measures.{measure.dimension}"
    return Filter(name, low=measure.low, high=measure.high), Filter(name, low=0.0)


def _entities(
    out: NDArray[np.float32],
    inputs: Inputs,
    entities: Sequence[Entity],
    holds: NDArray[np.bool_],
) -> None:
    """Several values of one type are alternatives (`black or white`): the likeliest counts."""
    kinds = [each.type if each.type in _TYPES else _OTHER for each in entities]
    for kind in dict.fromkeys(kinds):
        own = [i for i, each in enumerate(kinds) if each == kind]
        sure = np.array([entities[i].probability for i in own], np.float32)
        agreed = (holds[own] * sure[:, None]).max(0)
        out[:, _PLACES[f"{kind}_agreement"]] = agreed
        if kind in _KNOWN:
            known = np.take(inputs.columns.codes(kind), inputs.ordinals) >= 0
            conflict = np.where(agreed > 0, np.float32(0), sure.max())
            out[:, _PLACES[f"{kind}_conflict"]] = np.where(known, conflict, np.float32(np.nan))


def _prices(out: NDArray[np.float32], inputs: Inputs, query: Query) -> None:
    wish = query.price
    if wish is None:
        return
    prices = np.maximum(np.take(inputs.columns.numbers("price"), inputs.ordinals), 0.01)
    unknown = np.isnan(prices)
    if wish.low is not None or wish.high is not None:
        beyond = np.zeros_like(prices)
        if wish.high:
            beyond = np.maximum(beyond, np.log(prices / wish.high))
        if wish.low:
            beyond = np.maximum(beyond, np.log(wish.low / prices))
        out[:, _PLACES["price_beyond"]] = beyond
        out[:, _PLACES["price_within"]] = np.where(unknown, np.nan, beyond <= 0)
    if wish.preference is not None:
        sign = -1 if wish.preference == "low" else 1
        out[:, _PLACES["price_preference"]] = sign * np.log(prices / usual_price(inputs))


def usual_price(inputs: Inputs) -> NDArray[np.float32]:
    """The median price of every candidate's category; the catalogue's where that is unknown."""
    statistics = inputs.facts.statistics
    usual = statistics.category_price
    found = np.full(len(inputs.ordinals), statistics.price, np.float32)
    if len(usual):
        codes = np.take(inputs.columns.codes("category"), inputs.ordinals)
        own = np.take(usual, codes, mode="clip")
        known = (codes >= 0) & (codes < len(usual)) & ~np.isnan(own)
        found[known] = own[known]
    found[~(found > 0)] = math.nan
    return found


def _shares(out: NDArray[np.float32], inputs: Inputs) -> None:
    from rankers.features.kernels.understanding import fill_shares

    scores = np.ascontiguousarray(inputs.pool.ranking.scores[:_BEST], np.float32)
    for name in ("category", "brand"):
        place = _PLACES[f"{name}_share"]
        fill_shares(out, place, inputs.ordinals, scores, inputs.columns.codes(name))


GROUP = Group("understanding", FEATURES, compute)
