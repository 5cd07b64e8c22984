"""Documents in order, and what rankers know about them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from search.types.arrays import Ordinals, Scores, Vector
from search.types.query import Query

Relaxation = Literal["none", "fewer_words", "meaning_only"]
Device = Literal["desktop", "mobile", "tablet"]
Text = Literal["title", "kind", "description", "details"]
"""The text fields that rankers read: `kind` is the part of the title that says what a product is,
`details` are attribute values, tags and color."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Documents best first: two arrays of one length, ordinals unique, scores non-increasing."""

    ordinals: Ordinals
    scores: Scores

    def __len__(self) -> int:
        return len(self.ordinals)

    @staticmethod
    def empty() -> Ranking:
        """Nothing found."""
        return Ranking(np.empty(0, np.int32), np.empty(0, np.float32))

    def head(self, size: int) -> Ranking:
        """The first `size` entries (views, no copy)."""
        return Ranking(self.ordinals[:size], self.scores[:size])


@dataclass(frozen=True, slots=True)
class WordMatches:
    """What the words retriever found: its ranking, and whether it had to ask for fewer words to
    find anything."""

    ranking: Ranking
    relaxation: Relaxation = "none"


@dataclass(frozen=True, slots=True)
class Named:
    """The few products that a query names. `outright`: its words are the whole title, or it has an
    identifier of the product that the title does not say. `by_code`: it has a code that hardly any
    other product has; of a model number in titles these are what goes with the model, too."""

    outright: Ordinals
    by_code: Ordinals


@dataclass(frozen=True, slots=True)
class Shopper:
    """What is known of who asks: nothing, unless the shop says so.

    `clicked` (in this session) and `bought` (at any time) are product ids, the latest last; `hour`
    is the shopper's local hour, 0 to 23.
    """

    clicked: tuple[str, ...] = ()
    bought: tuple[str, ...] = ()
    device: Device | None = None
    hour: int | None = None


def _none() -> Ordinals:
    return np.empty(0, np.int32)


@dataclass(frozen=True, slots=True)
class Pool:
    """The candidates of one request, as rankers see them.

    `ranking` is the fused order, boosts included; `stages` each retriever's own ranking (`words`,
    `meaning`), and where there were boosts, `fused` without them and the gains alone (`boosts`).
    `clicked` and `bought` are the shopper's products that the index knows, the latest last. `today`
    is in days since 1970-01-01.
    """

    query: Query
    ranking: Ranking
    stages: Mapping[str, Ranking] = field(default_factory=dict)
    vector: Vector | None = None
    shopper: Shopper = Shopper()
    clicked: Ordinals = field(default_factory=_none)
    bought: Ordinals = field(default_factory=_none)
    today: float = math.nan


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """What is known of some candidates: float32 of shape (len(ordinals), len(names)), NaN where
    unknown."""

    names: tuple[str, ...]
    ordinals: Ordinals
    values: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A pool in the order of a model. `table` holds the features of those candidates that the
    model scored, in the pool's order, and `scores` (float64, shape (len(table.ordinals),)) what it
    gave them; the rest of `ranking` follows in the order it had."""

    ranking: Ranking
    table: FeatureTable
    scores: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Contributions:
    """What each feature adds to each score: float64 of shape (rows, features); a row's sum and
    `base` are its score."""

    base: float
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TextRows:
    """One text field of some documents, as codes of word stems, for kernels.

    Row i is `codes[spans[0, i]:spans[1, i]]`. Title and kind keep their order and their
    repetitions; other fields hold each code once, ascending, and from `counts[spans[2, i]]` on how
    often each occurs.

    Of all `base` documents of the snapshot, `documents` is the number of those with each code
    (codes beyond its length have none), and `mean_length` the words of one on average.
    """

    codes: NDArray[np.int32]
    counts: NDArray[np.uint8]
    spans: NDArray[np.int64]
    documents: NDArray[np.int32]
    base: int
    mean_length: float


@dataclass(frozen=True, slots=True)
class Statistics:
    """What is usual in a catalogue. `category_price` is each category's median price by category
    code, float32, NaN where unknown or where it has too few products."""

    category_price: NDArray[np.float32]
    price: float
    rating: float
