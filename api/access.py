"""Who may write: no page of another site, and who has an API key, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac

from starlette.requests import Request

from api.errors import CrossOrigin, Forbidden, Unauthorized
from api.settings import AppSettings

_REMEDY = "send one as Authorization: Bearer KEY or as X-API-Key: KEY"


def require_own_origin(request: Request) -> None:
    """Lets the request through when no web page sent it, or one of this server did. A page of any
    site can make a browser write to a server that only that browser's machine reaches.

    Raises:
        CrossOrigin: the host and port in its `Origin` are not those in its `Host`.
    """
    origin = request.headers.get("origin")
    if origin is None:
        return
    # Browsers leave the default port out of both; "null" names no host.
    place = origin.partition("://")[2].lower()
    if not place or place != request.headers.get("host", "").lower():
        raise CrossOrigin(
            f"pages of {origin[:100]!r} may not change anything here; send the change from a "
            "program, without an Origin header, or from a page of this server"
        )


def require_key(request: Request, settings: AppSettings, what: str = "changing products") -> None:
    """Lets the request through when no key is set, or it carries one that is.

    Raises:
        Unauthorized: it carries none.
        Forbidden: it carries another.
    """
    check_key(_given(request), settings, what)


def check_key(given: str, settings: AppSettings, what: str) -> None:
    """As `require_key`, of a key however it came ("" for none)."""
    if not settings.api_keys:
        return
    if not given:
        raise Unauthorized(f"{what} needs an API key; {_REMEDY}")
    digest = _digest(given)
    known = [_digest(key.get_secret_value()) for key in settings.api_keys]
    # Every key is compared, and digests have one length: the time taken tells nothing.
    if not any([hmac.compare_digest(digest, key) for key in known]):
        raise Forbidden("the API key is not one of this server's; ask whoever runs it for one")


def _given(request: Request) -> str:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and key.strip():
        return key.strip()
    return request.headers.get("x-api-key", "").strip()


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
