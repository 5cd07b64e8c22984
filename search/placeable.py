"""Which products rules may place: those there are, that the shopper's own filters let through, and
that can be bought."""

from __future__ import annotations

import asyncio

import numpy as np

from search.seams import View
from search.types import (
    Effects,
    Filter,
    Filters,
    Mask,
    Ordinals,
    Pin,
    Placeable,
    Ranking,
    Sponsored,
)

_CHOSEN_FROM = 200
"""The best candidates that sponsored products are taken from."""


async def gather_placeable(
    view: View, effects: Effects, ranking: Ranking, filters: Filters
) -> Placeable:
    """What may be placed, by ordinal. A pinned product need not be a candidate: it is looked up.
    `filters` are those that nothing may violate."""
    pins = await _pins(view, effects.pins, filters)
    sponsored = [await _sponsored(view, each, ranking, filters) for each in effects.sponsored]
    return Placeable(pins, tuple(sponsored))


async def _pins(view: View, pins: tuple[Pin, ...], filters: Filters) -> tuple[int | None, ...]:
    found = await asyncio.gather(*(view.find(pin.product) for pin in pins))
    ordinals = np.array([0 if each is None else each for each in found], np.int32)
    shown = await _permitted(view, ordinals, filters)
    available = _available(view, ordinals)
    return tuple(
        ordinal if ordinal is not None and shown[n] and (available[n] or pin.sold_out) else None
        for n, (pin, ordinal) in enumerate(zip(pins, found, strict=True))
    )


async def _sponsored(
    view: View, paid: Sponsored, ranking: Ranking, filters: Filters
) -> tuple[int, ...]:
    """The products for the slots of one rule, best first."""
    if paid.force:
        found = await asyncio.gather(*(view.find(each) for each in paid.products))
        ordinals = np.array([each for each in found if each is not None], np.int32)
    else:
        ordinals = await _candidates(view, paid, ranking.ordinals)
    keep = await _permitted(view, ordinals, filters) & _available(view, ordinals)
    return tuple(ordinals[keep].tolist())


async def _candidates(view: View, paid: Sponsored, ordinals: Ordinals) -> Ordinals:
    """The candidates that are paid for: in the order they are named, or in that of the ranking."""
    if not paid.products:
        return ordinals[await _permitted(view, ordinals, paid.filters)][:_CHOSEN_FROM]
    (named,) = await view.satisfy(ordinals, [Filter("id", paid.products)])
    own = ordinals[named][:_CHOSEN_FROM]
    ids = [product.id for product in await view.products(own)]
    order = sorted(range(len(ids)), key=lambda n: paid.products.index(ids[n]))
    return np.asarray(own[order], np.int32)


async def _permitted(view: View, ordinals: Ordinals, filters: Filters) -> Mask:
    """Which products every filter lets through, bool of shape (len(ordinals),)."""
    if not (len(ordinals) and filters):
        return np.ones(len(ordinals), np.bool_)
    return np.asarray((await view.satisfy(ordinals, filters)).all(0))


def _available(view: View, ordinals: Ordinals) -> Mask:
    """Which products are not sold out; an unknown stock is none."""
    available: Mask = ~(np.take(view.columns.numbers("stock"), ordinals) <= 0)
    return available
