"""What a follower tells Prometheus, and whether it lives."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

from api.following.freshness import freshness_of, lag_of
from search.engines.local.positions import Positions
from search.types import Applied

_SECONDS = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 3600.0)
_APPLYING = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0)
_STUCK_SECONDS = 300.0
"""Longer than a batch may take, the encoder's first loading included."""


class Gauges:
    """Every instrument of one follower, on a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        of = self.registry
        self.lag = Gauge(
            "aisle_catalogue_lag", "Changes of the catalogue that wait to be applied", registry=of
        )
        self.freshness = Gauge(
            "aisle_catalogue_freshness_seconds",
            "Seconds since the moment up to which all changes are applied",
            registry=of,
        )
        self.visible = Histogram(
            "aisle_catalogue_visible_seconds",
            "From a change's being sent until it can be found",
            registry=of,
            buckets=_SECONDS,
        )
        self.applying = Histogram(
            "aisle_catalogue_apply_seconds",
            "Time to apply a batch",
            registry=of,
            buckets=_APPLYING,
        )
        self.changes = Counter(
            "aisle_catalogue_changes", "Changes, by what became of them", ("kind",), registry=of
        )
        self.waiting = Gauge(
            "aisle_catalogue_waiting", "1 while a broker or the disk is away", registry=of
        )
        for kind in ("upserted", "patched", "deleted", "missing", "rejected"):
            self.changes.labels(kind)
        self.positions: Positions = {}
        self.reason = ""
        self.beat = time.monotonic()
        self.freshness.set_function(lambda: freshness_of(self.positions))

    def alive(self) -> None:
        """Something goes on, if only waiting."""
        self.beat = time.monotonic()

    def reached(self, positions: Positions) -> None:
        """The index stands there now, as far as it is known to."""
        self.positions = positions
        self.lag.set(lag_of(positions))
        self.alive()

    def applied(self, applied: Applied, sent: Iterable[float], seconds: float) -> None:
        """A batch can be found; `sent` says when its changes were sent."""
        now = time.time()
        for moment in sent:
            self.visible.observe(max(0.0, now - moment))
        self.applying.observe(seconds)
        for kind in ("upserted", "patched", "deleted"):
            self.changes.labels(kind).inc(getattr(applied, kind))
        self.changes.labels("missing").inc(len(applied.missing))

    def wait_for(self, reason: str) -> None:
        """Something is away; "" when all is there again."""
        self.reason = reason
        self.waiting.set(bool(reason))

    def health(self) -> tuple[HTTPStatus, bytes]:
        """Whether the follower goes on, and what it waits for."""
        stuck = time.monotonic() - self.beat > _STUCK_SECONDS
        body = {
            "status": "stuck" if stuck else "waiting" if self.reason else "following",
            "reason": self.reason or None,
            "lag": lag_of(self.positions),
            "freshness_seconds": round(freshness_of(self.positions), 3),
        }
        status = HTTPStatus.SERVICE_UNAVAILABLE if stuck else HTTPStatus.OK
        return status, orjson.dumps(body)


def serve_gauges(gauges: Gauges, host: str, port: int) -> ThreadingHTTPServer:
    """Answers `/metrics`, `/healthz` and `/readyz` in threads until it is shut down.

    Raises:
        PortBusy, BadInput: the address cannot be listened on.
    """
    from api.serving import listen

    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = "aisle", ""

        def do_GET(self) -> None:
            """Answers one request."""
            path = self.path.partition("?")[0]
            status, kind, body = _answer(gauges, path)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Probes are not worth a line each."""

    server = ThreadingHTTPServer((host, port), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listen(host, port, option="--metrics-port")
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server


def _answer(gauges: Gauges, path: str) -> tuple[HTTPStatus, str, bytes]:
    if path == "/metrics":
        return HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(gauges.registry)
    status, body = gauges.health()
    if path == "/readyz" and gauges.reason:
        status = HTTPStatus.SERVICE_UNAVAILABLE
    if path in ("/healthz", "/readyz"):
        return status, "application/json", body
    return HTTPStatus.NOT_FOUND, "application/json", b'{"status":"not found"}'
