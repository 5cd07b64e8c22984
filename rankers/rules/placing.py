"""Pins and sponsored products take their places in a ranking; everything else keeps its order.

The result depends on the request alone, not on the page asked for: no page repeats or misses a
product of another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from search.types import Effects, Move, Ordinals, Placeable, Placed, Ranking


@dataclass(slots=True)
class _Slots:
    """Products by 1-based position, while they are being placed."""

    groups: Ordinals | None
    taken: dict[int, tuple[int, Move]] = field(default_factory=dict)
    used: set[int] = field(default_factory=set)

    def key(self, ordinal: int) -> int:
        """What may be shown only once: a variant group, as a negative number, or a product."""
        group = -1 if self.groups is None else int(self.groups[ordinal])
        return ordinal if group < 0 else -2 - group

    def free(self, ordinal: int) -> bool:
        """Whether neither the product nor, with groups, another of its group has a place."""
        return self.key(ordinal) not in self.used

    def put(self, position: int, ordinal: int, move: Move) -> None:
        """Gives a product a place."""
        self.taken[position] = (ordinal, move)
        self.used.add(self.key(ordinal))


def place(effects: Effects, ranking: Ranking, placeable: Placeable) -> Placed:
    """The ranking with pins and sponsored products in their places.

    Pins come first, in the order of `effects`: each at its position, or at the next free one when
    that is taken, or at the last free one when there are fewer results. Sponsored products fill the
    slots that are left, while slot and page have room; one that stands at or above a slot by itself
    stays there, unmarked, and the next takes it. Each product, or with `groups` each group,
    is there once.
    """
    slots = _Slots(placeable.groups)
    _pin(effects, placeable, slots)
    if not slots.taken and not any(placeable.sponsored):
        return Placed(ranking)
    rest = _without(ranking, slots)
    _draw_in(slots, len(rest) + len(slots.taken))
    before = _places(ranking, slots)
    _sponsor(effects, placeable, slots, before, rest)
    if not slots.taken:
        return Placed(ranking)
    moves = {
        ordinal: Move(move.rule, move.kind, before.get(slots.key(ordinal)))
        for ordinal, move in slots.taken.values()
    }
    return Placed(_merged(_without(ranking, slots), slots), moves)


def _pin(effects: Effects, placeable: Placeable, slots: _Slots) -> None:
    displaced = []
    for pin, ordinal in zip(effects.pins, placeable.pins, strict=True):
        if ordinal is None or not slots.free(ordinal):
            continue
        move = Move(pin.rule, "pin")
        if pin.position in slots.taken:
            slots.used.add(slots.key(ordinal))
            displaced.append((pin.position, ordinal, move))
        else:
            slots.put(pin.position, ordinal, move)
    for wanted, ordinal, move in displaced:
        position = wanted
        while position in slots.taken:
            position += 1
        slots.put(position, ordinal, move)


def _draw_in(slots: _Slots, results: int) -> None:
    """Brings pins that lie beyond the last result to the last free places, in their order; what
    is asked for within the results stays there."""
    free = (place for place in range(results, 0, -1) if place not in slots.taken)
    for position in sorted((each for each in slots.taken if each > results), reverse=True):
        slots.taken[next(free)] = slots.taken.pop(position)


def _sponsor(
    effects: Effects, placeable: Placeable, slots: _Slots, known: Mapping[int, int], rest: Ranking
) -> None:
    """`known` are the places that products have by themselves."""
    results = len(rest) + len(slots.taken)
    pages: dict[int, int] = {}
    for paid, products in zip(effects.sponsored, placeable.sponsored, strict=True):
        own: dict[int, int] = {}
        waiting: Iterator[int] = iter(products)
        for position in paid.positions:
            page = (position - 1) // max(placeable.page, 1)
            full = pages.get(page, 0) >= placeable.most or own.get(page, 0) >= paid.most
            if full or position in slots.taken or position > results + 1:
                continue
            # Nobody pays for a lower place than the one that is theirs.
            better = (o for o in waiting if known.get(slots.key(o), position + 1) > position)
            ordinal = next((each for each in better if slots.free(each)), None)
            if ordinal is None:
                break
            added = slots.key(ordinal) not in known
            if position > results + added:
                continue
            slots.put(position, ordinal, Move(paid.rule, "sponsored"))
            results += added
            pages[page] = pages.get(page, 0) + 1
            own[page] = own.get(page, 0) + 1


def _places(ranking: Ranking, slots: _Slots) -> Mapping[int, int]:
    """The 1-based place of each product or group."""
    found: dict[int, int] = {}
    for rank, ordinal in enumerate(ranking.ordinals.tolist(), 1):
        found.setdefault(slots.key(ordinal), rank)
    return found


def _without(ranking: Ranking, slots: _Slots) -> Ranking:
    """What has no place of its own, in its order."""
    ordinals = [ordinal for ordinal, _ in slots.taken.values()]
    keep = ~np.isin(ranking.ordinals, ordinals)
    if slots.groups is not None:
        placed = slots.groups[ordinals]
        keep &= ~np.isin(slots.groups[ranking.ordinals], placed[placed >= 0])
    return Ranking(ranking.ordinals[keep], ranking.scores[keep])


def _merged(rest: Ranking, slots: _Slots) -> Ranking:
    """The rest with the placed in between. A placed one takes the score of what follows it, so that
    scores never rise."""
    size = len(rest) + len(slots.taken)
    places = np.array(sorted(slots.taken), np.int64) - 1
    open_places = np.ones(size, np.bool_)
    open_places[places] = False
    ordinals = np.empty(size, np.int32)
    ordinals[open_places] = rest.ordinals
    ordinals[places] = [slots.taken[place + 1][0] for place in places.tolist()]
    following: NDArray[np.int64] = np.cumsum(open_places) - open_places
    scores: NDArray[np.float32] = np.zeros(size, np.float32)
    if len(rest):
        scores = rest.scores[np.minimum(following, len(rest) - 1)]
    return Ranking(ordinals, scores)
