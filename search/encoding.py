"""The vector of a query, what of it is encoded, and what is said when there is none."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable

from search.errors import EncoderUnavailable
from search.resilience import Guard
from search.seams import Encoder, View
from search.trace import Trace
from search.types import Query, Vector


async def query_vector(
    view: View,
    query: Query,
    encoders: Callable[[str | None], Encoder],
    guard: Guard | None,
    seconds: float,
    trace: Trace,
) -> Vector | None:
    """A query's vector by the view's encoder, behind its guard; None for a query without words, or
    when there is no encoder.

    Raises:
        TimeoutError: there is none after so many seconds.
    """
    if not query.terms:
        return None
    start = time.perf_counter()
    text = encoded_text(query)
    try:
        async with asking(guard, seconds):
            encoded: Vector = await asyncio.to_thread(
                lambda: encoders(view.encoder).encode([text])[0]
            )
    except EncoderUnavailable:
        trace.note("no encoder: words only")
        return None
    trace.since("encode", start)
    return encoded


def encoded_text(query: Query) -> str:
    """The text of an understood query that is encoded."""
    return query.encoded or query.corrected or query.normalized or query.text


@contextlib.asynccontextmanager
async def asking(guard: Guard | None, seconds: float) -> AsyncIterator[None]:
    """Around what is asked of an encoder, behind its guard.

    Raises:
        AisleError: the guard refuses.
        TimeoutError: it takes longer.
    """
    async with guard.asking() if guard else contextlib.nullcontext():
        async with asyncio.timeout(seconds):
            yield


def vector_of(encoding: asyncio.Future[Vector | None]) -> Vector | None:
    """The vector, if it came in time."""
    if not encoding.done() or encoding.cancelled() or encoding.exception() is not None:
        return None
    return encoding.result()


def seen(encoding: asyncio.Future[Vector | None]) -> None:
    """What went wrong is known, even when words alone refused the request and nobody asked."""
    if not encoding.cancelled():
        encoding.exception()
