"""Servers that do not hold what a snapshot needs, are not the ones that are meant, or cannot take
all at once."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from search.engines import ENGINES
from search.engines.local.layout import read_current
from search.engines.server.blocking import BlockingServer
from search.engines.server.mapping import mapping
from search.errors import AisleError, BadInput
from search.settings import EngineServerSettings, Settings
from tests.engines.elasticsearch import PASSWORD, USER, SecureElasticsearch
from tests.engines.opensearch import OpenSearch, require_opensearch
from tests.engines.processes import temporary
from tests.indexer.reindexing.conftest import OnServer
from tests.indexer.reindexing.shop import ids, lamps, reindexed, shown, write_catalogue
from tests.indexer.shop import shop_settings

pytestmark = pytest.mark.slow
SHOP = lamps(30)


def refusal(settings: Settings) -> str:
    """Why a server that starts with these settings does not serve."""

    async def opened() -> str:
        engine = ENGINES[settings.engine](settings)
        try:
            with pytest.raises(AisleError) as caught:
                await engine.view()
            return str(caught.value)
        finally:
            await engine.close()

    return asyncio.run(opened())


@pytest.mark.parametrize("kind", ["elasticsearch", "opensearch"])
def test_an_index_that_is_not_the_snapshots_is_refused_and_made_anew(
    kind: str, fast_path: Path, on_server: OnServer, tmp_path: Path
) -> None:
    settings = on_server(kind, fast_path)
    version = reindexed(settings, write_catalogue(tmp_path / "shop.jsonl", SHOP)).version
    index = f"/{settings.server.prefix}-{version.lower()}"

    def made(**changed: Any) -> dict[str, Any]:
        return {"aisle": {**mapping(version, {}, complete=True)["_meta"]["aisle"], **changed}}

    with BlockingServer(settings) as server:
        for meta, said in (
            (made(version="20200101T000000-0000"), "made with snapshot 20200101T000000-0000"),
            (made(format=0), "has format 0"),
            (made(complete=False), "was never completed"),
            ({}, "was not made by Aisle"),
        ):
            server.request("PUT", f"{index}/_mapping", {"_meta": meta})
            assert said in refusal(settings)
        server.request("DELETE", index)
        assert "has no index" in refusal(settings)
        fields = {"price": {"type": "keyword"}}
        body = {"mappings": {"_meta": made(), "properties": fields}}
        server.request("PUT", index, body)
        assert "another program or an index template altered it" in refusal(settings)
    # What is here is enough to make it anew.
    reindexed(settings)
    assert shown(settings, "lamp") == ids(SHOP)


def test_who_is_not_let_in_is_told_before_anything_is_read(
    fast_path: Path, tmp_path: Path, elasticsearch_secure: SecureElasticsearch
) -> None:
    file = write_catalogue(tmp_path / "shop.jsonl", SHOP)
    right = {
        "url": elasticsearch_secure.url,
        "prefix": "reindexing",
        "username": USER,
        "password": PASSWORD,
        "ca_file": elasticsearch_secure.certificate,
        "timeout_seconds": 30,
    }

    def settings(**wrong: object) -> Settings:
        server = EngineServerSettings.model_validate({**right, **wrong})
        base = shop_settings(fast_path)
        return base.model_copy(update={"engine": "elasticsearch", "server": server})

    # First who may: the server takes a moment to forget a wrong password of the same user.
    reindexed(settings(), file)
    served = reindexed(settings()).version
    assert shown(settings(), "lamp") == ids(SHOP)
    with pytest.raises(BadInput, match=r"certificate is not trusted .*set \[server\] ca_file"):
        reindexed(settings(ca_file=None), file)
    with pytest.raises(BadInput, match=r"does not let Aisle in .*password_file") as caught:
        reindexed(settings(password="wrong-secret"), file)
    assert "wrong-secret" not in str(caught.value)
    assert "does not let Aisle in" in refusal(settings(password="wrong-secret"))
    assert read_current(fast_path) == served
    assert not list((fast_path / "building").iterdir())


class _Other(BaseHTTPRequestHandler):
    """Answers as a server of a version that is not known yet."""

    def do_GET(self) -> None:
        body = json.dumps({"version": {"number": "99.1.0"}}).encode()
        self.send_response(200)
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def other_version() -> Iterator[str]:
    """The address of a server of another version."""
    with HTTPServer(("127.0.0.1", 0), _Other) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.elasticsearch
def test_a_server_of_another_version_is_refused(
    fast_path: Path, on_server: OnServer, tmp_path: Path, other_version: str
) -> None:
    settings = on_server("elasticsearch", fast_path)
    server = settings.server.model_copy(update={"url": other_version})
    file = write_catalogue(tmp_path / "shop.jsonl", SHOP)
    with pytest.raises(BadInput, match=r"99\.1\.0; Aisle works with Elasticsearch 8"):
        reindexed(settings.model_copy(update={"server": server}), file)


@pytest.fixture
def narrow_opensearch() -> Iterator[OpenSearch]:
    """One that takes hardly more than one request at once, and rejects the others."""
    home = require_opensearch()
    narrow = {"node.processors": "1", "thread_pool.write.queue_size": "1"}
    with temporary("narrow") as folder:
        server = OpenSearch(folder / "node", home, narrow)
        try:
            server.start()
            yield server
        finally:
            server.kill()


@pytest.mark.opensearch
def test_what_a_server_rejects_is_sent_again(
    fast_path: Path, on_server: OnServer, tmp_path: Path, narrow_opensearch: OpenSearch
) -> None:
    settings = on_server("opensearch", fast_path)
    server = settings.server.model_copy(
        update={"url": narrow_opensearch.url, "bulk_connections": 16}
    )
    settings = settings.model_copy(update={"server": server})
    many = lamps(400)
    report = reindexed(settings, write_catalogue(tmp_path / "shop.jsonl", many), vectors=False)
    assert report.products == 400
    pools = narrow_opensearch.get("/_nodes/stats/thread_pool")["nodes"].values()
    assert sum(node["thread_pool"]["write"]["rejected"] for node in pools) > 0
    assert shown(settings, "lamp") == ids(many)
