"""What happened in the arms of an experiment, minute by minute, as whoever judges it sees it."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

FALLBACKS = "fallbacks"
"""The sum of answers that something stood in for what failed in."""
SQUARES = "revenue_squares"
"""The sum of the squares of purchases' values."""


class Seen(Protocol):
    """What happened in one arm: requests answered, failed ones beside them, searches (first pages)
    and those without hits, clicks, purchases and their money, requests by time, and further sums by
    name."""

    @property
    def requests(self) -> int:
        """Answered."""
        ...

    @property
    def errors(self) -> int:
        """Not answered."""
        ...

    @property
    def searches(self) -> int:
        """First pages."""
        ...

    @property
    def without_hits(self) -> int:
        """First pages of nothing."""
        ...

    @property
    def clicks(self) -> int:
        """On hits."""
        ...

    @property
    def purchases(self) -> int:
        """Of anything."""
        ...

    @property
    def revenue(self) -> float:
        """What purchases brought."""
        ...

    @property
    def times(self) -> tuple[int, ...]:
        """Answers by time, one bucket more than there are bounds."""
        ...

    @property
    def sums(self) -> Mapping[str, float]:
        """Further sums; those of 0 may be left out."""
        ...


@dataclass(frozen=True, slots=True)
class Minute:
    """Both arms in one minute (since 1970)."""

    minute: int
    baseline: Seen
    candidate: Seen


@dataclass(frozen=True, slots=True)
class Percentile:
    """A percentile of times in milliseconds, interpolated in the bucket from `low` to `high` that
    it surely lies in; NaN of none, and infinity for `high` beyond the last bound."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        if math.isnan(self.value):
            return "unknown"
        if math.isinf(self.high):
            return f"over {self.low:g}"
        return f"{self.value:.0f} ({self.low:g} to {self.high:g})"


def percentile(seen: Sequence[Seen], bounds: Sequence[float], part: float = 0.99) -> Percentile:
    """The time within which `part` of the answers were given. As exact as the buckets are wide:
    within one, times are taken to be spread evenly."""
    counts = [sum(column) for column in zip(*(each.times for each in seen), strict=True)]
    wanted = part * sum(counts)
    if not wanted:
        return Percentile(math.nan, math.nan, math.nan)
    reached = list(accumulate(counts))
    place = next(at for at, up_to in enumerate(reached) if up_to >= wanted)
    count = counts[place]
    below = reached[place] - count
    low = bounds[place - 1] if place else 0.0
    if place == len(bounds):
        return Percentile(low, low, math.inf)
    high = bounds[place]
    return Percentile(low + (high - low) * (wanted - below) / count, low, high)


def slower(times: Sequence[int], bounds: Sequence[float], limit: float) -> int:
    """How many answers took longer than a limit. Exact where it is one of the bounds; else only
    those beyond the next bound are surely slower, and count."""
    return sum(times[bisect_left(bounds, limit) + 1 :])
