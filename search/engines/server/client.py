"""The one way to a server: requests of its REST API, and errors that say what to do.

Both clients send the same requests; each checks that it talks to its own product.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import orjson

from search.errors import AisleError, BadInput, EngineUnavailable, IndexCorrupt, NotFound
from search.secrets import credentials, redact, ssl_context
from search.settings import EngineServerSettings

SECTION = "server"
_JSON = {"accept": "application/json", "content-type": "application/json"}
_LINES = {"accept": "application/json", "content-type": "application/x-ndjson"}
_DENIED = (401, 403)
_REFUSED = 429
_UNAVAILABLE = 502
"""From here on, the server or what stands before it cannot answer now."""
Params = Mapping[str, str | int | bool]


class Server(Protocol):
    """Elasticsearch or OpenSearch."""

    product: str
    """How people call it."""

    async def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | bytes | None = None,
        params: Params | None = None,
        seconds: float | None = None,
    ) -> Any:
        """The decoded answer; a body of bytes is sent as lines of JSON. `seconds` replaces the
        setting of how long is waited.

        Raises:
            EngineUnavailable: it does not answer, or not in time, or has no room for it now.
            NotFound: there is no such index.
            BadInput: it takes neither the name nor the key.
            IndexCorrupt: it refuses the request.
        """
        ...

    async def close(self) -> None:
        """Closes the connections."""
        ...


def encoded(body: Mapping[str, Any] | bytes | None) -> tuple[bytes | None, Mapping[str, str]]:
    """A body as it is sent, and its headers."""
    if isinstance(body, bytes):
        return body, _LINES
    return (None if body is None else orjson.dumps(body)), _JSON


class ElasticsearchServer:
    """By `elasticsearch.AsyncElasticsearch` over aiohttp; implements `Server`."""

    product = "Elasticsearch"

    def __init__(self, settings: EngineServerSettings) -> None:
        """Connects to nothing yet.

        Raises:
            BadInput: no address, or a credential or certificate cannot be used.
        """
        from elastic_transport import AiohttpHttpNode
        from elasticsearch import AsyncElasticsearch

        known = credentials(settings, SECTION)
        context = ssl_context(settings, SECTION)
        options: dict[str, Any] = {} if context is None else {"ssl_context": context}
        self._client = AsyncElasticsearch(
            list(addresses(settings)),
            basic_auth=known.basic,
            api_key=known.api_key or None,
            request_timeout=settings.timeout_seconds,
            connections_per_node=settings.connections,
            max_retries=settings.retries,
            retry_on_timeout=False,
            retry_on_status=(),
            http_compress=False,
            node_class=AiohttpHttpNode,
            **options,
        )

    async def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | bytes | None = None,
        params: Params | None = None,
        seconds: float | None = None,
    ) -> Any:
        """See `Server.request`."""
        from elastic_transport import TransportError
        from elasticsearch import ApiError, UnsupportedProductError

        sent, headers = encoded(body)
        client = self._client if seconds is None else self._client.options(request_timeout=seconds)
        try:
            answer = await client.perform_request(
                method, path, params=params, headers=headers, body=sent
            )
        except UnsupportedProductError as error:
            raise wrong_product(self.product) from error
        except ApiError as error:
            raise refused(self.product, path, error.status_code, error.body) from error
        except TransportError as error:
            raise away(self.product, error) from error
        return answer.body

    async def close(self) -> None:
        """See `Server.close`."""
        await self._client.close()


class OpenSearchServer:
    """By `opensearchpy.AsyncOpenSearch` over aiohttp; implements `Server`."""

    product = "OpenSearch"

    def __init__(self, settings: EngineServerSettings) -> None:
        """Connects to nothing yet.

        Raises:
            BadInput: no address, or a credential or certificate cannot be used.
        """
        from opensearchpy import AsyncHttpConnection, AsyncOpenSearch

        known = credentials(settings, SECTION)
        context = ssl_context(settings, SECTION)
        options: dict[str, Any] = {} if context is None else {"ssl_context": context}
        self._timeout = settings.timeout_seconds
        self._client = AsyncOpenSearch(
            list(addresses(settings)),
            http_auth=known.basic,
            headers={"authorization": f"ApiKey {known.api_key}"} if known.api_key else None,
            connection_class=AsyncHttpConnection,
            timeout=settings.timeout_seconds,
            maxsize=settings.connections,
            max_retries=settings.retries,
            retry_on_status=(),
            retry_on_timeout=False,
            **options,
        )

    async def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | bytes | None = None,
        params: Params | None = None,
        seconds: float | None = None,
    ) -> Any:
        """See `Server.request`."""
        from opensearchpy.exceptions import ConnectionError as Away
        from opensearchpy.exceptions import TransportError

        sent, headers = encoded(body)
        try:
            return await self._client.transport.perform_request(
                method,
                path,
                params=dict(params or {}),
                body=sent,
                headers=dict(headers),
                timeout=seconds or self._timeout,
            )
        except Away as error:
            raise away(self.product, error) from error
        except TransportError as error:
            status = error.status_code if isinstance(error.status_code, int) else 0
            raise refused(self.product, path, status, error.info) from error

    async def close(self) -> None:
        """See `Server.close`."""
        await self._client.close()


def addresses(settings: EngineServerSettings) -> tuple[str, ...]:
    """Where the server is.

    Raises:
        BadInput: nothing says where.
    """
    if not settings.urls:
        raise BadInput(
            "setting engine names a server, and [server] url does not say where it is: set "
            'url = "http://HOST:9200" there, or AISLE_SERVER__URL',
            field="server.url",
        )
    return tuple(url if _has_port(url) else f"{url.rstrip('/')}:9200" for url in settings.urls)


def _has_port(url: str) -> bool:
    return url.rpartition(":")[2].rstrip("/").isdigit()


def away(product: str, error: Exception) -> EngineUnavailable:
    """A server that gives no answer."""
    why = redact(str(getattr(error, "message", "") or type(error).__name__))
    return EngineUnavailable(
        f"{product} does not answer ({why[:200]}); try again in a moment, and look whether "
        "[server] url and its network are right if this goes on"
    )


def wrong_product(product: str) -> BadInput:
    """Something else answers at the address."""
    return BadInput(
        f"what answers at [server] url is not {product}; set engine to what it is, or the url to "
        f"that of {product}",
        field="engine",
    )


def refused(product: str, path: str, status: int, body: object) -> AisleError:
    """A server that answers with an error."""
    kind, reason = _reason(body)
    if status in _DENIED:
        return BadInput(
            f"{product} does not let Aisle in ({status}: {reason}): set [server] username and "
            "password_file, or api_key_file, of a user who may read and write its indices",
            field="server.username",
        )
    if status == _REFUSED or status >= _UNAVAILABLE or status == 0:
        return EngineUnavailable(f"{product} cannot answer now ({status}: {reason}); try again")
    if kind == "index_not_found_exception":
        return NotFound(f"{product} has no index {path.split('/')[1]}: run `aisle reindex`")
    if kind in _PASSING:
        return EngineUnavailable(f"{product} cannot answer now ({kind}: {reason}); try again")
    return IndexCorrupt(
        f"{product} refuses {path} ({status}, {kind}: {reason}): make the index anew with "
        "`aisle reindex`, and look into the server's log if that does not help"
    )


_PASSING = frozenset(
    {
        "search_phase_execution_exception",
        "no_shard_available_action_exception",
        "circuit_breaking_exception",
        "es_rejected_execution_exception",
        "cluster_block_exception",
        "master_not_discovered_exception",
        "cluster_manager_not_discovered_exception",
        "process_cluster_event_timeout_exception",
        "unavailable_shards_exception",
    }
)
"""Kinds of errors that pass."""


def _reason(body: object) -> tuple[str, str]:
    error = body.get("error") if isinstance(body, Mapping) else body
    if isinstance(error, Mapping):
        cause = (error.get("root_cause") or [error])[0]
        return str(cause.get("type") or error.get("type")), str(cause.get("reason"))[:300]
    return "", str(error or "no reason given")[:300]
