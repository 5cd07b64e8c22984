"""What surrounds every request, as plain ASGI: its context and log line, the limit on how many run
at once, and the limit on how long a body may be."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.context import RequestContext, begin
from api.errors import BodyTooLarge
from api.logs import ACCESS, SERVER
from api.metrics import Metrics
from api.problems import internal_error, on_aisle_error
from search.errors import Overloaded

QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines: logged only when they fail."""


class Observe:
    """Gives the request its context, its headers, its metrics and its line in the log, and answers
    a defect with a problem instead of a closed connection."""

    def __init__(self, app: ASGIApp, metrics: Metrics, headers: Mapping[str, str]) -> None:
        self.app = app
        self.metrics = metrics
        self.headers = dict(headers)

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
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = context.id
                for name, value in {**context.headers, **self.headers}.items():
                    headers.setdefault(name, value)
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

    def _record(self, scope: Scope, context: RequestContext, status: int) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self.metrics.requests.labels(context.route, method, str(status)).inc()
        self.metrics.seconds.labels(context.route).observe(context.milliseconds / 1000)
        if scope["path"] in QUIET and status < 400:
            return
        line: dict[str, object] = {
            "method": method,
            "path": scope["path"],
            "status": status,
            "ms": round(context.milliseconds, 2),
            "request_id": context.id,
            **context.facts,
        }
        if context.stages:
            line["stages_ms"] = {name: round(value, 2) for name, value in context.stages.items()}
        ACCESS.info("request", extra=line)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Shed:
    """Refuses what would only wait: more than `limit` requests under `/v1/` at once."""

    def __init__(self, app: ASGIApp, metrics: Metrics, limit: int, retry_after: float) -> None:
        self.app = app
        self.metrics = metrics
        self.limit = limit
        self.retry_after = retry_after
        self.running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
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
    """Refuses a body longer than `limit` bytes as soon as it is known to be so: by its declared
    length, or while it streams in, before it is all in memory."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > self.limit:
            response = await on_aisle_error(Request(scope), self._error())
            await response(scope, receive, send)
            return
        read = 0

        async def limited() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self.limit:
                raise self._error()
            return message

        await self.app(scope, limited, send)

    def _error(self) -> BodyTooLarge:
        return BodyTooLarge(
            f"the body is longer than {self.limit} bytes; send the changes in smaller batches"
        )


def security_headers(image_sources: tuple[str, ...]) -> dict[str, str]:
    """Headers of every response: pages run only this server's own code, and nobody frames them."""
    images = " ".join(("'self'", "data:", *image_sources))
    return {
        "Content-Security-Policy": "default-src 'self'; "
        f"img-src {images}; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "X-Frame-Options": "DENY",
    }
