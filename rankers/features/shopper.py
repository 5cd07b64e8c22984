"""What the shopper liked before. Everything is unknown (NaN) when nothing is known of who asks."""

from __future__ import annotations

from typing import get_args

import numpy as np
from numpy.typing import NDArray

from rankers.features.declare import Direction, Feature, FeatureType, Group
from rankers.features.inputs import Inputs
from search.types import Device, Ordinals, Shopper

DEVICES: tuple[str, ...] = get_args(Device)
"""The kinds of device, by the number that stands for each."""
_LAST_CLICKS = 5
_CENT = 0.01
_NOBODY = Shopper()


def _shopper(
    name: str, label: str, type_: FeatureType, unit: str, direction: Direction, sentence: str
) -> Feature:
    return Feature(name, label, type_, unit, "shopper", sentence, direction)


FEATURES = (
    _shopper(
        "category_affinity",
        "shopper’s liking for its category",
        "number",
        "share",
        1,
        "Share of the products clicked and bought that are in its category.",
    ),
    _shopper(
        "brand_affinity",
        "shopper’s liking for its brand",
        "number",
        "share",
        1,
        "Share of them that are of its brand.",
    ),
    _shopper(
        "price_distance",
        "distance from the shopper’s usual prices",
        "number",
        "log ratio",
        -1,
        "How far its price is from theirs on average, as a logarithm.",
    ),
    _shopper(
        "clicked_before",
        "clicked in this session",
        "flag",
        "yes or no",
        0,
        "It was clicked in this session.",
    ),
    _shopper(
        "bought_before", "bought before", "flag", "yes or no", 0, "It was bought at any time."
    ),
    _shopper(
        "session_cosine",
        "likeness to the last clicks",
        "number",
        "cosine",
        1,
        "Similarity to the mean of the last clicks.",
    ),
    _shopper(
        "device",
        "shopper’s device",
        "category",
        "kind",
        0,
        f"The shopper's device: {', '.join(DEVICES)}.",
    ),
    _shopper(
        "hour", "shopper’s hour of day", "number", "hour", 0, "The shopper's hour of day, 0 to 23."
    ),
)


def fill(inputs: Inputs, out: NDArray[np.float32]) -> None:
    """See `rankers.features.declare.Group.fill`."""
    pool = inputs.pool
    if pool.shopper == _NOBODY and not len(pool.clicked) and not len(pool.bought):
        return
    liked = np.union1d(pool.clicked, pool.bought).astype(np.int32)
    if len(liked):
        out[:, 0] = _same(inputs, liked, "category")
        out[:, 1] = _same(inputs, liked, "brand")
        out[:, 2] = _price_distance(inputs, liked)
        out[:, 3] = np.isin(inputs.ordinals, pool.clicked)
        out[:, 4] = np.isin(inputs.ordinals, pool.bought)
    out[:, 5] = _session_cosine(inputs)
    if pool.shopper.device is not None:
        out[:, 6] = DEVICES.index(pool.shopper.device)
    if pool.shopper.hour is not None:
        out[:, 7] = pool.shopper.hour


def _same(inputs: Inputs, liked: Ordinals, column: str) -> NDArray[np.float32]:
    """The share of the liked products that have each candidate's code; NaN where it has none."""
    codes = inputs.columns.codes(column)
    own, theirs = np.take(codes, inputs.ordinals), np.take(codes, liked)
    shares = (own[:, None] == theirs).mean(1, dtype=np.float32)
    return np.where(own >= 0, shares, np.float32(np.nan))


def _price_distance(inputs: Inputs, liked: Ordinals) -> NDArray[np.float32]:
    prices = inputs.columns.numbers("price")
    theirs = np.take(prices, liked)
    theirs = theirs[~np.isnan(theirs)]
    if not len(theirs):
        return np.full(len(inputs.ordinals), np.nan, np.float32)
    own = np.log(np.maximum(np.take(prices, inputs.ordinals), np.float32(_CENT)))
    distance: NDArray[np.float32] = np.abs(own - np.log(np.maximum(theirs, _CENT)).mean())
    return distance


def _session_cosine(inputs: Inputs) -> NDArray[np.float32]:
    clicked = inputs.pool.clicked[-_LAST_CLICKS:]
    theirs = inputs.facts.vectors(clicked) if len(clicked) else None
    if theirs is None or inputs.vectors is None:
        return np.full(len(inputs.ordinals), np.nan, np.float32)
    mean = theirs.mean(0)
    found: NDArray[np.float32] = inputs.vectors @ (mean / max(np.sqrt(mean @ mean), 1e-9))
    return found


GROUP = Group("shopper", FEATURES, fill)
