"""Who may write: an API key, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac

from starlette.requests import Request

from api.errors import Forbidden, Unauthorized
from api.settings import AppSettings

_REMEDY = "send one as Authorization: Bearer KEY or as X-API-Key: KEY"


def require_key(request: Request, settings: AppSettings) -> None:
    """Lets the request through when no key is set, or it carries one that is.

    Raises:
        Unauthorized: it carries none.
        Forbidden: it carries another.
    """
    if not settings.api_keys:
        return
    given = _given(request)
    if not given:
        raise Unauthorized(f"changing products needs an API key; {_REMEDY}")
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
