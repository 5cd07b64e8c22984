"""What becomes of a simulated click: a cart, then perhaps a purchase."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.simulation.models import HIGHEST, Clicks, Grades


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How often a clicked product is put into the cart, and a product in the cart is bought: from
    the first number at grade 0 to the second at grade 4, evenly between."""

    cart: tuple[float, float] = (0.02, 0.35)
    purchase: tuple[float, float] = (0.1, 0.6)


def draw_outcomes(
    clicks: Clicks, grades: Grades, rng: np.random.Generator, outcomes: Outcomes = Outcomes()
) -> tuple[Clicks, Clicks]:
    """Carts and purchases, each bool of the shape of `clicks`; only what was clicked can be put
    into the cart, only what is in the cart bought."""
    share = np.asarray(grades, np.float64) / HIGHEST
    carts = clicks & (rng.random(clicks.shape) < _between(outcomes.cart, share))
    return carts, carts & (rng.random(clicks.shape) < _between(outcomes.purchase, share))


def _between(ends: tuple[float, float], share: Grades) -> Grades:
    low, high = ends
    return low + (high - low) * share
