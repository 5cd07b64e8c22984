"""What features are computed from: the facts, the pool, and what several groups need of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rankers.associations import Associations
from rankers.features.coding import CodedQuery, code
from rankers.features.matching import Match, bag_of, match_title
from search.seams import Facts
from search.types import Ordinals, Pool, Ranking, Scores, Text, TextRows, Vectors

if TYPE_CHECKING:
    from rankers.features.kernels.types import Bag

REFERENCE = 50
"""The best candidates that the others are compared with: the values of a candidate are the same
whether the pool is cut behind it or not, as long as so many are left."""


_VERSIONS = 8
"""Versions of the index whose usual prices are kept."""
_usual: dict[str, NDArray[np.float32]] = {}


@dataclass(frozen=True, slots=True)
class Rates:
    """How often a product is clicked, put into a cart and bought where it is seen."""

    clicks: float
    carts: float
    purchases: float


@dataclass(frozen=True, slots=True)
class Counts:
    """What shoppers did with every product over some days, float32 by ordinal. `impressions` are
    debiased: counted by the probability that the product was looked at. `usual` are the rates of
    the whole catalogue."""

    impressions: NDArray[np.float32]
    clicks: NDArray[np.float32]
    carts: NDArray[np.float32]
    purchases: NDArray[np.float32]
    usual: Rates


@dataclass(frozen=True, slots=True)
class Behavior:
    """What shoppers did: counts by the days they go back (1, 7, 30), and each normalized query's
    share of all searches."""

    counts: Mapping[int, Counts] = field(default_factory=dict)
    queries: Mapping[str, float] = field(default_factory=dict)


class Inputs:
    """The inputs of one feature table; what is derived is made once, when a group asks for it."""

    def __init__(
        self,
        facts: Facts,
        pool: Pool,
        behavior: Behavior | None = None,
        associations: Associations | None = None,
    ) -> None:
        self.facts, self.pool, self.query = facts, pool, pool.query
        self.behavior = behavior or Behavior()
        self.associations = associations
        self.ordinals: Ordinals = np.ascontiguousarray(pool.ranking.ordinals, np.int32)
        self.scores: Scores = np.ascontiguousarray(pool.ranking.scores, np.float32)
        self.columns = facts.columns

    @cached_property
    def coded(self) -> CodedQuery:
        """The query's words as codes of the index."""
        return code(self.query, self.facts)

    @cached_property
    def texts(self) -> Mapping[Text, TextRows]:
        """The candidates' texts, in the pool's order."""
        return self.facts.texts(self.ordinals)

    @cached_property
    def title(self) -> Match:
        """The query's words in titles, and what their order tells."""
        return match_title(self.coded, self.texts["title"])

    @property
    def description(self) -> Bag:
        """Descriptions, for kernels."""
        return bag_of(self.texts["description"])

    @property
    def details(self) -> Bag:
        """Attribute values and tags, for kernels."""
        return bag_of(self.texts["details"])

    @property
    def fused(self) -> Ranking:
        """The fused order before boosts."""
        return self.pool.stages.get("fused", self.pool.ranking)

    @property
    def usual_prices(self) -> NDArray[np.float32]:
        """The median price by category, and in the last place that of the catalogue."""
        found = _usual.get(self.facts.version)
        if found is None:
            statistics = self.facts.statistics
            found = np.append(statistics.category_price, np.float32(statistics.price))
            while len(_usual) >= _VERSIONS:
                _usual.pop(next(iter(_usual)), None)
            _usual[self.facts.version] = found
        return found

    @cached_property
    def vectors(self) -> Vectors | None:
        """The candidates' embeddings, in the pool's order."""
        return self.facts.vectors(self.ordinals) if len(self.ordinals) else None

    def empty(self, columns: int) -> NDArray[np.float32]:
        """A table of unknown values."""
        out = np.empty((len(self.ordinals), columns), np.float32)
        out.fill(np.nan)  # in half the time of np.full
        return out
