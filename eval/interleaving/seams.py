"""What interleaving is: several rankings in, one ranking and who gets credit for its clicks out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Items = NDArray[np.int32]
"""Products by any code, best first, each at most once."""
NOBODY = -1
"""The team of an item that no ranking gets credit for."""


@dataclass(frozen=True, slots=True)
class Interleaved:
    """One list made of several rankings.

    `items` (int32, shape (n,)) is what is shown; `teams` (int8, shape (n,)) the number of the
    ranking that each stands for, `NOBODY` where none does; `ranks` (int32, shape (n, rankings))
    where each stood in every ranking, from 1, and 0 where it was not in it. Methods that draw items
    by chance also give `chances` (float64, shape (n, rankings)): how likely each ranking was to put
    the item there, below what stands above. These are all that credit needs: they are logged with
    the answer.
    """

    items: Items
    teams: NDArray[np.int8]
    ranks: NDArray[np.int32]
    chances: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.items)


class Interleaver(Protocol):
    """One method of interleaving. Pure: the same rankings and the same `Random` state give the same
    list, on every machine."""

    @property
    def name(self) -> str:
        """What settings and logs call it."""
        ...

    @property
    def most(self) -> int | None:
        """How many rankings it can compare at once; None for any number."""
        ...

    def __call__(self, rankings: Sequence[Items], random: Random, length: int) -> Interleaved:
        """The first `length` places of one list, or fewer where the rankings end."""
        ...

    def credit(self, shown: Interleaved, clicks: NDArray[np.float64]) -> NDArray[np.float64]:
        """What each ranking earns, float64 of shape (rankings,), by `clicks` (float64, one a place,
        0 where nobody clicked). Only differences mean anything; for a clicker who does not look at
        what is shown they are 0 on average."""
        ...
