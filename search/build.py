"""The assembler: settings become pipelines. The only module that knows every part of the online
path."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from query.registry import REFINERS, REWRITERS
from query.text import words
from query.understanding import Understanding
from search.encoder import open_encoder
from search.encoders import Encoders
from search.engines import ENGINES
from search.errors import BadInput, EncoderUnavailable
from search.fusion import FUSIONS
from search.pipeline import Pipeline
from search.retrieval import Retrieval
from search.seams import Engine
from search.settings import Settings
from search.types import SearchRequest, SearchResponse
from search.understandings import Understandings

SYSTEMS: Mapping[str, frozenset[str]] = {
    "hybrid": frozenset({"words", "meaning"}),
    "bm25": frozenset({"words"}),
    "dense": frozenset({"meaning"}),
}
"""Pipeline variants by name, and the retrievers each asks."""
RAW = "-raw"
"""Ends the name of a system that searches what was typed, only normalized (`hybrid-raw`)."""


@dataclass(frozen=True, slots=True)
class Search:
    """A running search: every system over one engine."""

    engine: Engine
    systems: Mapping[str, Pipeline]
    settings: Settings

    async def search(self, request: SearchRequest) -> SearchResponse:
        """Answers with the system the request names.

        Raises:
            BadInput: no such system, or the request cannot be answered as asked.
        """
        if request.system not in self.systems:
            known = ", ".join(sorted(self.systems))
            raise BadInput(f"unknown system {request.system!r}; known are {known}", field="system")
        return await self.systems[request.system].search(request)

    async def similar(self, product_id: str, size: int = 10) -> SearchResponse:
        """Products nearest in meaning to one."""
        return await self.systems["hybrid"].similar(product_id, size)

    async def close(self) -> None:
        """Stops the engine's background work."""
        await self.engine.close()


async def open_search(settings: Settings, *, query_cache: int = 0) -> Search:
    """Opens the index in `settings.data` and assembles every system over it. `query_cache` is the
    number of query vectors kept in memory. Without its encoder an index is searched by words.

    Raises:
        IndexMissing, IndexCorrupt: there is nothing (sound) to serve.
    """
    engine = ENGINES[settings.engine](settings)
    encoders = Encoders(lambda name: open_encoder(settings.data, name), query_cache)
    try:
        view = await engine.view()
        with contextlib.suppress(EncoderUnavailable):
            await asyncio.to_thread(encoders, view.encoder)
    except BaseException:
        await engine.close()
        raise
    settled = settings.understanding
    without = settled.without if settled.enabled else tuple(REWRITERS) + tuple(REFINERS)
    understood = Understandings(partial(Understanding.open, without=without), words)
    raw = Understandings(lambda _: Understanding(), words)
    systems = {
        name + ending: Pipeline(
            name=name + ending,
            engine=engine,
            understandings=understandings,
            retrieval=Retrieval(
                encoders=encoders,
                fusion=FUSIONS[settings.fusion.method](settings.fusion),
                retrievers=retrievers,
                settings=settings,
            ),
            settings=settings,
        )
        for name, retrievers in SYSTEMS.items()
        for ending, understandings in (("", understood), (RAW, raw))
    }
    await asyncio.to_thread(understood.of, view)
    return Search(engine, systems, settings)
