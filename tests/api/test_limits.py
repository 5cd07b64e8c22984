"""Load and size: what is too much is refused early, and says when to come back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from api.app import create_app
from api.metrics import Metrics
from api.middleware import LAB, SHOP, Shed
from api.settings import AppSettings, ServingSettings
from api.state import turns_of
from search.settings import LimitSettings
from tests.api.conftest import connected


async def test_more_at_once_than_allowed_is_shed_while_health_answers(indexed: Path) -> None:
    settings = AppSettings(data=indexed, limits=LimitSettings(concurrency=2))
    app = create_app(settings)
    search = app.state.aisle
    gate = asyncio.Event()

    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client,
    ):
        engine = search.search.engine
        view = engine.view

        async def held(version: str | None = None) -> object:
            await gate.wait()
            return await view(version)

        engine.view = held
        running = [asyncio.create_task(client.get("/v1/search?q=lamp")) for _ in range(2)]
        await asyncio.sleep(0.05)
        shed = await client.get("/v1/search?q=lamp")
        alive = await client.get("/healthz")
        gate.set()
        answered = await asyncio.gather(*running)
        metrics = (await client.get("/metrics")).text
        after = await client.get("/v1/search?q=lamp")
    assert shed.status_code == 503
    assert shed.headers["retry-after"] == "2"
    assert shed.json()["type"] == "urn:aisle:problem:overloaded"
    assert alive.status_code == 200
    assert [answer.status_code for answer in answered] == [200, 200]
    assert after.status_code == 200
    assert "aisle_requests_shed_total 1.0" in metrics


async def test_searches_take_turns_and_none_waits_for_one_that_hangs(indexed: Path) -> None:
    settings = AppSettings(
        data=indexed,
        limits=LimitSettings(stage_seconds=2.0),
        serving=ServingSettings(at_once=1, deadline_seconds=30.0),
    )
    app = create_app(settings)
    begun, gate = [], asyncio.Event()

    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client,
    ):
        engine = app.state.aisle.search.engine
        view = engine.view

        async def held(version: str | None = None) -> object:
            begun.append(version)
            if len(begun) == 1:
                await gate.wait()
            return await view(version)

        engine.view = held
        hanging = asyncio.create_task(client.get("/v1/search?q=lamp"))
        await asyncio.sleep(0.05)
        waiting = asyncio.create_task(client.get("/v1/search?q=lamp"))
        await asyncio.sleep(0.2)
        in_line = len(begun)
        waited = (await waiting).json()["timings_ms"]["wait"]
        gate.set()
        first = (await hanging).json()["timings_ms"]
    assert in_line == 1
    assert 400 < waited < 5000
    assert "wait" not in first


async def test_the_lab_and_signing_in_are_bounded_apart_from_searches(indexed: Path) -> None:
    gate, answered = asyncio.Event(), list[str]()

    async def held(scope: Scope, receive: Receive, send: Send) -> None:
        await gate.wait()
        answered.append(scope["path"])
        await PlainTextResponse("here")(scope, receive, send)

    bounds = [Middleware(Shed, Metrics(), paths, 1, 2.0) for paths in (SHOP, LAB)]
    app = Starlette(routes=[Mount("/", held)], middleware=bounds)
    app.state.aisle = create_app(AppSettings(data=indexed)).state.aisle
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        running = [asyncio.create_task(client.get(path)) for path in ("/lab/runs", "/v1/search")]
        await asyncio.sleep(0.01)
        shed = [await client.post("/login"), await client.get("/lab"), await client.get("/v1/x")]
        gate.set()
        await asyncio.gather(*running)
        again = await client.get("/login")
    assert [each.status_code for each in shed] == [503, 503, 503]
    assert answered == ["/lab/runs", "/v1/search", "/login"]
    assert again.status_code == 200


async def test_a_declared_length_is_refused_unread(indexed: Path) -> None:
    async with connected(indexed, limits=LimitSettings(body_bytes=1000)) as client:
        answer = await client.post(
            "/v1/search", content=b" " * 1001, headers={"content-type": "application/json"}
        )
    assert answer.status_code == 413
    assert "1000 bytes" in answer.json()["detail"]


async def test_a_streamed_body_is_cut_off_when_it_grows_too_long(indexed: Path) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 10_000_000:
            sent += 1000
            yield b" " * 1000

    settings = AppSettings(data=indexed, limits=LimitSettings(body_bytes=5000))
    app = create_app(settings)
    parts = endless()
    answered: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": await anext(parts), "more_body": True}

    async def send(message: dict[str, object]) -> None:
        answered.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/v1/search", "raw_path": b"/v1/search",
        "query_string": b"", "headers": [(b"content-type", b"application/json")],
        "http_version": "1.1", "scheme": "http", "server": ("shop", 80), "root_path": "",
    }  # fmt: skip
    await app(scope, receive, send)  # type: ignore[arg-type]
    assert answered[0]["status"] == 413
    assert sent <= 7000


@pytest.mark.parametrize("size", [0, 1, 100])
async def test_pages_up_to_the_limit_are_given(indexed: Path, size: int) -> None:
    async with connected(indexed) as client:
        body = (await client.get(f"/v1/search?size={size}")).json()
    assert len(body["hits"]) == size


async def test_pages_end_at_the_depth_limit(indexed: Path) -> None:
    async with connected(indexed, limits=LimitSettings(page_depth=50)) as client:
        first = (await client.get("/v1/search?size=40")).json()
        rest = (await client.get(f"/v1/search?size=40&cursor={first['cursor']}")).json()
    assert len(first["hits"]) == 40
    assert [hit["position"] for hit in rest["hits"]] == list(range(41, 51))
    assert rest["cursor"] is None


@pytest.mark.parametrize(
    ("given", "at_once"),
    [
        ({"threads": 2}, 4),
        ({"threads": 2, "serving": {"workers": 2}}, 2),
        ({"threads": 2, "serving": {"workers": 8}}, 2),
        ({"threads": 2, "serving": {"at_once": 1}}, 1),
        ({"threads": 2, "engine": "opensearch"}, 64),
    ],
)
async def test_as_many_take_turns_as_the_processors_have_use_for(
    tmp_path: Path, given: dict[str, Any], at_once: int
) -> None:
    turns = turns_of(AppSettings.model_validate({"data": tmp_path, **given}))
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(at_once):
            assert await stack.enter_async_context(turns.turn()) < 100
        assert await stack.enter_async_context(turns.turn()) > 100
