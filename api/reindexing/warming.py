"""Searches sent to a snapshot before shoppers come: what it and its server keep in memory is there
then, and one that finds nothing is found out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from api.settings import load_settings
from indexer.encoding import sample_queries
from indexer.progress import Progress
from indexer.query_log import read_query_log
from indexer.reindexing import Refused
from indexer.understanding import query_log
from search.build import Search, open_search
from search.seams import View
from search.settings import Settings
from search.types import SearchRequest

_AT_ONCE = 4


def warm_up(root: Path, count: int, progress: Progress) -> dict[str, Any]:
    """Sends `count` searches, of the query log and else of titles, to the snapshot that the data
    directory `root` serves.

    Raises:
        Refused: words of its own titles find nothing.
        AisleError: a search fails.
    """
    if count == 0:
        return {"warm_up": 0}
    return asyncio.run(_warm_up(load_settings(root), count, progress))


async def _warm_up(settings: Settings, count: int, progress: Progress) -> dict[str, Any]:
    search = await open_search(settings)
    try:
        view = await search.engine.view()
        titles = await _titles(view, count)
        queries = [*islice(_logged(settings), count), *titles][:count]
        found = await _send(search, queries, progress)
        if titles and not any(found):
            raise Refused(
                f"none of {len(queries)} searches finds anything in the new snapshot: look at "
                "the catalogue and the settings; what was serving goes on"
            )
        return {"warm_up": len(queries)}
    finally:
        await search.close()


def _logged(settings: Settings) -> Sequence[str]:
    """The most frequent queries first."""
    rows = read_query_log(query_log(settings))
    return [row.text for row in sorted(rows, key=lambda row: -row.count)]


async def _titles(view: View, count: int) -> list[str]:
    rows = np.linspace(0, view.count, min(count, view.count), endpoint=False).astype(np.int32)
    products = await view.products(rows)
    return list(sample_queries((product.title for product in products), count))


async def _send(search: Search, queries: Sequence[str], progress: Progress) -> list[int]:
    """How many products each finds."""
    totals: list[int] = []
    for start in range(0, len(queries), _AT_ONCE):
        progress("warm-up", start, len(queries))
        asked = [SearchRequest(text) for text in queries[start : start + _AT_ONCE]]
        answers = await asyncio.gather(*(search.search(request) for request in asked))
        totals += [answer.total for answer in answers]
    progress("warm-up", len(queries), len(queries))
    return totals
