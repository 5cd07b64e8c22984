"""Shoppers with known tastes: pure functions of a seed, whoever answers their searches.

An experiment shows the same shoppers what another ranker answers: same seed, same people, same
queries in the same order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from api.simulation.truth import Truth
from training.simulation.models import HIGHEST

Values = NDArray[np.float64]
Numbers = NDArray[np.int64]

APPLICATION = "simulation"
"""Tells simulated rows of a log from those of shoppers."""
_TRAITS = 4
"""Dimensions of the space in which shoppers like brands."""
_SEARCHES = (0.7, 0.2, 0.1)
"""How many of the shoppers search once, twice, three times."""
_PAUSE = (60.0, 300.0)
"""Seconds from one search to the shopper's next."""


@dataclass(frozen=True, slots=True)
class Taste:
    """How far shoppers differ, as standard deviations in grades: in the brands they like, and in
    what a dear product does to them. Tastes average out over shoppers, and move only what is
    relevant at all: nobody wants a toaster for being of the right brand."""

    brand: float = 0.4
    price: float = 0.4


@dataclass(frozen=True, slots=True)
class Pages:
    """What the shoppers of some searches were shown, one row each, the top first. `grades` float64
    (searches, positions); `brands` float64 (searches, positions, traits), where each brand lies;
    `prices` float64 (searches, positions), how dear each product is for its page, in standard
    deviations; `shown` bool (searches, positions), False behind the end of a short page."""

    grades: Values
    brands: Values
    prices: Values
    shown: NDArray[np.bool_]

    def __getitem__(self, rows: Numbers) -> Pages:
        return Pages(self.grades[rows], self.brands[rows], self.prices[rows], self.shown[rows])

    def reordered(self, orders: Numbers) -> Pages:
        """The same with the products of each row in another order: place i shows what stood in
        `orders[row, i]`."""
        rows = np.arange(len(orders))[:, None]
        return Pages(
            self.grades[rows, orders],
            self.brands[rows, orders],
            self.prices[rows, orders],
            self.shown[rows, orders],
        )


@dataclass(frozen=True, slots=True)
class Visits:
    """Searches, one row each. `shoppers` and `queries` int64, the latter by their place in
    `Truth.queries`; `seconds` float64 since the first moment. A shopper's searches are together, in
    order; shoppers come in order of time."""

    shoppers: Numbers
    queries: Numbers
    seconds: Values

    def __len__(self) -> int:
        return len(self.shoppers)


@dataclass(frozen=True, slots=True)
class Shopper:
    """One shopper's ids."""

    client: str
    session: str


@dataclass(frozen=True, slots=True)
class Shoppers:
    """`count` shoppers; all about them follows from `seed`. Queries are asked as often as
    rank**-skew, in an order of their own."""

    truth: Truth
    count: int
    seed: int = 0
    taste: Taste = field(default_factory=Taste)
    skew: float = 0.7

    def visits(self, seconds: float) -> Visits:
        """Who searches for what within so many seconds: one visit a shopper, of one to three
        searches."""
        rng = np.random.default_rng([self.seed, 1])
        count = len(self.truth.queries)
        traffic = np.arange(1, count + 1, dtype=np.float64) ** -self.skew
        traffic = rng.permutation(traffic / traffic.sum())
        begun = np.sort(rng.random(self.count)) * seconds
        searches = rng.choice(np.arange(1, len(_SEARCHES) + 1), self.count, p=_SEARCHES)
        shoppers = np.repeat(np.arange(self.count), searches)
        pauses = rng.uniform(*_PAUSE, len(shoppers))
        first = np.cumsum(searches) - searches
        pauses[first] = 0.0
        waited = np.cumsum(pauses)
        waited -= np.repeat(waited[first], searches)
        queries = rng.choice(count, len(shoppers), p=traffic)
        return Visits(shoppers, queries, begun[shoppers] + waited)

    def person(self, shopper: int) -> Shopper:
        """The ids of a shopper; the client's looks as a hashed one does."""
        name = f"{self.seed}/{shopper}".encode()
        return Shopper(hashlib.blake2b(name, digest_size=16).hexdigest(), f"s{self.seed}-{shopper}")

    def felt(self, shoppers: Numbers, pages: Pages) -> Values:
        """What each product is worth to who sees it: its grade, moved by taste, 0 to 4; float64 of
        the shape of `pages.grades`. `shoppers` int64 (searches,)."""
        likes, thrift = _tastes(self.seed, self.count)
        liked = np.einsum("st,spt->sp", likes[shoppers], pages.brands)
        moved = self.taste.brand * liked - self.taste.price * thrift[shoppers, None] * pages.prices
        moved = np.where(pages.grades > 0, moved, 0.0)
        return np.asarray(np.clip(pages.grades + moved, 0.0, HIGHEST), np.float64)


@lru_cache(maxsize=4)
def _tastes(seed: int, count: int) -> tuple[Values, Values]:
    """What shoppers like in brands, float64 (shoppers, traits), and how much they mind prices,
    float64 (shoppers,); both standard normal."""
    rng = np.random.default_rng([seed, 2])
    drawn = rng.standard_normal((count, _TRAITS + 1))
    return drawn[:, :_TRAITS], drawn[:, _TRAITS]


@lru_cache(maxsize=100_000)
def _brand(name: str) -> Values:
    """Where a brand lies: of length 1, so that what shoppers make of it is standard normal. No
    brand is nobody's favorite."""
    if not name:
        return np.zeros(_TRAITS)
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
    drawn = np.random.default_rng(seed).standard_normal(_TRAITS)
    return np.asarray(drawn / np.linalg.norm(drawn), np.float64)


def page_of(
    grades: Values, brands: Sequence[str], prices: Sequence[float | None], positions: int
) -> Pages:
    """One page of `positions` places as a row of `Pages`; a product without a price is as dear as
    the page's average."""
    count = min(len(grades), positions)
    page = Pages(
        np.zeros((1, positions)),
        np.zeros((1, positions, _TRAITS)),
        np.zeros((1, positions)),
        np.arange(positions)[None, :] < count,
    )
    if count:
        page.grades[0, :count] = grades[:count]
        page.brands[0, :count] = [_brand(name) for name in brands[:count]]
        page.prices[0, :count] = _dearness(prices[:count])
    return page


def _dearness(prices: Sequence[float | None]) -> Values:
    logs = np.log([price if price and price > 0 else np.nan for price in prices])
    known = logs[~np.isnan(logs)]
    if len(known) < 2 or not np.ptp(known):
        return np.zeros(len(prices))
    return np.asarray(np.nan_to_num((logs - known.mean()) / known.std()), np.float64)
