"""The experiments that run, as this process follows them.

A background task looks at the store. What it holds decides every request without waiting for
anything; when the store is away, what was known goes on, and what was counted is kept until it is
back. An experiment takes part only once all its systems are open here: arms of which one is missing
would not be comparable.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field

from api.experiments.counting import Counter
from api.experiments.seams import ExperimentStore
from api.logs import SERVER
from eval.experiments import Experiment, treat
from search.errors import AisleError
from search.types import UNTREATED, Event, SearchResponse, Treatment

_MINUTE = 60.0
_MOST_CELLS = 20_000
"""What is kept while the store is away: more than a day of a few experiments."""

Opened = Callable[[Sequence[str]], Awaitable[Sequence[str]]]
"""Opens systems by name; gives those that cannot be used, each as a sentence."""


@dataclass(slots=True)
class ExperimentBook:
    """Follows a store; one per process."""

    store: ExperimentStore
    opened: Opened
    seconds: float = 1.0
    running: tuple[Experiment, ...] = ()
    """Those that take part, shadows too."""
    faults: tuple[str, ...] = ()
    """Why others do not, or that the store is away."""
    counter: Counter = field(default_factory=Counter)
    _version: int | None = None

    def treatment(self, session: str, client: str, query: str) -> Treatment:
        """What the experiments decide for a search."""
        return treat(self.running, session, client, query) if self.running else UNTREATED

    def answered(self, treatment: Treatment, response: SearchResponse, milliseconds: float) -> None:
        """Counts an answer; one that was asked of an arm and given without counts nowhere."""
        if treatment.experiments:
            self.counter.answered(treatment, response, milliseconds, _minute())

    def failed(self, treatment: Treatment) -> None:
        """Counts a search that could not be answered."""
        if treatment.experiments:
            self.counter.failed(treatment, _minute())

    def happened(self, events: Iterable[tuple[Event, str]]) -> None:
        """Counts events, each with the client as the shop names it."""
        if self.running:
            self.counter.happened(self.running, events, _minute())

    async def refresh(self) -> None:
        """Looks at the store now, and hands on what was counted."""
        try:
            version = await asyncio.to_thread(self.store.version)
            if version != self._version or self.faults:
                await self._read()
                self._version = version
            await self._hand_on()
        except AisleError as error:
            self._complain((str(error),))

    async def _read(self) -> None:
        found = await asyncio.to_thread(self.store.experiments)
        running = [each for each in found if each.status == "running"]
        faults: list[str] = []
        usable = []
        for each in running:
            names = [arm.system for arm in each.arms if arm.system is not None]
            missing = await self.opened(names)
            faults += [f"{each.name} waits: {fault}" for fault in missing]
            if not missing:
                usable.append(each)
        self.running = tuple(usable)
        self._complain(tuple(faults))

    def _complain(self, faults: tuple[str, ...]) -> None:
        """Once per fault, not once per look."""
        for fault in faults:
            if fault not in self.faults:
                SERVER.error("experiments", extra={"fault": fault})
        self.faults = faults

    async def _hand_on(self) -> None:
        taken = self.counter.take()
        if not taken:
            return
        try:
            await asyncio.to_thread(self.store.add, taken)
        except AisleError:
            if len(self.counter.cells) < _MOST_CELLS:
                self.counter.give_back(taken)
            raise

    @contextlib.asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Follows the store from now on; at the end hands on what was counted last."""

        stop = asyncio.Event()

        async def follow() -> None:
            while not stop.is_set():
                await self.refresh()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), self.seconds)

        task = asyncio.create_task(follow(), name="follow the experiments")
        try:
            yield
        finally:
            # Not cancelled: what is being handed on would be handed on twice.
            stop.set()
            await task
            with contextlib.suppress(AisleError):
                await self._hand_on()


def _minute() -> int:
    return int(time.time() // _MINUTE)
