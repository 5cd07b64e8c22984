"""What the shop's rules ask of one request, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from search.types.arrays import Ordinals
from search.types.catalogue import Filters
from search.types.ranking import Ranking

MoveKind = Literal["pin", "boost", "bury", "sponsored", "stock", "chance"]
"""The last two are no rule's: what is sold out goes down (`[ranking] out_of_stock`), and
exploration exchanges places by chance (`[exploration]`)."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A product at a 1-based position; one that is sold out only with `sold_out`."""

    product: str
    position: int
    rule: str
    sold_out: bool = False


@dataclass(frozen=True, slots=True)
class Gain:
    """Products that satisfy all `filters` gain `weight`, a share of the best score, or lose it
    when it is negative."""

    filters: Filters
    weight: float
    rule: str


@dataclass(frozen=True, slots=True)
class Sponsored:
    """Slots for paid products: those of `products` in their order, or those that satisfy
    `filters` in the order of the ranking; at most `most` on a page. Only candidates of the query
    take one, unless `force`."""

    rule: str
    positions: tuple[int, ...]
    products: tuple[str, ...] = ()
    filters: Filters = ()
    most: int = 1
    force: bool = False


@dataclass(frozen=True, slots=True)
class Effects:
    """What all rules that apply ask for, the most important rule first."""

    rules: tuple[str, ...] = ()
    pins: tuple[Pin, ...] = ()
    gains: tuple[Gain, ...] = ()
    filters: Filters = ()
    redirect: str | None = None
    sponsored: tuple[Sponsored, ...] = ()


@dataclass(frozen=True, slots=True)
class Placeable:
    """Which products may be placed, by ordinal: each pin's, None where it may not be shown; and
    for each of the sponsored, its products, best first. `groups` are variant groups by ordinal, -1
    where there is none, when only one of each is to be shown. A page has `page` hits, of which
    `most` may be sponsored."""

    pins: tuple[int | None, ...] = ()
    sponsored: tuple[tuple[int, ...], ...] = ()
    groups: Ordinals | None = None
    page: int = 20
    most: int = 3


@dataclass(frozen=True, slots=True)
class Move:
    """What a rule did to a hit. `before` is the 1-based place it would have had without pins and
    sponsored slots, or before anything gained or lost by rules and stock: where groups are shown,
    the place of its group. None where it was no result."""

    rule: str
    kind: MoveKind
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """A ranking with pins and sponsored products in their places; `moves` by ordinal."""

    ranking: Ranking
    moves: Mapping[int, Move] = field(default_factory=dict)
