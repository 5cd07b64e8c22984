"""A shop whose truth is known: queries, what each document is worth, and who ranks them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.errors import BadInput

_GRADE_SHARES = (0.5, 0.2, 0.15, 0.1, 0.05)
_NOISE = (1.0, 2.0, 4.0)
_BATCH = 100_000


@dataclass(frozen=True, slots=True)
class World:
    """What is true, and what is shown.

    `grades` float64 (queries, candidates), 0 to 4: the truth. `orders` int32 (rankers, queries,
    depth): which candidates each ranker shows, the top first. `traffic` float64 (queries,) and
    `shares` float64 (rankers,): the parts of all sessions that ask a query, and that a ranker
    answers; each sums to 1.
    """

    grades: NDArray[np.float64]
    orders: NDArray[np.int32]
    traffic: NDArray[np.float64]
    shares: NDArray[np.float64]

    @property
    def depth(self) -> int:
        """Positions shown."""
        return int(self.orders.shape[2])

    @property
    def candidates(self) -> int:
        """Documents of each query; document d of query q is number q × candidates + d."""
        return int(self.grades.shape[1])


def make_world(
    seed: int = 0,
    *,
    queries: int = 1000,
    candidates: int = 20,
    depth: int = 10,
    noises: Sequence[float] = _NOISE,
    skew: float = 1.0,
) -> World:
    """A world in which half of the documents have grade 0 and 5% grade 4, queries are asked as
    often as rank**-skew, and each ranker orders by the grade plus normal noise of its standard
    deviation in `noises` (0: the truth itself, ties by chance; large: at random).

    Raises:
        BadInput: fewer candidates than positions.
    """
    if candidates < depth:
        raise BadInput(f"{candidates} candidates cannot fill {depth} positions; give more of them")
    rng = np.random.default_rng([seed, 1])
    grades = rng.choice(5, size=(queries, candidates), p=_GRADE_SHARES).astype(np.float64)
    traffic = np.arange(1, queries + 1, dtype=np.float64) ** -skew
    return World(
        grades,
        np.stack([_order(grades, noise, depth, rng) for noise in noises]),
        traffic / traffic.sum(),
        np.full(len(noises), 1 / len(noises)),
    )


def _order(
    grades: NDArray[np.float64], noise: float, depth: int, rng: np.random.Generator
) -> NDArray[np.int32]:
    scores = grades + max(noise, 1e-9) * rng.standard_normal(grades.shape)
    return np.argsort(-scores, axis=1)[:, :depth].astype(np.int32)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a batch of sessions saw: the query and the ranker of each (int64, shape (sessions,)),
    and the candidates and their grades, shape (sessions, positions)."""

    queries: NDArray[np.int64]
    rankers: NDArray[np.int64]
    candidates: NDArray[np.int32]
    grades: NDArray[np.float64]


def sessions_of(
    world: World, sessions: int, rng: np.random.Generator, batch: int = _BATCH
) -> Iterator[Shown]:
    """What `sessions` shoppers are shown, a batch at a time so that memory stays bounded."""
    for begin in range(0, sessions, batch):
        size = min(batch, sessions - begin)
        queries = rng.choice(len(world.traffic), size=size, p=world.traffic)
        rankers = rng.choice(len(world.shares), size=size, p=world.shares)
        candidates = world.orders[rankers, queries]
        yield Shown(queries, rankers, candidates, world.grades[queries[:, None], candidates])
