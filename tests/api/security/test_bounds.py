"""What one request and one connection may take: each bound is a clear problem."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.bodies import check_depth
from api.errors import BodyTooDeep
from api.settings import AppSettings, SecuritySettings
from search.settings import LimitSettings
from tests.api.conftest import connected
from tests.browser.server import ShopServer

JSON = {"Content-Type": "application/json"}
TIGHT = LimitSettings(
    header_seconds=0.4, header_bytes=2048, body_seconds=0.4, send_seconds=0.4, request_seconds=5
)

nested = st.recursive(
    st.none() | st.text('[]{}"\\a', max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text('[]"\\', max_size=3), inner)
    ),
    max_leaves=30,
)


def depth_of(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


@given(nested, st.integers(0, 6))
async def test_depth_is_what_brackets_outside_of_strings_say(value: object, limit: int) -> None:
    body = orjson.dumps(value)
    if depth_of(value) > limit:
        with pytest.raises(BodyTooDeep, match=f"has {depth_of(value)} arrays"):
            await check_depth(body, limit)
    else:
        await check_depth(body, limit)


@pytest.mark.parametrize("path", ["/v1/search", "/v1/products", "/v1/events", "/v1/rules/preview"])
async def test_json_may_not_be_nested_without_end(data: Path, path: str) -> None:
    async with connected(data) as client:
        for opens in (b"[", b'{"a":'):
            answer = await client.post(path, content=opens * 50_000, headers=JSON)
            assert answer.status_code == 422
            assert answer.json()["type"] == "urn:aisle:problem:body-too-deep"
            assert "50000 arrays and objects" in answer.json()["detail"]


async def test_a_search_has_a_smaller_body_than_a_change(data: Path) -> None:
    async with connected(data) as client:
        body = orjson.dumps({"q": "lamp", "segments": ["x" * 100_000] * 3})
        assert (await client.post("/v1/search", content=body, headers=JSON)).status_code == 413
        assert (await client.post("/v1/products", content=body, headers=JSON)).status_code == 422


async def test_an_answer_has_a_length(indexed: Path) -> None:
    async with connected(indexed, limits=LimitSettings(answer_bytes=20_000)) as client:
        assert (await client.get("/v1/search?size=2")).status_code == 200
        answer = await client.get("/v1/search?size=100")
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:aisle:problem:answer-too-large"
    assert answer.json()["field"] == "size"


async def test_an_answer_has_a_time(indexed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*given: object) -> None:
        await asyncio.sleep(60)

    async with connected(indexed, limits=LimitSettings(request_seconds=0.05)) as client:
        monkeypatch.setattr("search.build.Search.search", never)
        answer = await client.get("/v1/search?q=lamp")
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:aisle:problem:too-slow"
    assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    ("host", "status"),
    [("shop", 200), ("SHOP:8000", 200), ("evil.example", 421), ("shop.evil.example", 421)],
)
async def test_other_names_are_not_answered(indexed: Path, host: str, status: int) -> None:
    security = SecuritySettings(hosts=("shop",))
    async with connected(indexed, security=security) as client:
        assert (await client.get("/v1/search", headers={"Host": host})).status_code == status
        assert (await client.get("/healthz", headers={"Host": host})).status_code == 200


@pytest.fixture(scope="module")
def server(indexed: Path) -> Iterator[ShopServer]:
    server = ShopServer(AppSettings(data=indexed, limits=TIGHT))
    server.start()
    yield server
    server.stop()


def talk(server: ShopServer, *parts: bytes, pause: float = 0.0, wait: float = 3.0) -> bytes:
    """What the server says to bytes sent with pauses, until it closes."""
    with socket.create_connection(("127.0.0.1", server.port), wait) as connection:
        for part in parts:
            try:
                connection.sendall(part)
            except OSError:
                break
            time.sleep(pause)
        said = b""
        try:
            while more := connection.recv(65_536):
                said += more
        except ConnectionResetError:
            pass
    return said


def problem(said: bytes) -> tuple[int, str]:
    head, _, body = said.partition(b"\r\n\r\n")
    assert b"x-content-type-options: nosniff" in head.lower()
    return int(head.split()[1]), orjson.loads(body)["type"].rpartition(":")[2]


def test_a_client_that_says_nothing_is_let_go(server: ShopServer) -> None:
    since = time.monotonic()
    assert talk(server) == b""
    assert time.monotonic() - since < 2.0


def test_slow_loris_is_let_go(server: ShopServer) -> None:
    drops = [b"GET /v1/search HTTP/1.1\r\nHost: shop\r\n", *(b"X-A: b\r\n" for _ in range(30))]
    since = time.monotonic()
    assert problem(talk(server, *drops, pause=0.05)) == (408, "request-too-slow")
    assert time.monotonic() - since < 2.5


def test_slow_loris_on_a_connection_kept_alive_is_let_go(server: ShopServer) -> None:
    one = b"GET /healthz HTTP/1.1\r\nHost: shop\r\n\r\n"
    assert talk(server, one, b"GET /he").count(b"HTTP/1.1 ") == 2
    # Not even empty lines between requests hold a connection.
    since = time.monotonic()
    assert talk(server, one, *([b"\r\n"] * 20), pause=0.05).count(b"HTTP/1.1 ") == 1
    assert time.monotonic() - since < 3.0


def test_many_slow_connections_leave_the_server_to_others(server: ShopServer) -> None:
    held = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(200)]
    for connection in held:
        connection.sendall(b"GET /v1/search?q=lamp HTTP/1.1\r\nHost: shop\r\nX-")
    assert httpx.get(f"{server.url}/v1/search?q=lamp").status_code == 200
    time.sleep(0.6)
    for connection in held:
        connection.settimeout(1.0)
        assert b" 408 " in connection.recv(1000)
        connection.close()


def test_a_slow_body_is_refused(server: ShopServer) -> None:
    head = b"POST /v1/search HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"
    said = talk(server, head + b"Content-Length: 30\r\n\r\n", b'{"q"', pause=0.05)
    assert problem(said) == (408, "body-too-slow")


@pytest.mark.parametrize(
    "line",
    [
        b"GET /?q=" + b"a" * 3000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nX-A: " + b"a" * 3000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X-A: a\r\n" * 600 + b"\r\n",
        b"GET / HTTP/1.1\r\nX-A: " + b"a" * 3000,
        b"GET /" + b"a" * 100_000,
    ],
)
def test_long_heads_are_refused(server: ShopServer, line: bytes) -> None:
    assert problem(talk(server, line)) == (431, "headers-too-large")


@pytest.mark.parametrize(
    "line", [b"nonsense\r\n\r\n", b"\x16\x03\x01\x02\x00", b"GET / FTP/9\r\n\r\n"]
)
def test_what_is_no_http_is_a_problem(server: ShopServer, line: bytes) -> None:
    assert problem(talk(server, line)) == (400, "malformed-request")


def test_who_does_not_take_the_answer_holds_nothing(server: ShopServer) -> None:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", server.port))
    one = b"GET /v1/search?size=100&explain=true HTTP/1.1\r\nHost: shop\r\n\r\n"
    connection.sendall(one * 40)
    metrics = ""
    deadline = time.monotonic() + 5.0
    time.sleep(0.8)
    while "aisle_requests_in_flight 1.0" not in metrics:  # the asking itself
        assert time.monotonic() < deadline, metrics
        metrics = httpx.get(f"{server.url}/metrics").text
    connection.close()
