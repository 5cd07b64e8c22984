"""Intervals of propensities by a bootstrap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.errors import BadInput
from training.clicks.counts import Amounts, ClickCounts
from training.propensity.cells import Cells, cells
from training.propensity.registry import Method, Solve, everything
from training.propensity.seams import Propensities

CONFIDENCE = 0.95
FEW_QUERIES = 30
"""With fewer clicked queries than this their documents are resampled instead: a bootstrap over a
handful of queries gives intervals that are far too narrow."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Propensities with 95% intervals.

    `low` and `high` are float64 of the shape of `propensities.values`; they equal it without a
    bootstrap. `resampled` says what was drawn: "queries", "documents", or "" for no bootstrap.
    `components` are the positions that compare with each other, those used first.
    """

    propensities: Propensities
    low: Amounts
    high: Amounts
    resampled: str
    components: tuple[tuple[int, ...], ...]


def estimate(
    counts: ClickCounts,
    method: Method,
    *,
    bootstrap: int = 200,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Curve:
    """The curve with intervals from `bootstrap` resamples of the queries (0: none).

    An interval is log p̂ ± t · s: s is half the width of the middle 68% of the resampled log p,
    which a few wild resamples leave alone, t has one degree of freedom less than there are
    queries, counted by how unevenly clicks fall on them. Where `FEW_QUERIES` were clicked,
    documents are drawn within each query: right as long as they are clicked independently, too
    narrow where queries differ in their curves.

    Raises:
        BadInput: see `seams.Estimator`; or fewer than 20 resamples.
    """
    table, components = cells(counts)
    method.check(table)
    solve = method.solver(table)
    values = solve(everything(table))
    found = Propensities(method.name, table.positions, values)
    if not bootstrap:
        return Curve(found, values, values, "", components)
    drawn = _Resampling(table, counts)
    replicates = _replicates(solve, drawn, len(values), bootstrap, seed, progress)
    half = drawn.quantile() * drawn.inflation * _spread(np.log(replicates))
    return Curve(found, values * np.exp(-half), values * np.exp(half), drawn.unit, components)


def resampled(
    counts: ClickCounts, method: Method, draws: int = 100, seed: int = 0
) -> tuple[Propensities, tuple[Propensities, ...]]:
    """The curve, and the curves of `draws` resamples as of `estimate`, for what is computed from
    propensities and is as uncertain as they are. Each is so far off the first as the estimate may
    be off the truth.

    Raises:
        BadInput: see `estimate`.
    """
    table, _ = cells(counts)
    method.check(table)
    solve = method.solver(table)
    values = solve(everything(table))
    drawn = _Resampling(table, counts)
    replicates = _replicates(solve, drawn, len(values), draws, seed, lambda done, total: None)
    moved = values * np.exp(drawn.inflation * np.log(replicates / values))
    found = (Propensities(method.name, table.positions, each) for each in moved)
    return Propensities(method.name, table.positions, values), tuple(found)


def _replicates(
    solve: Solve,
    drawn: _Resampling,
    positions: int,
    draws: int,
    seed: int,
    progress: Callable[[int, int], None],
) -> Amounts:
    """The curves of resamples, float64 (draws, positions)."""
    if draws < _FEWEST:
        raise BadInput(f"{draws} resamples give no interval; take 200", field="bootstrap")
    rng = np.random.default_rng([seed, 3])
    found = np.empty((draws, positions))
    for number in range(draws):
        found[number] = solve(drawn.weights(rng))
        progress(number + 1, draws)
    return found


_FEWEST = 20
_MIDDLE = (0.1586553, 0.8413447)


def _spread(logs: Amounts) -> Amounts:
    """What would be the standard deviation of a normal with the same middle 68%."""
    low, high = np.quantile(logs, _MIDDLE, axis=0)
    return np.asarray((high - low) / 2, np.float64)


class _Resampling:
    """Draws queries, or documents within queries, with replacement."""

    def __init__(self, table: Cells, counts: ClickCounts) -> None:
        clicked = counts.queries[table.documents]
        _, queries = np.unique(clicked, return_inverse=True)
        few = int(queries.max()) + 1 < FEW_QUERIES
        self.unit = "documents" if few else "queries"
        self._clusters = np.arange(len(queries)) if few else queries
        self._strata = _runs(queries) if few else [np.arange(int(queries.max()) + 1)]
        clicks = np.bincount(table.of, table.clicks, len(table.documents))
        mass = np.bincount(self._clusters, clicks)
        self._effective = float(mass.sum() ** 2 / (mass**2).sum())
        groups = len(mass)
        self.inflation = (groups / max(groups - len(self._strata), 1)) ** 0.5

    def weights(self, rng: np.random.Generator) -> Amounts:
        """How often each document was drawn, float64 (documents,)."""
        drawn = np.empty(int(self._clusters.max()) + 1)
        for members in self._strata:
            size = len(members)
            drawn[members] = rng.multinomial(size, np.full(size, 1 / size))
        return drawn[self._clusters]

    def quantile(self) -> float:
        """Student's t for as many effective clusters."""
        from scipy.special import stdtrit

        return float(stdtrit(max(self._effective - 1, 1), (1 + CONFIDENCE) / 2))


def _runs(codes: NDArray[np.intp]) -> list[NDArray[np.int64]]:
    """The places of each code."""
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.cumsum(np.bincount(codes))[:-1])
