"""A server's disk is full, and nothing can be written any more: searches go on by meaning, changes
are refused with the remedy, and all goes on by itself once there is room."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from search import fallbacks
from search.encoder import OnnxEncoder
from tests.contracts.engines import EVERY
from tests.engines.elasticsearch import Elasticsearch, require_elasticsearch
from tests.engines.opensearch import OpenSearch, require_opensearch
from tests.engines.packages import require
from tests.engines.processes import temporary
from tests.engines.search_server import SearchServer
from tests.engines.small_disk import NOTICED_SOON, SmallDisk, small_disk
from tests.failing.load import Load, Told
from tests.failing.shop import DEADLINE, SLACK, index, running, settings

REMEDY = "look whether a disk is full"


@pytest.fixture(params=EVERY[1:])
def small(request: pytest.FixtureRequest) -> Iterator[tuple[SearchServer, SmallDisk]]:
    """A server with a disk of its own."""
    with ExitStack() as ends:
        folder = ends.enter_context(temporary("small")) / "node"
        server: SearchServer
        if request.param == "opensearch":
            server = OpenSearch(folder, require_opensearch(), NOTICED_SOON)
        else:
            server = Elasticsearch(folder, require_elasticsearch(), NOTICED_SOON)
        try:
            disk = ends.enter_context(small_disk(folder / "data", "32m"))
        except PermissionError as error:
            require("mount", str(error), "run the tests as root, where mounting is permitted")
            raise
        ends.callback(server.kill)
        server.start()
        yield server, disk


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_full_disk_is_said_survived_and_forgotten(
    small: tuple[SearchServer, SmallDisk], encoder: OnnxEncoder, tmp_path: Path
) -> None:
    server, disk = small
    engine = type(server).__name__.lower()
    chosen = settings(engine, server.url, tmp_path / "data", server={"change_seconds": 5.0})
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
