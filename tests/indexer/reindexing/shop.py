"""A catalogue in a file, indexes of it on any engine, and what they show."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path

import orjson

from indexer.catalogue import open_catalogue
from indexer.catalogue_encoder import CachedCatalogueEncoder
from indexer.progress import Progress
from indexer.reindexing import Reindexed, reindex
from indexer.reindexing.trial import Trial
from query.normalize import normalize_query
from search.engines import ENGINES
from search.engines.server.blocking import BlockingServer
from search.engines.server.naming import index_name, is_own
from search.settings import Settings
from search.types import Product, Query
from tests.indexer.shop import WordHashEncoder

_EVERYTHING = 10_000


def lamps(count: int, word: str = "lamp") -> list[Product]:
    """Products whose titles all have a word that no other catalogue has."""
    return [Product(f"p{i}", f"{word} number {i}", brand=word.title()) for i in range(count)]


def write_catalogue(path: Path, products: Iterable[Product]) -> Path:
    """A file that `aisle index` reads."""
    rows = ({"id": p.id, "title": p.title, "brand": p.brand} for p in products)
    path.write_bytes(b"\n".join(map(orjson.dumps, rows)) + b"\n")
    return path


def reindexed(
    settings: Settings,
    file: Path | None = None,
    *,
    progress: Progress | None = None,
    encoder: WordHashEncoder | None = None,
    try_out: Trial | None = None,
    keep: int | None = None,
    vectors: bool = True,
) -> Reindexed:
    """Reindexes a file, or what is there."""
    words = encoder or WordHashEncoder()
    cached = CachedCatalogueEncoder(words, settings.data / "cache") if vectors else None
    if file is None:
        return reindex(settings, progress=progress, encoder=cached, try_out=try_out, keep=keep)
    rejects = settings.data / "rejects" / "reading.jsonl"
    opened = open_catalogue([file], preset="aisle", mapping_file=None, rejects_path=rejects)
    with opened as catalogue:
        return reindex(
            settings, catalogue, progress=progress, encoder=cached, try_out=try_out, keep=keep
        )


def shown(settings: Settings, word: str | None = None) -> list[str]:
    """The ids of all products that are served, in their order: from the columns here, or those
    that the engine finds by a word."""
    return asyncio.run(_shown(settings, word))


async def _shown(settings: Settings, word: str | None) -> list[str]:
    engine = ENGINES[settings.engine](settings)
    try:
        view = await engine.view()
        query = Query("") if word is None else normalize_query(Query(word))
        found = await view.sorted_words(query, (), "newest", _EVERYTHING)
        ids = [product.id for product in await view.products(found.ranking.ordinals)]
        assert len(ids) == len(set(ids)), "a product was found twice"
        assert word is not None or len(ids) == view.count
        return sorted(ids)
    finally:
        await engine.close()


def ids(products: Iterable[Product]) -> list[str]:
    """As `shown` gives them."""
    return sorted(product.id for product in products)


def own_indices(settings: Settings) -> list[str]:
    """The names of the shop's indices on its server; none without one."""
    if settings.engine == "embedded":
        return []
    prefix = settings.server.prefix
    with BlockingServer(settings) as server:
        found = server.request("GET", f"/{prefix}*/_settings", params={"filter_path": "*.*.*.uuid"})
    return sorted(name for name in found if is_own(prefix, name))


def deleted(settings: Settings, version: str) -> int:
    """The documents of a snapshot's index that are deleted and still counted among its words."""
    index = index_name(settings.server.prefix, version)
    with BlockingServer(settings) as server:
        found = server.request("GET", f"/{index}/_stats/docs")
    count: int = found["_all"]["primaries"]["docs"]["deleted"]
    return count


def alias_of(settings: Settings) -> list[str]:
    """The indices that the alias names."""
    with BlockingServer(settings) as server:
        named = f"*.aliases.{settings.server.prefix}"
        return sorted(server.request("GET", "/_alias", params={"filter_path": named}))


def expected_indices(settings: Settings, versions: Sequence[str]) -> list[str]:
    """What `own_indices` gives when it holds exactly those of these snapshots."""
    if settings.engine == "embedded":
        return []
    return sorted(f"{settings.server.prefix}-{version.lower()}" for version in versions)
