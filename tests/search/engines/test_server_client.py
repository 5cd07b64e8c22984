"""What it says of a server that it does not answer: nothing, a fault, or a setting to mend."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from search.engines.server.blocking import BlockingServer
from search.engines.server.client import ElasticsearchServer, OpenSearchServer
from search.engines.server.faults import Away, refused
from search.engines.server.loading import LOADED, Item, send
from search.engines.server.view import harmless
from search.errors import AisleError, EngineUnavailable, EngineUnusable, StorageFailed
from search.resilience import stages, until, within
from search.settings import EngineServerSettings
from tests.engines.certificates import certificate
from tests.engines.processes import HOST, free_ports


@pytest.fixture
async def silent() -> AsyncIterator[str]:
    """The address of what takes connections and answers nobody."""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("product", [ElasticsearchServer, OpenSearchServer])
async def test_only_a_wait_worth_the_name_says_something_of_the_server(
    silent: str, product: type[ElasticsearchServer | OpenSearchServer]
) -> None:
    server = product(EngineServerSettings(url=silent, retries=0))
    try:
        with within(0.6), until(stages.CANDIDATES), pytest.raises(Away) as patient:
            await server.request("POST", "/shop/_search", {})
        with within(0.6), until(stages.CANDIDATES):
            await asyncio.sleep(0.3)
            with pytest.raises(Away) as hurried:
                await server.request("POST", "/shop/_search", {})
            await asyncio.sleep(0.1)
            with pytest.raises(Away, match="no time is left") as late:
                await server.request("POST", "/shop/_search", {})
    finally:
        await server.close()
    assert not harmless(patient.value)
    assert harmless(hurried.value)
    assert harmless(late.value)


@pytest.mark.parametrize("product", [ElasticsearchServer, OpenSearchServer])
async def test_a_server_with_which_no_tls_can_be_spoken_is_a_setting_to_mend(
    tmp_path: Path, product: type[ElasticsearchServer | OpenSearchServer]
) -> None:
    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await reader.readline()
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    strange = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    strange.load_cert_chain(*certificate(tmp_path))
    for context, field, told in (
        (strange, "server.ca_file", "certificate is not trusted"),
        (None, "server.url", "write http:// in"),
    ):
        listener = await asyncio.start_server(listen, HOST, 0, ssl=context)
        async with listener:
            port = listener.sockets[0].getsockname()[1]
            server = product(EngineServerSettings(url=f"https://{HOST}:{port}", retries=0))
            with pytest.raises(EngineUnusable, match=told) as caught:
                await server.request("GET", "/")
            await server.close()
        assert caught.value.field == field


@pytest.mark.parametrize("product", [ElasticsearchServer, OpenSearchServer])
async def test_what_could_not_be_sent_is_known_not_to_have_come(
    product: type[ElasticsearchServer | OpenSearchServer],
) -> None:
    server = product(EngineServerSettings(url=f"http://{HOST}:{free_ports(1)[0]}", retries=0))
    with pytest.raises(Away) as caught:
        await server.request("POST", "/shop/_bulk", b"")
    await server.close()
    assert caught.value.unsent
    assert "ssl" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "reason", "expected"),
    [
        ("index_closed_exception", "closed", EngineUnavailable),
        ("cluster_block_exception", "blocked by: [FORBIDDEN/4/index closed];", EngineUnavailable),
        ("cluster_block_exception", "index preparing to close. Reopen", EngineUnavailable),
        ("cluster_block_exception", "blocked by: [FORBIDDEN/5/read-only (api)];", StorageFailed),
    ],
)
def test_a_product_refused_while_its_index_is_closed_may_come_again(
    kind: str, reason: str, expected: type[AisleError]
) -> None:
    error = {"type": kind, "reason": reason}
    answer = {"errors": True, "items": [{"index": {"status": 403, "error": error}}]}
    server = SimpleNamespace(
        request=lambda *_: answer, server=SimpleNamespace(product="Elasticsearch")
    )
    item = Item.of({"ord": 7, "id": "lamp"}, LOADED)
    with pytest.raises(expected):
        send(cast(BlockingServer, server), "shop", [item], patience=0.05)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (500, "refresh_failed_engine_exception"),  # OpenSearch on a full disk: first this,
        (404, "shard_not_found_exception"),  # then that
        (503, "cluster_block_exception"),  # Elasticsearch
    ],
)
def test_what_a_failing_server_did_not_take_may_come_again(status: int, kind: str) -> None:
    cause = {"type": "i_o_exception", "reason": "No space left on device"}
    error = {"type": kind, "reason": "it failed", "caused_by": cause}
    answer = {"errors": True, "items": [{"index": {"status": status, "error": error}}]}
    with pytest.raises(EngineUnavailable, match=r"No space left .*look whether its disk is full"):
        sent_in_vain([answer])


def test_the_last_moment_does_not_hide_why_nothing_was_taken() -> None:
    told = EngineUnavailable("no leader")
    with pytest.raises(EngineUnavailable, match="no leader"):
        sent_in_vain([told, Away("no time is left", hurried=True)])


def sent_in_vain(answers: list[object]) -> None:
    """Sends an item to a server that answers so, the last way again and again."""

    def request(*_: object) -> object:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    server = SimpleNamespace(request=request, server=SimpleNamespace(product="OpenSearch"))
    item = Item.of({"ord": 7, "id": "lamp"}, LOADED)
    send(cast(BlockingServer, server), "shop", [item], patience=0.3)


@pytest.mark.parametrize(
    "kind", ["search_phase_execution_exception", "master_not_discovered_exception"]
)
def test_a_server_without_shards_or_leader_may_be_full(kind: str) -> None:
    error = refused("OpenSearch", "/shop/_search", 503, {"error": {"type": kind, "reason": "no"}})
    assert isinstance(error, EngineUnavailable)
    assert "look whether a disk is full" in str(error)
