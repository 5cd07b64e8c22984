"""Engines behind HTTP are asked for every query, and what they cannot do is said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from api.evaluating import endpoint
from api.evaluating.endpoint import Endpoint, find_ids, parse_endpoint
from search.errors import AisleError, BadInput
from tests.api.conftest import served

Answer = Callable[[web.Request], Any]


@asynccontextmanager
async def engine(answer: Answer) -> AsyncIterator[str]:
    """The address of a server that answers every request."""

    async def handle(request: web.Request) -> web.StreamResponse:
        given = answer(request)
        given = await given if asyncio.iscoroutine(given) else given
        return given if isinstance(given, web.StreamResponse) else web.json_response(given)

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    async with TestServer(app) as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "SECONDS", 0.3)
    monkeypatch.setattr(endpoint, "_LONGEST_WAIT", 0.01)


async def test_another_engine_is_asked_by_its_own_form() -> None:
    asked: list[tuple[str, str]] = []

    def answer(request: web.Request) -> Any:
        asked.append((request.query["q"], request.query["size"]))
        return {"hits": {"hits": [{"_id": f"{request.query['q']}-{i}"} for i in (2, 1)]}}

    progress: list[tuple[str, int, int | None]] = []
    async with engine(answer) as address:
        form = f"{address}/shop/_search?q={{query}}&size={{size}}#hits.hits[]._id"
        run = await parse_endpoint(form).run(
            ["red & blue", "größe?"], 50, lambda *told: progress.append(told)
        )
    assert run == {
        "red & blue": ("red & blue-2", "red & blue-1"),
        "größe?": ("größe?-2", "größe?-1"),
    }
    assert sorted(asked) == [("größe?", "50"), ("red & blue", "50")]
    assert [(done, total) for _, done, total in progress] == [(1, 2), (2, 2)]


async def test_no_more_than_a_few_requests_are_under_way_at_once() -> None:
    under_way = most = 0

    async def answer(request: web.Request) -> Any:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        return {"hits": []}

    async with engine(answer) as address:
        await parse_endpoint(address).run([f"q{i}" for i in range(40)], 10)
    assert 1 < most <= endpoint.AT_ONCE


async def test_a_busy_engine_is_asked_again() -> None:
    times = 0

    def answer(request: web.Request) -> Any:
        nonlocal times
        times += 1
        if times < 3:
            return web.Response(status=503, headers={"Retry-After": "9"})
        return {"hits": [{"id": "a"}, {"id": "a"}, {"id": 7}]}

    async with engine(answer) as address:
        assert await parse_endpoint(address).run(["q"], 10) == {"q": ("a", "7")}


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        (lambda r: web.Response(status=503, text="full"), AisleError, "3 times: HTTP 503: full"),
        (lambda r: web.Response(status=404), BadInput, "refuses 'q': HTTP 404"),
        (lambda r: web.Response(text="<html>"), BadInput, "the answer is no JSON: '<html>'"),
        (lambda r: {"docs": []}, BadInput, "has no 'hits' for 'hits[].id', but docs; say where"),
        (lambda r: {"hits": 3}, BadInput, "the answer has no list at 'hits[].id'"),
        (lambda r: {"hits": [{"id": None}]}, BadInput, "'None' at 'hits[].id' is no product id"),
        (lambda r: asyncio.sleep(1), AisleError, "no answer within 0.3 seconds"),
    ],
)
async def test_what_goes_wrong_is_said(
    answer: Answer, kind: type[AisleError], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "TRIES", 3 if "3 times" in message else 1)
    async with engine(answer) as address:
        with pytest.raises(kind) as error:
            await parse_endpoint(address).run(["q"], 10)
    assert message in str(error.value)
    assert address in str(error.value)


async def test_an_engine_that_is_not_there_is_named() -> None:
    with pytest.raises(AisleError, match=r"http://127.0.0.1:1/v1/search does not answer 'q'"):
        await parse_endpoint("http://127.0.0.1:1").run(["q"], 10)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "http://shop:8000",
            Endpoint("http://shop:8000/v1/search?q={query}&size={size}&log=false", "hits[].id"),
        ),
        (
            "https://shop/v1/search?q={query}&system=bm25&size=20&log=true",
            Endpoint("https://shop/v1/search?q={query}&system=bm25&size=20&log=true", "hits[].id"),
        ),
        (
            "http://solr/select?q={query}&rows={size}#response.docs[*].id",
            Endpoint("http://solr/select?q={query}&rows={size}", "response.docs[*].id"),
        ),
    ],
)
def test_addresses_are_understood(text: str, expected: Endpoint) -> None:
    assert parse_endpoint(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("http://", "is no address"),
        ("http://shop/search", "has no place for the query; write {query}"),
        ("http://shop/search?q={query}#hits[0].id", "is no place in an answer"),
    ],
)
def test_addresses_without_a_place_for_the_query_are_refused(text: str, message: str) -> None:
    with pytest.raises(BadInput) as error:
        parse_endpoint(text)
    assert message in str(error.value)


def test_a_message_names_the_place_without_its_password() -> None:
    assert parse_endpoint("https://me:secret@shop/find?q={query}").place == "https://shop/find"


def test_ids_are_found_in_lists_of_lists() -> None:
    body = {"groups": [{"docs": [{"id": 1}]}, {"docs": []}, {"docs": [{"id": 2}]}]}
    assert find_ids(body, "groups[].docs[].id", "here") == ["1", "2"]
    assert find_ids(["a", "b"], "[]", "here") == ["a", "b"]


@pytest.mark.slow
async def test_a_server_of_aisle_needs_its_address_alone(
    indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "SECONDS", 30.0)
    with served(indexed) as (address, _):
        run = await parse_endpoint(address).run(["lamp", "kettle"], 1000)
    assert all(run[query] for query in ("lamp", "kettle"))
