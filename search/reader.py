"""The cross-encoder in use: opened by name, asked behind a guard, in threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from search.encoders import Opened, Recent
from search.encoding import asking
from search.errors import EncoderUnavailable
from search.resilience import Guard
from search.settings import Settings
from search.types import Scores

TOGETHER = 4
"""Threads that read for one search, where there are so many processors."""
_TRIAL = ("shoes", ("red shoes",))


class PairScorer(Protocol):
    """Scores how well texts answer a query (`search.cross_encoder.CrossEncoder`)."""

    name: str
    weight: float
    """How many of the model's spreads one of its own moves a product."""
    spread: float
    """The standard deviation of its scores around their query's mean, above 0."""

    def scores(self, query: str, texts: Sequence[str]) -> Scores:
        """float32 of shape (len(texts),), higher is better; safe from several threads."""
        ...


@dataclass(frozen=True, slots=True)
class Read:
    """What a cross-encoder gave to texts (float32, by place), how many of the model's spreads one
    of its points moves a product, and how many one of its own spreads."""

    scores: Scores
    worth: float
    weight: float = 0.0


class CachedScorer:
    """A cross-encoder that remembers the scores of the `size` pairs used last: further pages, other
    filters and what everybody asks are mostly the same pairs. Safe across threads."""

    def __init__(self, scorer: PairScorer, size: int) -> None:
        self.name, self.weight, self.spread = scorer.name, scorer.weight, scorer.spread
        self._scorer = scorer
        self._scores: Recent[tuple[str, str], float] = Recent(size)

    def scores(self, query: str, texts: Sequence[str]) -> Scores:
        """See `PairScorer.scores`."""
        pairs = [(query, text) for text in texts]
        return np.array(self._scores.of(pairs, self._fresh), np.float32)

    def _fresh(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        scores: list[float] = self._scorer.scores(pairs[0][0], [text for _, text in pairs]).tolist()
        return scores


class Reader:
    """One cross-encoder by name. Where it cannot be opened or is too slow, that is logged once, and
    it is tried again by itself."""

    def __init__(
        self, name: str, open_one: Callable[[str], PairScorer], settings: Settings
    ) -> None:
        """Opens nothing yet."""
        self.name = name
        self._opened = Opened(open_one)
        self._seconds = settings.limits.stage_seconds
        # Each takes several processors: more at once would take no less time, and the threads that
        # encode queries. Rather than wait long for others, a search does without.
        self._guard = Guard(
            f"cross-encoder {name}",
            self._probe,
            EncoderUnavailable,
            at_once=max(1, settings.threads // TOGETHER),
            wait_seconds=self._seconds / 4,
            harmless=lambda error: isinstance(error, EncoderUnavailable),
        )

    @property
    def fault(self) -> str | None:
        """Why it cannot be opened; None when it can."""
        return self._opened.fault

    async def open(self) -> None:
        """Opens it and reads something, so that the first search is as fast as any; what is wrong
        is logged, and said by `fault`."""
        try:
            await asyncio.to_thread(self._read, *_TRIAL)
        except EncoderUnavailable:
            pass  # logged where it was noticed
        except Exception as error:
            self._guard.tell(str(error) or repr(error))

    async def read(self, query: str, texts: Sequence[str], seconds: float) -> Read:
        """Reads each text with the query.

        Raises:
            EncoderUnavailable: it cannot be opened, or is known to be away.
            TimeoutError: it takes longer than so many seconds.
        """
        async with asking(self._guard, seconds):
            return await asyncio.to_thread(self._read, query, texts)

    async def close(self) -> None:
        """Stops the background work."""
        await self._guard.close()

    async def _probe(self) -> None:
        async with asyncio.timeout(self._seconds):
            await asyncio.to_thread(self._read, *_TRIAL)

    def _read(self, query: str, texts: Sequence[str]) -> Read:
        try:
            encoder = self._opened.named(self.name)
        except EncoderUnavailable as error:
            self._guard.tell(str(error))
            raise
        if not encoder.weight:  # whatever it read would change nothing
            return Read(np.zeros(len(texts), np.float32), 0.0)
        scores = encoder.scores(query, texts)
        if not np.isfinite(scores).all():
            raise ValueError(f"the cross-encoder {self.name} gave scores that are not numbers")
        return Read(scores, encoder.weight / encoder.spread, encoder.weight)
