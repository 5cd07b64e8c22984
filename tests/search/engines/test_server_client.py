"""Whether no answer says something of the server, or only that the request was late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from search.engines.server.client import ElasticsearchServer, OpenSearchServer
from search.engines.server.faults import Away
from search.engines.server.view import harmless
from search.resilience import stages, until, within
from search.settings import EngineServerSettings


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
