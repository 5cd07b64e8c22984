"""A load of searches and changes on a shop, and what became of each."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import httpx
import numpy as np

CLIENTS = 6
SEARCHES = (
    "q=desk+lamp",
    "q=running+shoes&filter.in_stock=true",
    "q=kettle&sort=price_asc",
    "q=cotton+shirt&size=5&facets=brand,price",
    "q=",
    "q=lamp&filter.price=10..200",
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answered search; `at` is the moment its answer came, `seconds` how long it took."""

    at: float
    seconds: float
    status: int
    fallbacks: tuple[str, ...]
    hits: int
    words: bool
    """Whether it asked for words."""
    detail: str = ""
    """Why it was refused."""

    @property
    def whole(self) -> bool:
        """Whether it asked for words, and nothing was done without."""
        return self.words and self.status == 200 and not served_without(self.fallbacks)


@dataclass(slots=True)
class Load:
    """Searches by several clients, and changes one after another, until it is stopped."""

    client: httpx.AsyncClient
    changing: bool = True
    answers: list[Answer] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    """The ids of products whose change was accepted."""
    refused: Counter[int] = field(default_factory=Counter)
    """Changes that were not, by status."""
    why: dict[str, str] = field(default_factory=dict)
    """The ids of their products, and what they were told."""
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _sent: int = 0
    _seen: int = 0

    async def __aenter__(self) -> Load:
        self._tasks = [asyncio.create_task(self._search(number)) for number in range(CLIENTS)]
        if self.changing:
            self._tasks.append(asyncio.create_task(self._change()))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def _search(self, number: int) -> None:
        while True:
            for asked in SEARCHES[number % len(SEARCHES) :] + SEARCHES:
                began = time.monotonic()
                answer = await self.client.get(f"/v1/search?{asked}")
                now = time.monotonic()
                body = answer.json()
                self.answers.append(
                    Answer(
                        now,
                        now - began,
                        answer.status_code,
                        tuple(body.get("fallbacks", ())),
                        len(body.get("hits", ())),
                        asked != "q=",
                        body.get("detail", ""),
                    )
                )
                await asyncio.sleep(0.03)

    async def _change(self) -> None:
        while True:
            self._sent += 1
            name = f"load{self._sent}x{id(self)}"
            product = {"id": name, "title": f"Zorb {name}", "price": 5}
            answer = await self.client.post(
                "/v1/products", json={"changes": [{"op": "upsert", "product": product}]}
            )
            if answer.status_code == 200:
                self.taken.append(name)
            else:
                self.refused[answer.status_code] += 1
                self.why[name] = answer.json()["detail"]
            await asyncio.sleep(0.2)

    async def until(self, happens: Callable[[], bool], seconds: float) -> None:
        """Waits until something has happened under the load.

        Raises:
            AssertionError: it has not.
        """
        until = time.monotonic() + seconds
        while not happens():
            assert time.monotonic() < until, f"not after {seconds} s: {self.answers[-3:]}"
            await asyncio.sleep(0.02)

    async def whole_again(self, seconds: float) -> float:
        """Waits for an answer to words that does without nothing; how long it took to come.

        Raises:
            AssertionError: none came.
        """
        began = time.monotonic()

        def whole() -> bool:
            return any(each.at - each.seconds > began and each.whole for each in self.answers)

        await self.until(whole, seconds)
        return time.monotonic() - began

    async def lost(self) -> list[str]:
        """The accepted changes since it was last asked that cannot be found by their words."""
        names, self._seen = self.taken[self._seen :], len(self.taken)
        found = [(name, await self.client.get(f"/v1/search?q={name}")) for name in names]
        return [
            name
            for name, answer in found
            if name not in [hit["id"] for hit in answer.json()["hits"]]
        ]


def served_without(fallbacks: Sequence[str]) -> list[str]:
    """What an answer did without; a shop without a model always does without that."""
    return [each for each in fallbacks if not each.startswith("no ranking model")]


@dataclass(frozen=True, slots=True)
class Told:
    """What the answers of some time say together."""

    answers: Sequence[Answer]

    @property
    def statuses(self) -> Counter[int]:
        """Answers by status."""
        return Counter(each.status for each in self.answers)

    @property
    def refusals(self) -> list[str]:
        """Why the answers that are not 200 are none."""
        return [each.detail for each in self.answers if each.status != 200]

    @property
    def fallbacks(self) -> Counter[str]:
        """Answers by what they did without."""
        return Counter(text for each in self.answers for text in served_without(each.fallbacks))

    def quantile(self, share: float) -> float:
        """Seconds in which this share of the answers came."""
        return float(np.quantile([each.seconds for each in self.answers], share))

    @property
    def empty(self) -> int:
        """Answers without a product."""
        return sum(each.hits == 0 for each in self.answers)
