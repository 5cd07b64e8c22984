"""What Aisle is compared with on servers: their own hybrid search, as a shop would set it up."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from api.bench.processes import side_by_side
from api.bench.servers_index import adopt, products, settings_of, snapshot_of
from api.bench.servers_own import MANY, TOP, WHOLE, OwnIndex
from api.bench.servers_tables import servers_tables
from search.engines import ENGINES
from search.engines.local.manifest import verify
from search.settings import Settings
from tests.contracts.engines import MARKS
from tests.engines.shared import Shared
from tests.search.engines import shops

COUNT = 40
NAMES = {"elasticsearch": "Elasticsearch", "opensearch": "OpenSearch"}
SERVERS = [pytest.param(name, marks=mark) for name, mark in MARKS.items()]


@pytest.mark.parametrize("engine", SERVERS)
async def test_servers_merge_words_and_meaning_themselves(
    engine: str, request: pytest.FixtureRequest
) -> None:
    server: Shared = request.getfixturevalue(engine)
    rng, vectors = random.Random(2), shops.unit_vectors(COUNT, 16)
    shop = [shops.random_product(rng, f"p{number}") for number in range(COUNT)]
    shop[7] = replace(shop[7], title="A singular samovar")
    async with aiohttp.ClientSession() as session:
        index = OwnIndex(session, server.url, f"{server.prefix}own", NAMES[engine])
        await index.make(shop, vectors, lambda *_: None)
        assert await index.count() == COUNT
        hits = await index.search("samovar", vectors[7], TOP)
        assert hits[0]["_source"]["id"] == "p7"
        assert "vector" not in hits[0]["_source"]
        assert len(hits) == TOP.size
        many = await index.search("samovar", vectors[7], MANY)
        assert many[0]["fields"]["ord"] == [7]
        assert len({each["fields"]["ord"][0] for each in many}) == len(many) == COUNT
        whole = await index.search("samovar", vectors[7], WHOLE)
        assert sorted(each["_source"]["id"] for each in whole) == sorted(p.id for p in shop)


@pytest.mark.parametrize("engine", SERVERS)
async def test_a_snapshot_is_served_with_its_words_on_a_server(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    server: Shared = request.getfixturevalue(engine)
    rng, own = random.Random(2), tmp_path / "own"
    shop = [shops.random_product(rng, f"p{number}") for number in range(COUNT)]
    shops.build(own, shop)
    settings = settings_of(tmp_path / "there", engine, server.url, server.prefix)
    assert adopt(own, settings, lambda *_: None) > 0
    verify(snapshot_of(settings.data).root, full=True)
    assert [each.id for each in products(snapshot_of(settings.data))] == [p.id for p in shop]
    opened = ENGINES[engine](settings)
    beside = ENGINES["embedded"](Settings(data=own))
    query = shops.understood("red kettle")
    found = [await (await each.view()).words(query, (), 20) for each in (opened, beside)]
    assert found[0].ranking.ordinals.tolist() == found[1].ranking.ordinals.tolist()
    for each in (opened, beside):
        await each.close()
    index = f"{settings.server.prefix}*"
    async with aiohttp.ClientSession() as session:
        await session.delete(f"{server.url}/{index}")


@pytest.mark.slow
def test_processes_share_the_clients(tmp_path: Path) -> None:
    rng = random.Random(2)
    shops.build(tmp_path, [shops.random_product(rng, f"p{number}") for number in range(COUNT)])
    asked = {"engine": "embedded", "data": str(tmp_path), "queries": ["red kettle", "lamp"]}
    found = side_by_side({**asked, "clients": (1, 3), "seconds": 0.3}, 2)
    assert [load["clients"] for load in found["loads"]] == [1, 3]
    for load in found["loads"]:
        assert load["queries_per_second"] > 0
        assert load["latency"]["p50"] > 0 < load["own_ms"]
    assert found["memory"]["rss"] > 50_000_000


def test_the_tables_tell_systems_apart() -> None:
    spent = {"p50": 8.0, "p95": 10.0, "p99": 12.5, "mean": 8.2}
    load = {"clients": 8, "queries_per_second": 120.4, "latency": spent}
    load |= {"own_ms": 1.25, "server_ms": None}
    parts = dict.fromkeys(("all", "words", "rest"), spent)
    aisle = {"system": "Aisle embedded", "loads": [load], "first": parts, "again": parts}
    own = {"system": "Elasticsearch's words + kNN", "server": 711_000_000}
    own["loads"] = [load | {"server_ms": 7.5}]
    found = servers_tables(
        {
            "products": 100_000,
            "queries": 500,
            "load": 1.5,
            "rows": [aisle | {"memory": {"rss": 500_000_000}}, own],
            "built": {"Aisle embedded": 118.6},
            "ndcg@10": {"Aisle embedded": 0.61234},
        }
    )
    assert "| Aisle embedded | 120 (8.0 / 12.5) | 1.2 | 500 |" in found
    assert "| Elasticsearch's words + kNN | 120 (8.0 / 12.5) | 1.2 + 7.5 | 711 |" in found
    assert "| Aisle embedded | 0.6123 |" in found
