"""A server's disk is full, and nothing can be written any more: searches go on by meaning, changes
are refused with the remedy, and all goes on by itself once there is room."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from search import fallbacks
from search.encoder import OnnxEncoder
from tests.contracts.engines import EVERY
from tests.engines.elasticsearch import Elasticsearch, require_elasticsearch
from tests.engines.opensearch import OpenSearch, require_opensearch
from tests.engines.packages import require
from tests.engines.processes import temporary
from tests.engines.search_server import Cluster, SearchServer
from tests.engines.small_disk import NOTICED_SOON, SmallDisk, small_disk
from tests.failing.load import Load, Told
from tests.failing.shop import DEADLINE, SLACK, index, running, settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
REMEDY = "look whether a disk is full"


@dataclass(frozen=True)
class Small:
    """A server that keeps its data on a disk of its own."""

    engine: str
    url: str
    disk: SmallDisk


@pytest.fixture(params=EVERY[1:])
def small(request: pytest.FixtureRequest) -> Iterator[Small]:
    """One alone."""
    with ExitStack() as ends:
        folder = ends.enter_context(temporary("small")) / "node"
        server: SearchServer
        if request.param == "opensearch":
            server = OpenSearch(folder, require_opensearch(), NOTICED_SOON)
        else:
            server = Elasticsearch(folder, require_elasticsearch(), NOTICED_SOON)
        disk = mounted(ends, server)
        ends.callback(server.kill)
        server.start()
        yield Small(request.param, server.url, disk)


@pytest.fixture
def small_follower() -> Iterator[Small]:
    """One whose leader is another, with room: it counts how often a shard fails, and gives up."""
    home = require_opensearch()
    with ExitStack() as ends:
        folder = ends.enter_context(temporary("small"))
        cluster = Cluster(lambda place, known: OpenSearch(place, home, known), folder, 2)
        for node, role in zip(cluster.nodes, ("cluster_manager", "data"), strict=True):
            node.settings |= {"node.roles": role, node.seeds: cluster.nodes[0].name}
        disk = mounted(ends, cluster.nodes[1])
        ends.callback(cluster.kill)
        cluster.start()
        yield Small("opensearch", cluster.nodes[0].url, disk)


def mounted(ends: ExitStack, server: SearchServer) -> SmallDisk:
    """Its disk; left out where there can be none."""
    try:
        return ends.enter_context(small_disk(server.folder / "data", "32m"))
    except PermissionError as error:
        require("mount", str(error), "run the tests as root, where mounting is permitted")
        raise


async def test_a_full_disk_is_said_survived_and_forgotten(
    small: Small, encoder: OnnxEncoder, tmp_path: Path
) -> None:
    await survived(small, encoder, tmp_path / "data")


@pytest.mark.opensearch
async def test_shards_that_the_server_gave_up_are_opened_again(
    small_follower: Small, encoder: OnnxEncoder, tmp_path: Path
) -> None:
    await survived(small_follower, encoder, tmp_path / "data")


async def survived(small: Small, encoder: OnnxEncoder, data: Path) -> None:
    """Fills the disk under load, and frees it."""
    engine, disk = small.engine, small.disk
    chosen = settings(engine, small.url, data, server={"change_seconds": 5.0})
    index(chosen, encoder)
    async with running(chosen) as shop, Load(shop.client) as load:
        await load.until(lambda: bool(load.taken), 60)
        await asyncio.to_thread(disk.fill)
        since, before = time.monotonic(), len(load.taken)
        load.refused.clear()
        await load.until(lambda: any(REMEDY in told for told in load.why.values()), 60)
        assert set(await shop.away()) == {engine, f"{engine} changes"}
        assert load.refused.keys() == {503}
        assert len(load.taken) <= before + 1  # which was on its way
        await asyncio.to_thread(disk.free)
        told = Told([each for each in load.answers if each.at - each.seconds > since])
        assert told.refusals == []
        assert told.empty == 0
        assert told.quantile(0.99) <= DEADLINE * SLACK
        assert fallbacks.WORDS in told.fallbacks
        await load.whole_again(60)
        before = len(load.taken)
        await load.until(lambda: len(load.taken) >= before + 2, 60)
        assert await load.lost() == []
        for name in load.why:
            answer = await shop.client.get(f"/v1/search?q={name}")
            assert name not in [hit["id"] for hit in answer.json()["hits"]]
