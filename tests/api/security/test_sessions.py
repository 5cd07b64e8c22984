"""Browsers: a key is entered once, a session stands for it, and no other site can use that."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.security.keys_file import FILE, KeysFile
from api.security.pages import local_path
from api.security.sessions import COOKIE, read_session, sign_session
from api.settings import SecuritySettings
from tests.api.conftest import connected
from tests.api.security.conftest import bearer, make_key

OWN = {"Origin": "http://shop"}
KETTLE = {"changes": [{"op": "upsert", "product": {"id": "n1", "title": "Steel kettle"}}]}
QUICK = SecuritySettings(required=True, watch_seconds=0.02)


@pytest.fixture
async def browser(data: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Not signed in; there is a key for everything."""
    async with connected(data, security=QUICK) as client:
        yield client


async def sign_in(client: httpx.AsyncClient, secret: str, then: str = "/lab") -> httpx.Response:
    """Enters a key, again until the server has heard of it."""
    asked = await client.get("/lab")
    assert asked.status_code == 401
    assert 'name="key"' in asked.text
    for _ in range(100):
        answer = await client.post("/login", data={"key": secret, "next": then}, headers=OWN)
        if answer.status_code == 303:
            return answer
        await asyncio.sleep(0.01)
    pytest.fail("the key was never known")


async def test_a_key_entered_once_opens_the_lab_and_the_shop(
    browser: httpx.AsyncClient, data: Path
) -> None:
    secret = make_key(data, "admin")
    to_login = await browser.get("/?q=steel+lamp")
    assert to_login.status_code == 303
    assert to_login.headers["location"] == "/login?next=%2F%3Fq%3Dsteel%2Blamp"
    answer = await sign_in(browser, secret, "/lab/runs")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/lab/runs"
    for path in ("/lab", "/", "/v1/search?q=lamp", "/lab/judge"):
        assert (await browser.get(path)).status_code == 200, path
    assert '<a href="/login">Sign out</a>' in (await browser.get("/lab")).text
    assert "signed in with the key shop" in (await browser.get("/login")).text
    assert (await browser.post("/logout", headers=OWN)).status_code == 303
    assert (await browser.get("/lab")).status_code == 401


async def test_the_cookie_is_no_key_and_out_of_reach(
    browser: httpx.AsyncClient, data: Path
) -> None:
    secret = make_key(data, "lab", expires=time.time() + 600)
    cookie = (await sign_in(browser, secret)).headers["set-cookie"]
    assert secret[-20:] not in cookie
    assert {"httponly", "samesite=strict", "path=/"} <= set(cookie.lower().split("; "))
    assert "secure" not in cookie.lower()
    assert 590 <= int(cookie.partition("Max-Age=")[2].partition(";")[0]) <= 600
    async with connected(data, security=QUICK) as other:
        other.base_url = httpx.URL("https://shop")
        again = await other.post("/login", data={"key": secret}, headers={"Origin": "https://shop"})
        assert "secure" in again.headers["set-cookie"].lower().split("; ")
        assert again.headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://shop", 200),
        ("http://evil.example", 403),
        ("http://shop.evil.example", 403),
        ("null", 403),
        (None, 403),
    ],
)
async def test_a_session_changes_things_from_own_pages_alone(
    browser: httpx.AsyncClient, data: Path, origin: str | None, status: int
) -> None:
    await sign_in(browser, make_key(data, "admin"))
    headers = {} if origin is None else {"Origin": origin}
    changed = await browser.post("/v1/products", json=KETTLE, headers=headers)
    assert changed.status_code == status
    if status == 403:
        assert changed.json()["type"] == "urn:aisle:problem:cross-origin"
        found = await browser.post("/v1/search", json={"q": "lamp"}, headers=headers)
        assert found.status_code == 403


@pytest.mark.parametrize("path", ["/login", "/logout"])
async def test_other_sites_sign_nobody_in_or_out(
    browser: httpx.AsyncClient, data: Path, path: str
) -> None:
    secret = make_key(data, "admin")
    await sign_in(browser, secret)
    browser.cookies.clear() if path == "/login" else None
    elsewhere = {"Origin": "https://evil.example"}
    answer = await browser.post(path, data={"key": secret}, headers=elsewhere)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_a_wrong_key_signs_nobody_in(browser: httpx.AsyncClient, data: Path) -> None:
    make_key(data, "admin")
    answer = await browser.post("/login", data={"key": "aisle_wrong"}, headers=OWN)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert "aisle_wrong" not in answer.text


async def test_a_session_dies_with_its_key(browser: httpx.AsyncClient, data: Path) -> None:
    await sign_in(browser, make_key(data, "lab", "search"))
    make_key(data, "admin", name="other")
    assert (await browser.get("/lab")).status_code == 200
    KeysFile(data / FILE).remove("shop")
    while (await browser.get("/lab")).status_code != 401:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def test_a_session_is_for_its_keys_scopes(browser: httpx.AsyncClient, data: Path) -> None:
    await sign_in(browser, make_key(data, "search"))
    assert (await browser.get("/v1/search")).status_code == 200
    refused = await browser.get("/lab")
    assert refused.status_code == 403
    assert "needs the scope lab" in refused.text
    assert 'name="key"' in refused.text


async def test_a_key_of_the_settings_signs_in_too(data: Path) -> None:
    async with connected(data, api_keys="first,second", security=QUICK) as client:
        assert (await sign_in(client, "second")).status_code == 303
        assert (await client.get("/lab")).status_code == 200


@given(st.text(max_size=40), st.integers(0, 3))
def test_only_what_was_signed_here_is_a_session(text: str, part: int) -> None:
    good = sign_session(b"signing", "abc", 100)
    assert read_session(b"signing", good, 99) == "abc"
    assert read_session(b"signing", good, 100) is None
    assert read_session(b"other", good, 99) is None
    assert read_session(b"signing", text, 99) is None
    parts = good.split(".")
    if part < 3 and parts[part] != text:
        parts[part] = text
        assert read_session(b"signing", ".".join(parts), 99) is None


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "",
        "/\t/evil.example", "/lab\r\nSet-Cookie: a=b", "/" + "a" * 2000, "/\u2028", "/a b", "/a\\b",
    ],
)  # fmt: skip
def test_signing_in_leads_to_no_other_site(path: str) -> None:
    assert local_path(path) == "/lab"
    assert local_path("/lab/runs?a=b&c=%20#d") == "/lab/runs?a=b&c=%20#d"


async def test_what_is_no_session_is_nothing(browser: httpx.AsyncClient, data: Path) -> None:
    secret = make_key(data, "admin")
    browser.cookies.set(COOKIE, "abc.9999999999.forged")
    assert (await browser.get("/lab")).status_code == 401
    while (await browser.get("/lab", headers=bearer(secret))).status_code != 200:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
