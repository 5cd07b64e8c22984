"""What every answer says to browsers."""

from __future__ import annotations

import ssl
from pathlib import Path

import httpx
import pytest

from api.serving import certificate
from api.settings import ServingSettings
from search.errors import BadInput
from tests.api.conftest import connected, served
from tests.engines.authority import Authority, require_openssl


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


def test_a_certificate_that_cannot_be_shown_is_refused_at_the_start(tmp_path: Path) -> None:
    require_openssl()
    own = Authority(tmp_path).issue("shop")
    serving = ServingSettings(certificate_file=own.certificate, key_file=own.key)
    assert certificate(serving) is not None
    assert certificate(ServingSettings()) is None
    for wrong in (own.certificate, tmp_path / "absent"):
        unusable = serving.model_copy(update={"key_file": wrong})
        with pytest.raises(BadInput, match="certificate_file and key_file cannot be used"):
            certificate(unusable)


@pytest.mark.slow
def test_the_server_answers_by_tls_alone_when_it_has_a_certificate(
    data: Path, tmp_path: Path
) -> None:
    require_openssl()
    authority = Authority(tmp_path / "authority")
    own = authority.issue("shop")
    files = {
        "AISLE_SERVING__CERTIFICATE_FILE": str(own.certificate),
        "AISLE_SERVING__KEY_FILE": str(own.key),
    }
    trusting = ssl.create_default_context(cafile=authority.certificate)
    with served(data, **files) as (url, _):
        answer = httpx.get(f"{url}/v1/search?q=lamp", verify=trusting)
        assert answer.status_code == 200
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(url)
        with pytest.raises(httpx.TransportError):
            httpx.get(url.replace("https:", "http:"))
