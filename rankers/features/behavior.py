"""What shoppers did with a product: how often it was clicked, put into a cart and bought where it
was seen.

Impressions are debiased: each counts by the probability that it was looked at. A rate of few
impressions says little, so it is shrunk towards that of the whole catalogue.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rankers.features.declare import Feature, Group
from rankers.features.inputs import Counts, Inputs

DAYS = (1, 7, 30)
_WEIGHT = 20.0
"""Impressions that the catalogue's own rate counts as."""
_ACTIONS = {"clicks": "clicked", "carts": "put into a cart", "purchases": "bought"}
_RATES = {"clicks": "click rate", "carts": "cart rate", "purchases": "purchase rate"}


def _span(days: int, space: str = "_") -> str:
    return f"{days}{space}day{'s' if days > 1 else ''}"


FEATURES = tuple(
    Feature(
        f"{name}_{_span(days)}",
        f"{_RATES[name]} of {_span(days, ' ')}",
        "number",
        "rate",
        "behavior",
        f"How often it was {done} where it was seen in {_span(days, ' ')}, as if "
        f"{_WEIGHT:g} average impressions had been had as well; NaN when it was not seen.",
        direction=1,
    )
    for days in DAYS
    for name, done in _ACTIONS.items()
)


def fill(inputs: Inputs, out: NDArray[np.float32]) -> None:
    """See `rankers.features.declare.Group.fill`."""
    for place, days in enumerate(DAYS):
        counts = inputs.behavior.counts.get(days)
        if counts is not None:
            first = place * len(_ACTIONS)
            out[:, first : first + len(_ACTIONS)] = _rates(counts, inputs)


def _rates(counts: Counts, inputs: Inputs) -> NDArray[np.float32]:
    """Shrunk rates of the three actions, float32 of shape (candidates, 3)."""
    seen = _taken(counts.impressions, inputs)
    rates = np.empty((len(seen), len(_ACTIONS)), np.float32)
    for place, name in enumerate(_ACTIONS):
        done = _taken(getattr(counts, name), inputs)
        rates[:, place] = (done + _WEIGHT * getattr(counts.usual, name)) / (seen + _WEIGHT)
    rates[~(seen > 0)] = np.nan
    return rates


def _taken(counted: NDArray[np.float32], inputs: Inputs) -> NDArray[np.float32]:
    """The counts of the candidates; products added since they were counted have none."""
    found = np.take(counted, inputs.ordinals, mode="clip")
    return np.where(inputs.ordinals < len(counted), found, np.float32(0))


GROUP = Group("behavior", FEATURES, fill)
