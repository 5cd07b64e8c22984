"""What surrounds every request, as plain ASGI: its context and log line, the hosts it may name, the
limit on how many run at once, and the limits on how long a body may be and take."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.context import RequestContext, begin
from api.errors import BodyTooLarge, BodyTooSlow, UnknownHost
from api.logs import ACCESS, SERVER
from api.metrics import Metrics
from api.problems import internal_error, on_aisle_error
from search.errors import Overloaded
from search.settings import LimitSettings

RawHeader = tuple[bytes, bytes]
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines: logged only when they fail."""


class Observe:
    """Gives the request its context, its headers, its metrics and its line in the log, and answers
    a defect with a problem instead of a closed connection."""

    def __init__(self, app: ASGIApp, metrics: Metrics, headers: Mapping[str, str]) -> None:
        self.app = app
        self.metrics = metrics
        self._plain = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self._secure = [*self._plain, (b"strict-transport-security", SECURE_ONLY.encode())]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        context = begin(scope)
        status = 0

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", context.id.encode()),
                    *self._further(message["headers"], context, scope["scheme"]),
                ]
            await send(message)

        self.metrics.in_flight.inc()
        try:
            await self.app(scope, receive, observed)
        except Exception:
            SERVER.exception("unexpected error", extra={"request_id": context.id})
            if status:
                raise
            await internal_error(Request(scope))(scope, receive, observed)
        finally:
            self.metrics.in_flight.dec()
            self._record(scope, context, status)

    def _further(
        self, given: Iterable[RawHeader], context: RequestContext, scheme: str
    ) -> Iterator[RawHeader]:
        """The headers of this request and of every answer that it has not said itself."""
        said = {name.lower() for name, _ in given}
        own = [(name.lower().encode(), value.encode()) for name, value in context.headers.items()]
        for header in (*own, *(self._secure if scheme == "https" else self._plain)):
            if header[0] not in said:
                said.add(header[0])
                yield header

    def _record(self, scope: Scope, context: RequestContext, status: int) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        milliseconds = context.milliseconds
        self.metrics.answered(context.route, method, status, milliseconds / 1000)
        if scope["path"] in QUIET and status < 400:
            return
        line: dict[str, object] = {
            "method": method,
            "path": scope["path"],
            "status": status,
            "ms": round(milliseconds, 2),
            "request_id": context.id,
            **context.facts,
        }
        if context.stages:
            line["stages_ms"] = {name: round(value, 2) for name, value in context.stages.items()}
        ACCESS.info("request", extra=line)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


SHOP, LAB = ("/v1/",), ("/lab", "/login", "/logout")
"""How the paths begin that shoppers ask for, and those who tune the shop: many of the one take
nothing away from the other."""


class Shed:
    """Refuses what would only wait: more than `limit` requests at once for the paths that begin
    with one of some."""

    def __init__(
        self,
        app: ASGIApp,
        metrics: Metrics,
        paths: tuple[str, ...],
        limit: int,
        retry_after: float,
    ) -> None:
        self.app = app
        self.metrics = metrics
        self.paths = paths
        self.limit = limit
        self.retry_after = retry_after
        self.running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http" or not scope["path"].startswith(self.paths):
            await self.app(scope, receive, send)
            return
        if self.running >= self.limit:
            self.metrics.shed.inc()
            error = Overloaded(
                f"{self.limit} requests are being answered already; try again in a moment",
                retry_after=self.retry_after,
            )
            response = await on_aisle_error(Request(scope), error)
            await response(scope, receive, send)
            return
        self.running += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.running -= 1


class BodyLimit:
    """Refuses a body that is longer than allowed as soon as it is known to be so (by its declared
    length, or while it streams in, before it is all in memory) or that does not arrive in time."""

    def __init__(self, app: ASGIApp, limits: LimitSettings) -> None:
        self.app = app
        self.limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self._limit(scope["path"])
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > limit:
            response = await on_aisle_error(Request(scope), _too_large(limit))
            await response(scope, receive, send)
            return
        until = asyncio.get_running_loop().time() + self.limits.body_seconds
        read, more = 0, True

        async def limited() -> Message:
            nonlocal read, more
            # After the body comes nothing but the client's leaving, which may take its time.
            message = await self._in_time(receive, until) if more else await receive()
            read += len(message.get("body", b""))
            more = message.get("more_body", False)
            if read > limit:
                raise _too_large(limit)
            return message

        await self.app(scope, limited, send)

    def _limit(self, path: str) -> int:
        longest = self.limits.body_bytes
        return min(self.limits.search_bytes, longest) if path == "/v1/search" else longest

    async def _in_time(self, receive: Receive, until: float) -> Message:
        try:
            async with asyncio.timeout_at(until):
                return await receive()
        except TimeoutError:
            raise BodyTooSlow(
                f"the body did not arrive within {self.limits.body_seconds:g} seconds; send it in "
                "smaller parts"
            ) from None


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"the body is longer than {limit} bytes; send it in smaller parts")


class Hosts:
    """Refuses requests for other hosts than `names`; any will do when there are none. Health is
    asked by machines, which know an address alone."""

    def __init__(self, app: ASGIApp, names: tuple[str, ...]) -> None:
        self.app = app
        self.names = frozenset(name.lower() for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if not self.names or scope["type"] != "http" or scope["path"] in QUIET:
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("host", "").lower()
        if given not in self.names and given.rpartition(":")[0] not in self.names:
            error = UnknownHost(
                f"this server is not asked by the name {given[:100]!r}; see [security] hosts"
            )
            response = await on_aisle_error(Request(scope), error)
            await response(scope, receive, send)
            return
        await self.app(scope, receive, send)


SAFE_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Frame-Options": "DENY",
}
"""Of every answer, whatever it is."""
SECURE_ONLY = "max-age=31536000"
"""Strict-Transport-Security: browsers that came by TLS once come by it for a year."""
IMAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""Content-Security-Policy of pictures: an SVG opened by itself must not run scripts."""


def security_headers(image_sources: tuple[str, ...]) -> dict[str, str]:
    """Headers of every response: pages run only this server's own code, load and send only here,
    and nobody frames them."""
    images = " ".join(("'self'", "data:", *image_sources))
    policy = (
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'",
        f"img-src {images}", "object-src 'none'", "base-uri 'none'", "form-action 'self'",
        "frame-ancestors 'none'",
    )  # fmt: skip
    return {
        "Content-Security-Policy": "; ".join(policy),
        "Cross-Origin-Opener-Policy": "same-origin",
        **SAFE_HEADERS,
    }
