"""A cluster of three loses nodes under load, its leader among them: searches and changes go on."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from search import fallbacks
from search.encoder import OnnxEncoder
from tests.engines.fixtures import StartCluster
from tests.engines.search_server import SearchServer
from tests.failing.load import Load, Told
from tests.failing.shop import DEADLINE, SLACK, ask, index, running, settings

COPIES = {"shards": 3, "replicas": 1, "change_seconds": 15}


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_nodes_are_killed_and_nothing_fails(
    elasticsearch_cluster: StartCluster, encoder: OnnxEncoder, tmp_path: Path
) -> None:
    cluster = elasticsearch_cluster(3)  # here: it ends with the thread that starts it
    chosen = settings("elasticsearch", ",".join(cluster.urls), tmp_path / "data", server=COPIES)
    await asyncio.to_thread(index, chosen, encoder)
    await asyncio.to_thread(cluster.nodes[0].wait_for, "green")
    async with running(chosen) as shop, Load(shop.client) as load:
        leader = await asyncio.to_thread(cluster.leader)
        follower, last = (node for node in cluster.nodes if node is not leader)
        for node in (follower, leader):
            since, before = time.monotonic(), len(load.taken)
            await asyncio.to_thread(node.kill)
            await asyncio.to_thread(cluster.wait_for_nodes, 2)
            await load.whole_again(20)
            await load.until(lambda: len(load.taken) >= before + 3, 30)  # noqa: B023
            told = Told([each for each in load.answers if each.at - each.seconds > since])
            assert told.refusals == []
            assert told.empty == 0
            assert told.quantile(0.99) <= DEADLINE * SLACK
            assert set(load.refused) <= {503}
            assert await load.lost() == []
            if node is follower:
                await asyncio.to_thread(node.start)
                await asyncio.to_thread(last.wait_for, "green")
        assert (await asyncio.to_thread(cluster.leader)) is not leader
        await asyncio.to_thread(_one_copy, last, follower)
        load.answers.clear()
        await asyncio.to_thread(follower.kill)
        # A part is gone with it: that is said.
        await load.until(lambda: fallbacks.PART in Told(load.answers).fallbacks, 30)
        assert Told(load.answers).refusals == []
    cluster.kill()


def _one_copy(node: SearchServer, other: SearchServer) -> None:
    """Leaves the index one copy of each shard, of which the other node holds one at least."""
    ask(node.url, "PUT", "/failing-*/_settings", {"index.number_of_replicas": 0})
    shards = ask(node.url, "GET", "/_cat/shards/failing-*?format=json")
    if all(shard["node"] == node.name for shard in shards):
        one = {"index": shards[0]["index"], "shard": 0}
        move = {**one, "from_node": node.name, "to_node": other.name}
        ask(node.url, "POST", "/_cluster/reroute", {"commands": [{"move": move}]})
    ask(node.url, "GET", "/_cluster/health?wait_for_no_relocating_shards=true&timeout=20s")
