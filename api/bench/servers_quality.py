"""nDCG@10 of Aisle and of servers' own hybrids on a judged catalogue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp

from api.bench.servers_index import adopt, products, settings_of, snapshot_of, vectors_of
from api.bench.servers_own import TOP, OwnIndex
from api.evaluation import IndexSearcher
from eval import Judgments, evaluate, evaluate_systems, load_judgments
from indexer.progress import Progress
from search.build import open_search
from search.encoder import open_encoder
from search.engines.local.layout import read_current
from search.engines.server.naming import index_name
from search.settings import Settings

PRODUCTS = {"elasticsearch": "Elasticsearch", "opensearch": "OpenSearch"}
METRIC = "ndcg@10"
_DEPTH, _SYSTEM = 10, "hybrid"


@dataclass(frozen=True, slots=True)
class Judged:
    """A judged catalogue: the data directory of an embedded index of it, its judgments, room for
    more indexes, and where servers are by engine."""

    data: Path
    judgments: Path
    directory: Path
    servers: dict[str, str]


async def run_quality(
    judged: Judged, say: Callable[[str], None], progress: Progress
) -> dict[str, float]:
    """nDCG@10 by system.

    Raises:
        AisleError: an index cannot be used, or a server does not answer.
    """
    judgments = load_judgments(judged.judgments)
    found = {"Aisle embedded": await _aisle(Settings(data=judged.data), judgments)}
    for engine, url in judged.servers.items():
        name = PRODUCTS[engine]
        say(f"{METRIC} with {name} ...")
        settings = settings_of(judged.directory / f"{engine}-judged", engine, url, "judged")
        adopt(judged.data, settings, progress)
        found[f"Aisle on {name}"] = await _aisle(settings, judgments)
        async with aiohttp.ClientSession() as session:
            there = OwnIndex(session, url.rstrip("/"), "aisle-bench-own-judged", name)
            found[f"{name}'s own hybrid"] = await _own(there, judged.data, judgments, progress)
            index = index_name(settings.server.prefix, read_current(judged.data))
            await there.request("DELETE", f"/{index}")
    return found


async def _aisle(settings: Settings, judgments: Judgments) -> float:
    search = await open_search(settings)
    try:
        report = await evaluate_systems(
            IndexSearcher(search), judgments, (_SYSTEM,), metrics=(METRIC,), depth=_DEPTH
        )
    finally:
        await search.close()
    return report.systems[_SYSTEM].scores[METRIC].mean


async def _own(there: OwnIndex, data: Path, judgments: Judgments, progress: Progress) -> float:
    vectors, name = vectors_of(snapshot_of(data))
    encoder = open_encoder(data, name, 1)
    await there.make(products(snapshot_of(data)), vectors, progress)
    asked, run = replace(TOP, size=_DEPTH), {}
    for query in judgments.relevant_queries():
        hits = await there.search(query, encoder.encode([query])[0], asked)
        run[query] = [hit["_source"]["id"] for hit in hits]
    await there.request("DELETE", f"/{there.name}")
    return (
        evaluate(judgments, {_SYSTEM: run}, metrics=(METRIC,)).systems[_SYSTEM].scores[METRIC].mean
    )
