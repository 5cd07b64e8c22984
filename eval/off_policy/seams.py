"""What estimators of examination are to off-policy evaluation, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from eval.off_policy.clicklog import Amounts, Cells


class Examination(Protocol):
    """Estimates how likely each place is looked at."""

    def __call__(self, cells: Cells) -> Amounts:
        """The curve of a log, float64 of shape (depth,), relative to its first place; NaN at places
        that it cannot compare with the others. `cells` differ between calls in impressions and
        clicks alone.

        Raises:
            BadInput: nothing can be compared; says why and what to do.
        """
        ...


class Fitter(Protocol):
    """Prepares an estimator for a log of `depth` places."""

    def __call__(self, cells: Cells, depth: int) -> Examination:
        """What depends on which documents were shown where is done once here.

        Raises:
            BadInput: as `Examination`.
        """
        ...


@dataclass(frozen=True, slots=True)
class Difference:
    """How many clicks a search the candidate is worth more, with a 95% interval."""

    delta: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Weights:
    """What clicks count for: quantiles and the largest; the share of clicks above `clip`, and what
    cutting them there alone, without a model, would change in the value (clicks a search)."""

    median: float
    p90: float
    p99: float
    largest: float
    clip: float
    clipped: float
    clip_bias: float


@dataclass(frozen=True, slots=True)
class Overlap:
    """Between what the candidate would show and what was shown.

    `shown` of its own top ten, weighed as by DCG, was shown for the query in this log (of the
    other's, where that is less; None where only logged products could be scored). Of what would be
    looked at in its order of the shown products, `together` is the share on products that were on
    the page at the time, `explored` on such that chance could have put at that very place.
    """

    shown: float | None
    together: float
    explored: float


@dataclass(frozen=True, slots=True)
class OffPolicy:
    """What a candidate's order is worth beside another one, by each of `METHODS`.

    `method` is "position" or "randomized". `logged` are the clicks a search of the log, `candidate`
    and `against` the values of the two orders, all in clicks a search. `refused` says why there is
    no answer and what to do; "" where there is one, else the mappings are empty. `identical` orders
    differ by 0 for certain. `curve` is how likely each place is looked at, NaN where unknown.
    """

    method: str
    searches: int
    queries: int
    units: int
    clicks: int
    logged: float
    candidate: Mapping[str, float]
    against: Mapping[str, float]
    differences: Mapping[str, Difference]
    effective: float
    overlap: Overlap
    weights: Weights | None
    curve: Amounts
    tied: float = 0.0
    identical: bool = False
    draws: int = 0
    refused: str = ""
    remarks: tuple[str, ...] = ()
