"""Thompson sampling over how good a product is, as far as that is uncertain.

A product's click rate, once looked at, has a Beta posterior: `weight` average impressions, and what
it was seen and clicked. A draw from it moves the product by how far the draw lies from the mean,
so products that were seen often stay, and new ones get their chance (Chapelle and Li, NIPS 2011).

With draws of continuous quality the probability of an order is no closed form. So `draws` orders
are drawn, by a seed that the request does not choose, and one of them is taken, each equally
likely: the counts are the exact probabilities of what was done.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from search.types import Chance, Slots


@dataclass(frozen=True, slots=True)
class Thompson:
    """A product nobody has seen moves by `strength` times the spread of the scores, typically.
    Only a `share` (0 to 1) of the draws move any, so that the order without chance keeps being
    shown and compared with."""

    strength: float
    share: float = 0.5
    draws: int = 64
    weight: float = 20.0
    seed: int = 0

    @property
    def name(self) -> str:
        """As it is logged."""
        return f"thompson:{self.strength:g}:{self.share:g}"

    def __call__(self, slots: Slots, rng: np.random.Generator) -> Chance:
        """Draws an order."""
        count = len(slots)
        if count < 2 or not self.strength:
            return Chance.unchanged(count)
        orders = self._orders(slots)
        order = orders[int(rng.integers(self.draws))]
        same = orders == order
        return Chance(
            order,
            same.mean(0),
            float(same.all(1).mean()),
            float((orders == np.arange(count)).all(1).mean()),
        )

    def _orders(self, slots: Slots) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
        """The orders one of which is taken, int64 of shape (draws, slots)."""
        usual = min(max(slots.usual, 1e-3), 0.5)
        clicked = np.minimum(slots.clicked, slots.seen)
        hits = self.weight * usual + clicked
        misses = self.weight * (1 - usual) + slots.seen - clicked
        rng = np.random.default_rng(self.seed)
        quality = rng.beta(hits, misses, (self.draws, len(slots)))
        unit = np.sqrt(usual * (1 - usual) / (self.weight + 1))  # the deviation of one never seen
        moved = (quality - hits / (hits + misses)) / unit
        spread = float(np.std(slots.scores)) or 1.0
        moved[round(self.draws * self.share) :] = 0
        return np.argsort(-(slots.scores + self.strength * spread * moved), axis=1, kind="stable")
