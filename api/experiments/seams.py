"""Where experiments are kept: shared by every process of every replica, there after a restart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from eval.experiments import Experiment, Step

BOUNDS = (5.0, 10.0, 20.0, 30.0, 50.0, 75.0, 100.0, 150.0, 200.0, 300.0, 500.0, 1000.0, 5000.0)
"""The upper ends of the buckets that times are counted in, in milliseconds; one more is open."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What happened in one arm: requests answered, failed ones beside them, searches (first pages)
    and those without hits, clicks, purchases and their money, and requests by time (`BOUNDS`).
    `sums` are further ones by name; those of 0 are as good as not there."""

    requests: int = 0
    errors: int = 0
    searches: int = 0
    without_hits: int = 0
    clicks: int = 0
    purchases: int = 0
    revenue: float = 0.0
    times: tuple[int, ...] = field(default=(0,) * (len(BOUNDS) + 1))
    sums: Mapping[str, float] = field(default_factory=dict)

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.requests + other.requests,
            self.errors + other.errors,
            self.searches + other.searches,
            self.without_hits + other.without_hits,
            self.clicks + other.clicks,
            self.purchases + other.purchases,
            self.revenue + other.revenue,
            tuple(one + two for one, two in zip(self.times, other.times, strict=True)),
            _added(self.sums, other.sums),
        )


def _added(one: Mapping[str, float], two: Mapping[str, float]) -> Mapping[str, float]:
    if not two:
        return one
    return {name: one.get(name, 0.0) + two.get(name, 0.0) for name in (*one, *two)}


@dataclass(frozen=True, slots=True)
class Cell:
    """Whom a tally is of: an arm of an experiment in one minute (since 1970)."""

    experiment: str
    arm: str
    minute: int


class ExperimentStore(Protocol):
    """Keeps experiments, what was changed and why, and what happened. Every call may block: make it
    from a thread. What returned is there for every process; a process that dies leaves nothing half
    done.

    Every method raises StorageFailed when the store is away.
    """

    def version(self) -> int:
        """Changes whenever an experiment does; cheap, asked often."""
        ...

    def experiments(self) -> Sequence[Experiment]:
        """All of them, the newest first, stopped ones too."""
        ...

    def create(self, experiment: Experiment, traffic: float, step: Step) -> Experiment:
        """Keeps a new one with `traffic` of its layer as its slot; the slot, the salt and the time
        are given here.

        Raises:
            BadInput: there is one of this name (stopped ones keep theirs), or the layer is full.
        """
        ...

    def change(self, experiment: Experiment, step: Step, expected: Experiment) -> bool:
        """Replaces one, with the step that says why; False, and nothing happens, when it is no
        longer as `expected` (somebody else was faster)."""
        ...

    def note(self, step: Step) -> None:
        """Adds to an experiment's history without changing it."""
        ...

    def history(self, name: str | None = None) -> Sequence[Step]:
        """What was done, the earliest first."""
        ...

    def add(self, tallies: Mapping[Cell, Tally]) -> None:
        """Adds what happened lately; all of it or nothing."""
        ...

    def tallies(self, name: str, since: int = 0) -> Mapping[Cell, Tally]:
        """What happened in an experiment from a minute on."""
        ...

    def lead(self, who: str, seconds: float) -> bool:
        """Whether `who` leads for so many seconds from now: one process at a time steers. The
        leader's own call prolongs it."""
        ...
