"""What every answer says to browsers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.conftest import connected


@pytest.mark.parametrize(
    "path",
    ["/", "/lab", "/lab/judge", "/login", "/v1/search", "/v1/products/none", "/nowhere",
     "/healthz", "/metrics", "/openapi.json", "/images/none.png", "/favicon.ico"],
)  # fmt: skip
async def test_every_answer_is_guarded(indexed: Path, path: str) -> None:
    async with connected(indexed) as client:
        headers = (await client.get(path)).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "strict-origin-when-cross-origin"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "geolocation=()" in headers["permissions-policy"]
    assert "strict-transport-security" not in headers


async def test_by_tls_browsers_are_told_to_stay_with_it(indexed: Path) -> None:
    async with connected(indexed) as client:
        answer = await client.get("https://shop/")
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
