"""Understanding alone, without a search, over the index in a data directory."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from search.build import open_search
from search.encoder import open_encoder
from search.errors import EncoderUnavailable
from search.seams import Encoder
from search.settings import Settings
from search.types import Query
from search.understandings import Understands


@dataclass(frozen=True, slots=True)
class Understander:
    """Understands queries as a search of the same index would."""

    understands: Understands
    recent: frozenset[str]
    encoder: Encoder | None

    def __call__(self, text: str) -> tuple[Query, float]:
        """The query and the milliseconds it took, not counting the encoder's."""
        started = time.perf_counter()
        query = self.understands.understand(Query(text=text, recent=self.recent))
        paused = time.perf_counter()
        vector = None
        words = query.encoded or query.corrected
        if self.encoder is not None and words:
            vector = self.encoder.encode([words])[0]
        resumed = time.perf_counter()
        query = self.understands.refine(query, vector)
        return query, (paused - started + time.perf_counter() - resumed) * 1000


@asynccontextmanager
async def open_understander(settings: Settings) -> AsyncIterator[Understander]:
    """Opens the index in `settings.data`; without its encoder, words alone are understood.

    Raises:
        IndexMissing, IndexCorrupt: there is nothing (sound) to learn from.
    """
    search = await open_search(settings)
    try:
        view = await search.engine.view()
        encoder = None
        if view.encoder is not None:
            with suppress(EncoderUnavailable):
                encoder = open_encoder(settings.data, view.encoder)
        understandings = search.systems["hybrid"].understandings
        yield Understander(understandings.of(view), understandings.recent(view), encoder)
    finally:
        await search.close()
