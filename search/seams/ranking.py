"""Ordering candidates, and what may change their order afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from search.seams.facts import Facts
from search.types import (
    Chance,
    Contributions,
    Effects,
    FeatureTable,
    Placeable,
    Placed,
    Pool,
    Query,
    Ranked,
    Ranking,
    SearchRequest,
    Slots,
    Vectors,
)


class Ranker(Protocol):
    """Orders the candidates of one request; safe from several threads at once."""

    name: str
    """What the response calls it."""
    version: str
    """Tells one model from another."""
    depth: int
    """The candidates it scores; the rest keep their order behind them."""
    spread: float | None
    """The standard deviation of its scores around their query's mean, above 0; None where it was
    not measured."""

    def rank(self, facts: Facts, pool: Pool) -> Ranked:
        """The pool in its order."""
        ...

    def explain(self, table: FeatureTable) -> Contributions:
        """What each feature of `table` adds to each score."""
        ...


class RankerSource(Protocol):
    """Follows the ranking model as it is replaced."""

    @property
    def fault(self) -> str | None:
        """What is wrong with the newest model, which is not used then; None when nothing is."""
        ...

    def current(self) -> Ranker | None:
        """The model in use; None when there is none."""
        ...

    def at(self, version: str) -> Ranker | None:
        """An earlier model, None when it is no longer held."""
        ...


class Rules(Protocol):
    """The shop's own rules, as they stood at one moment."""

    @property
    def version(self) -> str:
        """Tells one state of the rules from another; empty when there are none."""
        ...

    def matching(self, query: Query, request: SearchRequest, now: datetime) -> Effects:
        """What the rules that apply ask for; `now` knows its zone."""
        ...

    def place(self, effects: Effects, ranking: Ranking, placeable: Placeable) -> Placed:
        """The ranking with pins and sponsored products in their places."""
        ...


class RuleSource(Protocol):
    """Follows the rules as they are changed."""

    @property
    def fault(self) -> str | None:
        """What is wrong with the newest rules, which are not used then; None when nothing is."""
        ...

    def current(self) -> Rules:
        """The newest rules that can be used."""
        ...

    def at(self, version: str) -> Rules | None:
        """An earlier state, None when it is no longer held."""
        ...


class Diversifier(Protocol):
    """Chooses varied hits among the best; see `rankers.diversity`."""

    def __call__(
        self,
        ranking: Ranking,
        vectors: Vectors | None,
        groups: NDArray[np.int32],
        caps: Sequence[int],
        strength: float,
        *,
        first: int,
        within: int,
    ) -> Ranking:
        """The same documents in an order with more variety. `vectors` are theirs (unit, float32
        of shape (len(ranking), dimensions)); `groups` (int32 of shape (len(ranking), len(caps)),
        -1 where unknown) what each cap counts, among the first `within`. The `first` are chosen,
        the others follow."""
        ...


class Explorer(Protocol):
    """Exchanges the places of some products by chance; see `rankers.exploration`."""

    @property
    def name(self) -> str:
        """The method and its parameters, as they are logged."""
        ...

    def __call__(self, slots: Slots, rng: np.random.Generator) -> Chance:
        """Draws an order of the slots, with its exact probabilities."""
        ...
