"""The one way to a server: requests of its REST API, and errors that say what to do.

Both clients send the same requests; each checks that it talks to its own product.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Protocol

import orjson

from search.engines.server.faults import Away, away, refused
from search.engines.server.faults import wrong_product as wrong_product
from search.errors import BadInput, EngineUnavailable
from search.resilience import allowed, remaining, tried
from search.secrets import credentials, ssl_context
from search.settings import EngineServerSettings

SECTION = "server"
_JSON = {"accept": "application/json", "content-type": "application/json"}
_LINES = {"accept": "application/json", "content-type": "application/x-ndjson"}
_READS = ("/_search", "/_count")
"""What only reads although it is posted."""
_TOO_LITTLE = 0.005
"""Seconds in which no server answers."""
_TELLING = 0.2
"""The share of a request's time without an answer that says something of the server; less says that
the request was late."""
_STEP_SECONDS, _PATIENT = 0.05, 200
_DEAD_SECONDS = 1.0
"""How long a server that did not answer is left alone while there are others."""
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
        setting of how long is waited, within what remains of the request's time. What only reads is
        asked again of another server, or of the same one if it did not get the request.

        Raises:
            EngineUnavailable: it does not answer, or not in time, or has no room for it now.
            NotFound: there is no such index.
            EngineUnusable: it is another product, or takes neither the name nor the key.
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


class _RestServer(ABC):
    """What requests to both products have in common: how long they wait, what is tried again."""

    product: str

    def __init__(self, settings: EngineServerSettings) -> None:
        self._seconds, self._several = settings.timeout_seconds, len(settings.urls) > 1
        # As many may be away as there are: each is tried once where nobody takes connections.
        self._tries = max(settings.retries + 1, len(settings.urls))

    async def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | bytes | None = None,
        params: Params | None = None,
        seconds: float | None = None,
    ) -> Any:
        """See `Server.request`."""
        sent, headers = encoded(body)
        reads = method in ("GET", "HEAD") or path.endswith(_READS)
        left = self._tries

        async def once() -> Any:
            nonlocal left
            left -= 1
            patience = remaining(seconds or self._seconds)
            if patience < _TOO_LITTLE:
                raise Away(f"no time is left to ask {self.product}; try again", hurried=True)
            if reads and left and self._several:
                patience /= 2  # leaves time to ask another server
            try:
                return await self._send(method, path, sent, headers, params or {}, patience)
            except Away as error:
                error.hurried = error.late and patience < _TELLING * (allowed() or 0.0)
                raise

        def again(error: BaseException) -> bool:
            if isinstance(error, Away):
                return error.unsent or (reads and (self._several or not error.late))
            return reads and isinstance(error, EngineUnavailable)

        return await tried(once, self._tries, again)

    @abstractmethod
    async def _send(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        params: Params,
        seconds: float,
    ) -> Any:
        """One try; see `Server.request`."""


class ElasticsearchServer(_RestServer):
    """By `elasticsearch.AsyncElasticsearch` over aiohttp; implements `Server`."""

    product = "Elasticsearch"

    def __init__(self, settings: EngineServerSettings) -> None:
        """Connects to nothing yet.

        Raises:
            BadInput: no address, or a credential or certificate cannot be used.
        """
        from elastic_transport import AiohttpHttpNode
        from elasticsearch import AsyncElasticsearch
        from elasticsearch.serializer import OrjsonSerializer

        super().__init__(settings)
        known = credentials(settings, SECTION)
        context = ssl_context(settings, SECTION)
        options: dict[str, Any] = {} if context is None else {"ssl_context": context}
        self._client = AsyncElasticsearch(
            list(addresses(settings)),
            basic_auth=known.basic,
            api_key=known.api_key or None,
            request_timeout=settings.timeout_seconds,
            connections_per_node=settings.connections,
            max_retries=0,
            retry_on_status=(),
            dead_node_backoff_factor=_DEAD_SECONDS,
            max_dead_node_backoff=_DEAD_SECONDS,
            http_compress=False,
            node_class=AiohttpHttpNode,
            serializers={"application/json": OrjsonSerializer()},
            **options,
        )
        self._patient: dict[int, Any] = {}

    async def _send(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        params: Params,
        seconds: float,
    ) -> Any:
        from elastic_transport import ConnectionTimeout, TransportError
        from elasticsearch import ApiError, UnsupportedProductError

        try:
            answer = await self._waiting(seconds).perform_request(
                method, path, params=params, headers=headers, body=body
            )
        except UnsupportedProductError as error:
            raise wrong_product(self.product) from error
        except ApiError as error:
            raise refused(self.product, path, error.status_code, error.body) from error
        except TransportError as error:
            late = isinstance(error, ConnectionTimeout)
            # The client keeps what aiohttp said nowhere else.
            raise away(self.product, error, late, error.__context__) from error
        return answer.body

    def _waiting(self, seconds: float) -> Any:
        """The client that waits so long. Each is kept: making one takes longer than a request."""
        steps = math.ceil(seconds / _STEP_SECONDS)
        if steps not in self._patient:
            if len(self._patient) >= _PATIENT:
                self._patient.clear()
            waiting = self._client.options(request_timeout=steps * _STEP_SECONDS)
            self._patient[steps] = waiting
        return self._patient[steps]

    async def close(self) -> None:
        """See `Server.close`."""
        await self._client.close()


class OpenSearchServer(_RestServer):
    """By `opensearchpy.AsyncOpenSearch` over aiohttp; implements `Server`."""

    product = "OpenSearch"

    def __init__(self, settings: EngineServerSettings) -> None:
        """Connects to nothing yet.

        Raises:
            BadInput: no address, or a credential or certificate cannot be used.
        """
        from opensearchpy import AsyncHttpConnection, AsyncOpenSearch

        super().__init__(settings)
        known = credentials(settings, SECTION)
        context = ssl_context(settings, SECTION)
        options: dict[str, Any] = {} if context is None else {"ssl_context": context}
        self._client = AsyncOpenSearch(
            list(addresses(settings)),
            http_auth=known.basic,
            headers={"authorization": f"ApiKey {known.api_key}"} if known.api_key else None,
            connection_class=AsyncHttpConnection,
            timeout=settings.timeout_seconds,
            maxsize=settings.connections,
            max_retries=0,
            retry_on_status=(),
            retry_on_timeout=True,  # with no retries: only then is the node left alone for a while
            dead_timeout=_DEAD_SECONDS,
            timeout_cutoff=0,
            serializer=orjson_serializer(),
            **options,
        )

    async def _send(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        params: Params,
        seconds: float,
    ) -> Any:
        from opensearchpy.exceptions import ConnectionError as NoAnswer
        from opensearchpy.exceptions import ConnectionTimeout, TransportError

        try:
            return await self._client.transport.perform_request(
                method,
                path,
                params=dict(params),
                body=body,
                headers=dict(headers),
                timeout=seconds,
            )
        except NoAnswer as error:
            late = isinstance(error, ConnectionTimeout)
            raise away(self.product, error, late, error.info) from error
        except TransportError as error:
            status = error.status_code if isinstance(error.status_code, int) else 0
            raise refused(self.product, path, status, error.info or error.error) from error

    async def close(self) -> None:
        """See `Server.close`."""
        await self._client.close()


def orjson_serializer() -> Any:
    """What reads JSON for OpenSearch's client in a tenth of the time that its own takes."""
    from opensearchpy.exceptions import SerializationError
    from opensearchpy.serializer import JSONSerializer

    class OrjsonSerializer(JSONSerializer):
        def loads(self, s: str) -> Any:
            try:
                return orjson.loads(s)
            except ValueError as error:
                raise SerializationError(s, error) from error

    return OrjsonSerializer()


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
