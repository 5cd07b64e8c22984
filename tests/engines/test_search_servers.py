"""The search servers that other tests rely on are what those tests take them for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

from elasticsearch import AsyncElasticsearch
from opensearchpy import AsyncOpenSearch

from tests.engines.elasticsearch import VERSION as ELASTICSEARCH
from tests.engines.opensearch import VERSION as OPENSEARCH
from tests.engines.shared import Shared

INTO = """
import sys, time
from tests.engines.shared import shared
with shared(sys.argv[1]) as server:
    print(server.pid, flush=True)
    time.sleep(float(sys.argv[2]))
"""


async def test_elasticsearch_indexes_and_finds(elasticsearch: Shared) -> None:
    index = elasticsearch.prefix + "words"
    async with AsyncElasticsearch(elasticsearch.url) as client:
        assert (await client.info())["version"]["number"] == ELASTICSEARCH
        await client.index(index=index, document={"title": "red shoes"}, refresh=True)
        found = await client.search(index=index, query={"match": {"title": "shoes"}})
        assert found["hits"]["total"]["value"] == 1


async def test_opensearch_indexes_and_finds(opensearch: Shared) -> None:
    index = opensearch.prefix + "vectors"
    vector = {"type": "knn_vector", "dimension": 2, "method": {"name": "hnsw", "engine": "lucene"}}
    mapping = {"settings": {"index.knn": True}, "mappings": {"properties": {"v": vector}}}
    async with AsyncOpenSearch(opensearch.url) as client:
        assert (await client.info())["version"]["number"] == OPENSEARCH
        await client.indices.create(index=index, body=mapping)
        for name, value in (("near", [1.0, 0.1]), ("far", [0.0, 1.0])):
            await client.index(index=index, id=name, body={"v": value}, refresh=True)
        nearest = {"query": {"knn": {"v": {"vector": [1.0, 0.0], "k": 1}}}}
        hits = (await client.search(index=index, body=nearest))["hits"]["hits"]
        assert [hit["_id"] for hit in hits] == ["near"]


def test_processes_share_a_server_which_outlives_neither(opensearch: Shared) -> None:
    """The second process finds the server of the first; killed, it leaves no lock behind."""
    other = subprocess.Popen(
        [sys.executable, "-c", INTO, "opensearch", "60"],
        cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with other:
        assert other.stdout is not None
        assert int(other.stdout.readline()) == opensearch.pid
        other.kill()
    urlopen(opensearch.url, timeout=10.0).close()
