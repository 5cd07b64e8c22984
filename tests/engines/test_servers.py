"""The small servers that other tests rely on are what those tests take them for."""

from __future__ import annotations

import asyncio
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from urllib.error import HTTPError
from urllib.request import urlopen

import obstore
import pytest
from obstore.exceptions import AlreadyExistsError
from obstore.store import S3Store

from tests.engines.fixtures import StartNginx, StartProxy
from tests.engines.processes import HOST
from tests.engines.s3 import KEY, REGION, SECRET, S3Server

ANSWER = "server { listen 127.0.0.1:PORT; location / { return %d 'hello'; } }"


def status(url: str) -> int:
    try:
        with urlopen(url, timeout=2.0) as answer:
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code


def test_nginx_answers_as_configured(nginx: StartNginx) -> None:
    server = nginx(ANSWER % 200)
    assert status(server.url) == 200
    server.reload(ANSWER % 503)
    deadline = time.monotonic() + 5.0
    while status(server.url) != 503:
        assert time.monotonic() < deadline


def test_a_bucket_keeps_what_is_put_into_it(s3: S3Server) -> None:
    s3.create_bucket("snapshots")
    store = S3Store(
        "snapshots", endpoint=s3.url, region=REGION, access_key_id=KEY, secret_access_key=SECRET,
        client_options={"allow_http": True}, virtual_hosted_style_request=False,
    )  # fmt: skip
    obstore.put(store, "a/part", b"0123456789" * 700_000)  # in several parts
    assert bytes(obstore.get_range(store, "a/part", start=10, end=13)) == b"012"
    with pytest.raises(AlreadyExistsError):
        obstore.put(store, "a/part", b"again", mode="create")
    assert [found["path"] for found in obstore.list(store, "a").collect()] == ["a/part"]


class Echo(socketserver.BaseRequestHandler):
    """Says everything back."""

    def handle(self) -> None:
        with suppress(OSError):
            while piece := self.request.recv(1024):
                self.request.sendall(piece)


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a server that says everything back."""
    with socketserver.ThreadingTCPServer((HOST, 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


async def said(port: int, text: bytes, seconds: float = 0.3) -> bytes:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(text)
        return await asyncio.wait_for(reader.readexactly(len(text)), seconds)
    finally:
        writer.close()


async def test_a_proxy_is_slow_silent_and_gone_by_command(proxy: StartProxy, echo: int) -> None:
    between = proxy(echo)
    assert await said(between.port, b"hello") == b"hello"
    between.delay = 0.1
    started = time.monotonic()
    assert await said(between.port, b"hello") == b"hello"
    assert time.monotonic() - started >= 0.1
    between.stall()
    with pytest.raises(TimeoutError):
        await said(between.port, b"hello")
    between.refuse()
    with pytest.raises(ConnectionRefusedError):
        await said(between.port, b"hello")
    between.pass_on()
    assert await said(between.port, b"hello") == b"hello"


async def test_a_proxy_ends_an_answer_halfway(proxy: StartProxy, echo: int) -> None:
    between = proxy(echo)
    between.cut_after(3)
    reader, writer = await asyncio.open_connection(HOST, between.port)
    writer.write(b"hello")
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(reader.readexactly(5), 5.0)
    writer.close()
    between.pass_on()
    assert await said(between.port, b"hello") == b"hello"


async def test_a_proxy_delivers_a_request_late(proxy: StartProxy, echo: int) -> None:
    between = proxy(echo)
    between.hold(b"late")
    with pytest.raises(TimeoutError):
        await said(between.port, b"too late")
    assert await said(between.port, b"late enough") == b"late enough"
    assert await asyncio.to_thread(between.deliver) == b"too late"


async def test_a_proxy_cuts_what_is_open(proxy: StartProxy, echo: int) -> None:
    between = proxy(echo)
    with socket.create_connection((HOST, between.port)) as connection:
        connection.settimeout(5.0)
        connection.sendall(b"hello")
        assert await asyncio.to_thread(connection.recv, 5) == b"hello"
        between.cut()
        with pytest.raises(ConnectionResetError):
            await asyncio.to_thread(connection.recv, 5)
    assert between.connections == 1
