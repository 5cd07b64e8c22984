"""What shoppers do with a page: clicks by the stated model, then carts and purchases, and when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.simulation.models import HIGHEST, ClickModel
from training.simulation.outcomes import draw_outcomes

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]

_LOOK = 1.5
"""Seconds a position, from the top."""
_SHOWN = 0.2
"""Seconds until a page is seen."""
_LONGEST = 240.0
"""Seconds after which a search is over: a server takes no events from further in the future."""


@dataclass(frozen=True, slots=True)
class Behavior:
    """What was done with some pages, each array of shape (searches, positions). `shown`, `clicks`,
    `carts`, `purchases` bool; the times are float64, in seconds since the search: `clicked`,
    `carted`, `bought`, and how long a product was looked at, `dwell`."""

    shown: Flags
    clicks: Flags
    carts: Flags
    purchases: Flags
    clicked: Values
    dwell: Values

    @property
    def seen(self) -> float:
        """When everything on a page is on the screen."""
        return _SHOWN

    @property
    def carted(self) -> Values:
        """When what is put into the cart is."""
        return self.clicked + 0.8 * self.dwell

    @property
    def bought(self) -> Values:
        """When what is bought is."""
        return self.clicked + 0.95 * self.dwell


def behave(model: ClickModel, felt: Values, shown: Flags, rng: np.random.Generator) -> Behavior:
    """Draws what shoppers do with pages whose products are worth `felt` (0 to 4) to them; `felt`
    float64 and `shown` bool, both (searches, positions)."""
    clicks = model.draw(felt, rng) & shown
    carts, purchases = draw_outcomes(clicks, felt, rng)
    dwell = (5 + 10 * felt / HIGHEST) * rng.lognormal(0.0, 0.5, felt.shape) * clicks
    below = np.arange(felt.shape[1])
    looked = _SHOWN + _LOOK * (below + 0.3 + 0.6 * rng.random(felt.shape))
    clicked = looked + np.cumsum(dwell, axis=1) - dwell
    ends = (clicked + dwell).max(axis=1, initial=1.0, keepdims=True)
    fitting = np.minimum(1.0, _LONGEST / ends)
    return Behavior(shown, clicks, carts, purchases, clicked * fitting, dwell * fitting)


def click_chances(model: ClickModel, felt: Values) -> Values | None:
    """The stated probability of each click, float64 of the shape of `felt`; None where it depends
    on what stands above (cascades)."""
    depth = felt.shape[1]
    looked, attraction = model.examination(depth), getattr(model, "attraction", None)
    if looked is not None and attraction is not None:
        return np.asarray(looked * attraction(felt), np.float64)
    affine = getattr(model, "affine", None)
    if affine is None:
        return None
    slope, floor = affine(depth)
    return np.asarray(slope * felt / HIGHEST + floor, np.float64)
