"""Counts of simulated clicks, without writing a log."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.clicks.counts import Amounts, ClickCounts
from training.simulation.models import ClickModel
from training.simulation.worlds import World, sessions_of


def simulate_counts(world: World, model: ClickModel, sessions: int, seed: int = 0) -> ClickCounts:
    """Impressions and clicks of `sessions` sessions of one search each.

    Documents that nobody was shown are left out; a document's product is `product_id` of its
    number in the world. Takes about a second per million sessions of ten positions.
    """
    rng = np.random.default_rng([seed, 2])
    cells = world.grades.size * world.depth
    shown, clicked = np.zeros(cells), np.zeros(cells)
    below = np.arange(world.depth)
    for batch in sessions_of(world, sessions, rng):
        clicks = model.draw(batch.grades, rng)
        document = batch.queries[:, None] * world.candidates + batch.candidates
        cell = document * world.depth + below
        shown += np.bincount(cell.ravel(), minlength=cells)
        clicked += np.bincount(cell[clicks], minlength=cells)
    return counts_of(world, shown, clicked)


def expected_counts(world: World, model: ClickModel, sessions: float) -> ClickCounts:
    """What `simulate_counts` gives on average, when the model's probabilities depend on position
    and document alone.

    Raises:
        ValueError: they do not.
    """
    looked = model.examination(world.depth)
    attraction = getattr(model, "attraction", None)
    if looked is None or attraction is None:
        raise ValueError(f"{model.name} has no examination by position")
    shape = (*world.grades.shape, world.depth)
    shown = np.zeros(shape)
    queries, below = np.arange(shape[0])[:, None], np.arange(world.depth)
    for order, share in zip(world.orders, world.shares, strict=True):
        np.add.at(shown, (queries, order, below), share * world.traffic[:, None] * sessions)
    clicked = shown * looked * attraction(world.grades)[:, :, None]
    return counts_of(world, shown.ravel(), clicked.ravel())


def counts_of(world: World, shown: Amounts, clicked: Amounts) -> ClickCounts:
    """Counts from impressions and clicks by (document number, position), flat."""
    cells = np.flatnonzero(shown)
    numbers = cells // world.depth
    kept = np.unique(numbers)
    return ClickCounts(
        np.searchsorted(kept, numbers).astype(np.int32),
        (cells % world.depth + 1).astype(np.int32),
        shown[cells],
        clicked[cells],
        (kept // world.candidates).astype(np.int32),
        tuple(query_text(query) for query in range(len(world.traffic))),
        tuple(product_id(number) for number in kept.tolist()),
    )


def relative_propensities(model: ClickModel, depth: int) -> NDArray[np.float64]:
    """The true propensities, 1 at the top, float64 of shape (depth,).

    Raises:
        ValueError: the model has none.
    """
    looked = model.examination(depth)
    if looked is None:
        raise ValueError(f"{model.name} has no examination by position")
    return np.asarray(looked / looked[0])


def product_id(number: int) -> str:
    """The product id of a document's number in its world."""
    return f"p{number}"


def query_text(query: int) -> str:
    """What is typed for a query of a world."""
    return f"query {query}"
