"""Clients that keep connections open, and the processes that their connections lead to."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable

import psutil

SECONDS = 150.0
"""How long one answer, or a state that is waited for, may take on a busy machine."""


def wait_for(condition: Callable[[], object]) -> None:
    """Returns once it holds."""
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def held(port: int) -> Counter[int]:
    """How many clients are connected to each process that serves the port."""
    return Counter(
        each.pid
        for each in psutil.net_connections("tcp")
        if each.status == psutil.CONN_ESTABLISHED and each.laddr.port == port
    )


class Pool:
    """Keep-alive connections, as a shop's backend has them; by TLS with `context`. `reopened`
    counts those that the server closed, or lost, in between."""

    def __init__(self, port: int, context: ssl.SSLContext | None = None) -> None:
        self.port = port
        self.reopened = 0
        self._context = context
        self._connections: list[http.client.HTTPConnection] = []

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes all, and waits until the server knows."""
        for each in self._connections:
            each.close()
        self._connections.clear()
        wait_for(lambda: not held(self.port))

    def open(self, connections: int) -> None:
        """Opens more of them, one some milliseconds after another, each with a request."""
        for _ in range(connections):
            time.sleep(0.01)
            self._connections.append(self._new())
            assert self._ask(self._connections[-1]) == 200

    def open_at_once(self, connections: int) -> None:
        """Opens more of them before any sends a request."""
        new = [self._new() for _ in range(connections)]
        for each in new:
            each.connect()
        self._connections += new
        self.ask()

    def ask(self) -> None:
        """One request on each; one that was closed is opened again and must then be answered."""
        for place, each in enumerate(self._connections):
            closed = each.sock is None
            try:
                assert self._ask(each) == 200
            except (http.client.HTTPException, ConnectionError):
                closed = True
                self._connections[place] = self._new()
                assert self._ask(self._connections[place]) == 200
            self.reopened += closed

    def counts(self) -> list[int]:
        """How many lead to each process, the fewest first."""
        return sorted(held(self.port).values())

    def _new(self) -> http.client.HTTPConnection:
        if self._context is None:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        return http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=SECONDS, context=self._context
        )

    @staticmethod
    def _ask(connection: http.client.HTTPConnection) -> int:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        answer.read()
        return answer.status


def wait_for_workers(port: int, workers: int, context: ssl.SSLContext | None = None) -> None:
    """Returns once as many processes take connections; none is left open."""
    with Pool(port, context) as pool:

        def all_there() -> bool:
            pool.close()
            pool.open(workers)
            return len(held(port)) == workers

        wait_for(all_there)


def ask_once(port: int) -> bytes:
    """The first line of an answer on a connection of its own, which it closes."""
    request = b"GET /healthz HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), SECONDS) as connection:
        connection.sendall(request)
        answer = b""
        while part := connection.recv(4096):
            answer += part
    return answer.partition(b"\r\n")[0]
