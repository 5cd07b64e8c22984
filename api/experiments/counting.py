"""What happens in the arms of experiments, counted here until it is handed to the store."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from api.experiments.seams import BOUNDS, Cell, Tally
from eval.experiments import Experiment, arm_of, unit_of
from eval.experiments.observed import FALLBACKS, SQUARES
from search.types import Event, SearchResponse, Treatment

BOTH = ""
"""The arm of what all arms did together: an interleaved answer."""


@dataclass(slots=True)
class Counter:
    """Adds up; one per process, used from its event loop alone."""

    cells: dict[Cell, Tally] = field(default_factory=dict)

    def answered(
        self, treatment: Treatment, response: SearchResponse, milliseconds: float, minute: int
    ) -> None:
        """A search was answered; further pages are requests, but no searches."""
        first = not response.hits or response.hits[0].position == 1
        found = Tally(
            requests=1,
            searches=int(first),
            without_hits=int(first and response.total == 0),
            times=times_of(milliseconds),
            sums={FALLBACKS: 1.0} if response.fallbacks else {},
        )
        self._add(treatment, found, minute)

    def failed(self, treatment: Treatment, minute: int) -> None:
        """A search could not be answered."""
        self._add(treatment, Tally(errors=1), minute)

    def happened(
        self,
        experiments: Iterable[Experiment],
        events: Iterable[tuple[Event, str]],
        minute: int,
    ) -> None:
        """Shoppers did something: events, each with the client as the shop names it."""
        for event, client in events:
            found = _of_event(event)
            if found is None:
                continue
            for each in experiments:
                arm = arm_of(each, unit_of(each, event.session, client))
                if arm is not None and each.kind != "shadow":
                    name = BOTH if each.kind == "interleave" else arm.name
                    self._one(Cell(each.name, name, minute), found)

    def take(self) -> Mapping[Cell, Tally]:
        """What was counted since the last time."""
        taken, self.cells = self.cells, {}
        return taken

    def count(self, cell: Cell, found: Tally) -> None:
        """Adds what somebody else counted."""
        self._one(cell, found)

    def give_back(self, cells: Mapping[Cell, Tally]) -> None:
        """Keeps what could not be handed on."""
        for cell, tally in cells.items():
            self._one(cell, tally)

    def _add(self, treatment: Treatment, found: Tally, minute: int) -> None:
        for name, arm in zip(treatment.experiments, treatment.arms, strict=True):
            self._one(Cell(name, arm, minute), found)

    def _one(self, cell: Cell, found: Tally) -> None:
        known = self.cells.get(cell)
        self.cells[cell] = found if known is None else known + found


def times_of(milliseconds: float) -> tuple[int, ...]:
    """One request by its time, in the buckets of `BOUNDS`."""
    times = [0] * (len(BOUNDS) + 1)
    times[bisect_left(BOUNDS, milliseconds)] = 1
    return tuple(times)


def _of_event(event: Event) -> Tally | None:
    """Clicks on hits of a search, and purchases."""
    if event.action == "click":
        return Tally(clicks=1) if event.search else None
    if event.action == "purchase":
        value = event.value or 0.0
        return Tally(purchases=1, revenue=value, sums={SQUARES: value * value})
    return None
