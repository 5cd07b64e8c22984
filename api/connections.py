"""What one connection may do to the server: how long a request's head may take to arrive and how
long it may be, and how long an answer may wait to be taken. uvicorn itself waits without end."""

from __future__ import annotations

import asyncio
import uuid
from http import HTTPStatus

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.middleware import SAFE_HEADERS
from api.problems import MEDIA_TYPE
from api.shares import Share
from search.settings import LimitSettings


def guarded(limits: LimitSettings, shared: Share | None = None) -> type[HttpToolsProtocol]:
    """uvicorn's protocol within limits, to give to `uvicorn.Config(http=…)`; `shared` is told how
    many connections there are, where other processes have a share of them."""

    class Guarded(GuardedProtocol):
        bounds = limits
        share = shared

    return Guarded


class GuardedProtocol(HttpToolsProtocol):
    """One connection. Its head is what comes before a request's body; the time for it runs from the
    connection on, and for later requests from their first byte."""

    bounds: LimitSettings
    share: Share | None = None

    _head_timer: asyncio.TimerHandle | None = None
    _send_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _in_head = True
    _begun = False
    _refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there: its head must come."""
        super().connection_made(transport)
        if self.share is not None:
            self.share.hold(len(self.connections))
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        _cancel(self._head_timer)
        self._head_timer = None
        _cancel(self._send_timer)
        self._send_timer = None
        super().connection_lost(exc)
        if self.share is not None:
            self.share.hold(len(self.connections))

    def data_received(self, data: bytes) -> None:
        """Parses what came, unless this connection is already refused."""
        if self._refused:
            return
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > self.bounds.header_bytes:
            self._refuse_length()
        idle = self.cycle is None or self.cycle.response_complete
        if idle and self._head_timer is None and not self.transport.is_closing():
            # Whatever came between two requests ended uvicorn's own wait for the next.
            self._expect_head()

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._in_head = self._begun = True
        if self._head_timer is None:
            self._expect_head()

    def on_headers_complete(self) -> None:
        """The head is there: now the request is answered."""
        _cancel(self._head_timer)
        self._head_timer = None
        self._in_head = self._begun = False
        self._head_bytes = 0
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > self.bounds.header_bytes:
            self._refuse_length()
        if not self._refused:
            super().on_headers_complete()
            if self.share is not None and self.share.excessive():
                # The answer says so, and the client's next connection goes to another process.
                self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The whole request."""
        if not self._refused:
            super().on_message_complete()

    def pause_writing(self) -> None:
        """The client takes its answer slower than it is made."""
        super().pause_writing()
        if self._send_timer is None:
            self._send_timer = self.loop.call_later(self.bounds.send_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It has taken what waited."""
        _cancel(self._send_timer)
        self._send_timer = None
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP."""
        self._refuse(400, "malformed-request", "the request is not HTTP that can be read")

    def _expect_head(self) -> None:
        self._head_timer = self.loop.call_later(self.bounds.header_seconds, self._late)

    def _late(self) -> None:
        self._head_timer = None
        if not self._begun:
            self.transport.close()
            return
        self._refuse(
            408,
            "request-too-slow",
            f"the request's headers took more than {self.bounds.header_seconds:g} seconds",
        )

    def _refuse_length(self) -> None:
        self._refuse(
            431,
            "headers-too-large",
            f"the request's line and headers are longer than {self.bounds.header_bytes} bytes; "
            "send a long search as POST",
        )

    def _refuse(self, status: int, slug: str, detail: str) -> None:
        """A problem as the last thing on this connection."""
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        title = HTTPStatus(status).phrase
        asked = uuid.uuid4().hex
        body = orjson.dumps(
            {
                "type": f"urn:aisle:problem:{slug}",
                "title": title,
                "status": status,
                "detail": detail,
                "instance": f"urn:uuid:{asked}",  # what was asked for may not have been read
                "request_id": asked,
            }
        )
        headers = {
            **SAFE_HEADERS,
            "X-Request-ID": asked,
            "Content-Type": MEDIA_TYPE,
            "Content-Length": str(len(body)),
            "Connection": "close",
        }
        lines = [f"HTTP/1.1 {status} {title}", *(f"{name}: {headers[name]}" for name in headers)]
        self.transport.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        self.transport.close()


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
