"""What shoppers were shown and what they did, as logged.

Times are seconds since 1970-01-01 UTC, positions are 1-based over the whole result. `client` is
never the shop's own id but a salted hash of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

IMPRESSION, CLICK, VIEW, WATCH = "impression", "click", "view", "watch"
ADD_TO_CART, PURCHASE = "add_to_cart", "purchase"
ACTIONS = (IMPRESSION, CLICK, VIEW, WATCH, ADD_TO_CART, PURCHASE)
"""UBI's own actions; a shop may log others, which are kept and not learned from."""


@dataclass(frozen=True, slots=True)
class LoggedSearch:
    """One page of one answered search (UBI's query record).

    `id` is the query id that events refer to. `products` are those of the page in order, the first
    at position `first`. `propensities` are the probabilities with which the logging policy puts
    each of them where it stands: 1 where nothing is left to chance, empty when all are 1.
    `features` is float32 of shape (len(products), len(feature_names)), None when not logged; NaN
    rows for products no model looked at. `attributes` are whatever else the shop sent.
    """

    id: str
    time: float
    query: str
    products: tuple[str, ...]
    first: int = 1
    normalized: str = ""
    client: str = ""
    session: str = ""
    application: str = ""
    system: str = ""
    model: str = ""
    snapshot: str = ""
    experiment: str = ""
    arm: str = ""
    teams: tuple[str, ...] = ()
    propensities: tuple[float, ...] = ()
    exploration: str = ""
    total: int = 0
    feature_version: str = ""
    feature_names: tuple[str, ...] = ()
    features: NDArray[np.float32] | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing a shopper did (UBI's event record).

    `id` tells an event sent twice from two events. `search` is the query id of the search it came
    from, "" when unknown; `query` what was typed then. `product` and `position` are UBI's
    `object_id` and `position.ordinal`. `dwell` is in seconds, `value` the money of a purchase.
    """

    id: str
    action: str
    time: float
    search: str = ""
    client: str = ""
    session: str = ""
    application: str = ""
    query: str = ""
    product: str = ""
    position: int | None = None
    dwell: float | None = None
    value: float | None = None
    message: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
