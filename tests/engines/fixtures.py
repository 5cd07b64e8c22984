"""Real servers as fixtures. `elasticsearch` and `opensearch` are shared by all test processes, and
nobody harms them; who pauses, kills or fills a server takes one `..._alone`, or a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol, TypeVar

import pytest

from tests.engines.certificates import certificate
from tests.engines.elasticsearch import Elasticsearch, SecureElasticsearch, require_elasticsearch
from tests.engines.kafka import KafkaBroker, require_kafka
from tests.engines.nginx import Nginx, require_nginx
from tests.engines.opensearch import OpenSearch, require_opensearch
from tests.engines.processes import Server, temporary
from tests.engines.proxy import DelayingProxy
from tests.engines.redis import RedisServer, require_redis
from tests.engines.s3 import S3Server
from tests.engines.search_server import Cluster, MakeNode
from tests.engines.shared import Shared, shared

MARKED = {
    f"{kind}{which}": kind
    for kind in ("elasticsearch", "opensearch", "kafka")
    for which in ("", "_alone", "_secure", "_cluster")
}
StartNginx = Callable[[str], Nginx]
StartProxy = Callable[[int], DelayingProxy]
One = TypeVar("One", bound=Server)


class StartCluster(Protocol):
    """Starts so many nodes; `kill` them as soon as they are done with: each takes 300 MB."""

    def __call__(self, count: int = 3, settings: Mapping[str, str] | None = None) -> Cluster: ...


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Who uses a server's fixture has its marker. One asked for by name only, in parameters, has
    to be marked there."""
    for item in items:
        for name in set(getattr(item, "fixturenames", ())) & set(MARKED):
            item.add_marker(MARKED[name])


@pytest.fixture(scope="session")
def elasticsearch() -> Iterator[Shared]:
    """An Elasticsearch that others use too: names of indexes begin with its `prefix`."""
    require_elasticsearch()
    with shared("elasticsearch") as server:
        yield server


@pytest.fixture(scope="session")
def opensearch() -> Iterator[Shared]:
    """An OpenSearch that others use too: names of indexes begin with its `prefix`."""
    require_opensearch()
    with shared("opensearch") as server:
        yield server


@pytest.fixture(scope="session")
def elasticsearch_alone() -> Iterator[Elasticsearch]:
    """An Elasticsearch of this process's tests, to pause and to kill; who does brings it back."""
    home = require_elasticsearch()
    yield from _running(lambda folder: Elasticsearch(folder, home))


@pytest.fixture(scope="session")
def elasticsearch_secure() -> Iterator[SecureElasticsearch]:
    """An Elasticsearch of this process's tests, with TLS and a password."""
    home = require_elasticsearch()
    yield from _running(lambda folder: SecureElasticsearch(folder, home, *certificate(folder)))


@pytest.fixture(scope="session")
def opensearch_alone() -> Iterator[OpenSearch]:
    """An OpenSearch of this process's tests, to pause and to kill; who does brings it back."""
    home = require_opensearch()
    yield from _running(lambda folder: OpenSearch(folder, home))


@pytest.fixture(scope="session")
def elasticsearch_cluster() -> Iterator[StartCluster]:
    """Starts nodes of Elasticsearch that are one cluster."""
    home = require_elasticsearch()
    yield from _clusters(lambda folder, settings: Elasticsearch(folder, home, settings))


@pytest.fixture(scope="session")
def opensearch_cluster() -> Iterator[StartCluster]:
    """Starts nodes of OpenSearch that are one cluster."""
    home = require_opensearch()
    yield from _clusters(lambda folder, settings: OpenSearch(folder, home, settings))


@pytest.fixture(scope="session")
def kafka() -> Iterator[KafkaBroker]:
    """A broker of this process's tests; who kills or pauses it brings it back."""
    jars = require_kafka()
    yield from _running(lambda folder: KafkaBroker(folder, jars))


@pytest.fixture(scope="session")
def redis() -> Iterator[RedisServer]:
    """A Redis server of this process's tests."""
    require_redis()
    yield from _running(RedisServer)


@pytest.fixture(scope="session")
def nginx() -> Iterator[StartNginx]:
    """Starts nginx with what stands in its `http` block, or with a whole file."""
    require_nginx()
    with ExitStack() as ends:

        def start(config: str) -> Nginx:
            server = Nginx(ends.enter_context(temporary("nginx")), config)
            ends.callback(server.kill)
            server.start()
            return server

        yield start


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """An S3-compatible server of this process's tests."""
    yield from _running(S3Server)


@pytest.fixture
def proxy() -> Iterator[StartProxy]:
    """Puts a proxy before a port."""
    with ExitStack() as ends:
        yield lambda port: ends.enter_context(DelayingProxy(port))


def _running(make: Callable[[Path], One]) -> Iterator[One]:
    with temporary("server") as folder:
        server = make(folder)
        try:
            server.start()
            yield server
        finally:
            server.kill()


def _clusters(make: MakeNode) -> Iterator[StartCluster]:
    with ExitStack() as ends:

        def start(count: int = 3, settings: Mapping[str, str] | None = None) -> Cluster:
            cluster = Cluster(make, ends.enter_context(temporary("cluster")), count, settings)
            ends.callback(cluster.kill)
            cluster.start()
            return cluster

        yield start
