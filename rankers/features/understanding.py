"""What was understood in a query, and whether a product agrees."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rankers.features import kernels
from rankers.features.declare import Direction, Feature, FeatureType, Group
from rankers.features.inputs import Inputs
from search.types import CategoryProbability, Filter, Measure, PriceBounds

_BEST = 20
"""The first candidates whose categories and brands tell what a query is about."""
_MOST_CATEGORIES = 3
_TYPES = ("brand", "color", "category", "size", "material", "product_type")
_OTHER = "attribute"
"""Any other type of entity."""
_KINDS = (*_TYPES, _OTHER)


def _understood(
    name: str, label: str, type_: FeatureType, unit: str, direction: Direction, sentence: str
) -> Feature:
    return Feature(name, label, type_, unit, "query", sentence, direction)


def _agreement(kind: str) -> Feature:
    named = kind.replace("_", " ")
    sentence = (
        f"How sure the query's {named} is, where the product has it; 0 where not, NaN without."
    )
    return _understood(
        f"{kind}_agreement", f"{named} as asked for", "number", "probability", 1, sentence
    )


def _conflict(kind: str) -> Feature:
    named = kind.replace("_", " ")
    what = f"the query's {named}"
    sentence = f"How sure {what} is, where the product is known to have another value of it."
    return _understood(
        f"{kind}_conflict", f"other {named} than asked for", "number", "probability", -1, sentence
    )


FEATURES = (
    *(_agreement(kind) for kind in _KINDS),
    *(_conflict(kind) for kind in _KINDS),
    _understood(
        "measures_agreement",
        "measures as asked for",
        "number",
        "share",
        1,
        "Share of the measures it has.",
    ),
    _understood(
        "measures_conflict",
        "other measures than asked for",
        "number",
        "share",
        -1,
        "Share of measures of which it has others only.",
    ),
    _understood(
        "price_within",
        "price within the limits",
        "flag",
        "yes or no",
        1,
        "Its price is within the query's bounds.",
    ),
    _understood(
        "price_beyond",
        "price beyond the limits",
        "number",
        "log ratio",
        -1,
        "How far its price is beyond the query's bounds, as the logarithm of their ratio.",
    ),
    _understood(
        "price_preference",
        "price as wished for",
        "number",
        "log ratio",
        1,
        "How far below its category's median price it is when cheap is wished for, above else.",
    ),
    _understood(
        "category_probability",
        "likelihood of its category",
        "number",
        "probability",
        1,
        "How probably the query asks for its category; 0 for none of the likely ones.",
    ),
    _understood(
        "in_best_category",
        "in the likeliest category",
        "flag",
        "yes or no",
        1,
        "It is in the likeliest category.",
    ),
    _understood(
        "category_share",
        "results in its category",
        "number",
        "share",
        1,
        "Share of the 20 first candidates in its category, weighted by score, itself left out.",
    ),
    _understood(
        "brand_share",
        "results of its brand",
        "number",
        "share",
        0,
        "Share of the 20 first of its brand.",
    ),
)
_PREFERENCES = {None: 0.0, "low": -1.0, "high": 1.0}


def fill(inputs: Inputs, out: NDArray[np.float32]) -> None:
    """See `rankers.features.declare.Group.fill`."""
    query, columns = inputs.query, inputs.columns
    if not len(out):
        return
    entities = [each for each in query.entities if each.filter is not None]
    filters = [each.filter for each in entities if each.filter is not None]
    categories = query.categories[:_MOST_CATEGORIES]
    kernels.understanding.fill(
        out,
        inputs.ordinals,
        _holds(inputs, filters, categories),
        np.array([_place(each.type) for each in entities], np.int32),
        np.array([each.probability for each in entities], np.float32),
        np.array([each.probability for each in categories], np.float32),
        inputs.facts.states(inputs.ordinals, [each.name for each in filters]),
        (columns.codes("brand"), columns.codes("category")),
        columns.numbers("price"),
        inputs.usual_prices,
        _wish(query.price),
        inputs.scores[:_BEST],
        np.empty(len(out), np.int32),
    )


def _place(kind: str) -> int:
    return _KINDS.index(kind if kind in _TYPES else _OTHER)


def _holds(
    inputs: Inputs, entities: Sequence[Filter], categories: Sequence[CategoryProbability]
) -> NDArray[np.bool_]:
    """Which candidates satisfy which filter, everything asked in one call."""
    filters = [*entities, *(Filter("category", (" > ".join(each.path),)) for each in categories)]
    for measure in inputs.query.measures:
        filters += _measure_filters(measure)
    if not filters:
        return np.empty((0, len(inputs.ordinals)), np.bool_)
    return inputs.facts.satisfy(inputs.ordinals, filters)


def _measure_filters(measure: Measure) -> tuple[Filter, Filter]:
    """Whether a product has the measure, and whether it has any of the dimension."""
    name = f"measures.{measure.dimension}"
    return Filter(name, low=measure.low, high=measure.high), Filter(name, low=0.0)


def _wish(price: PriceBounds | None) -> tuple[float, float, float]:
    if price is None:
        return math.nan, math.nan, 0.0
    low, high = price.low, price.high
    return (
        math.nan if low is None else low,
        math.nan if high is None else high,
        _PREFERENCES[price.preference],
    )


GROUP = Group("understanding", FEATURES, fill)
