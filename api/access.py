"""Who is let in: whose key or session a request carries, what that is for, how often it has asked;
and no page of another site may change anything."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING

from starlette.requests import Request

from api.context import context_of
from api.errors import CrossOrigin, OutOfScope, Unauthorized
from api.security.keys import SCOPES, ApiKey, Scope
from api.security.sessions import COOKIE

if TYPE_CHECKING:
    from api.state import AppState

_REMEDY = "send one as Authorization: Bearer KEY or as X-API-Key: KEY"
_WHAT: Mapping[Scope, str] = {
    "search": "searching",
    "events": "logging events",
    "catalogue": "changing products",
    "rules": "reading and changing rules",
    "lab": "the lab",
    "metrics": "reading metrics",
    "admin": "this",
}
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


async def admit(request: Request, state: AppState, scope: Scope) -> ApiKey | None:
    """Lets the request through, counted, when its key or session is for `scope`, or none is needed.
    Returns the key, None without one.

    Raises:
        Unauthorized: it carries none where one is needed.
        Forbidden, OutOfScope: its key is unknown, over, or for other things.
        CrossOrigin: a browser's session is to change something and no page of this server asks.
        KeysAway: nobody knows the keys now.
        RateLimited: the key, or the address of a request without one, has asked too often.
    """
    key = identify(request, state)
    needed = state.keys.needed(scope)
    context = context_of(request.scope)
    if key is not None:
        context.facts["key"] = key.name
    address = request.client.host if request.client else ""
    context.headers.update(await state.rates.take(key, address))
    if needed and key is None:
        raise Unauthorized(f"{_WHAT[scope]} needs an API key; {_REMEDY}")
    if needed and key is not None and not key.may(scope):
        raise OutOfScope(
            f"{_WHAT[scope]} needs the scope {scope} ({SCOPES[scope]}), which the key {key.name} "
            f"has not; it is for {', '.join(key.scopes)}"
        )
    return key


def identify(request: Request, state: AppState) -> ApiKey | None:
    """The key that a request carries, or that its browser's session was begun with; None without
    either, or where there are no keys.

    Raises:
        Forbidden, KeysAway, CrossOrigin: as `admit`.
    """
    if not state.keys.in_use:
        return None
    secret = _given(request)
    if secret:
        return state.keys.find(secret)
    cookie = request.cookies.get(COOKIE)
    key = state.keys.of_session(cookie) if cookie else None
    if key is not None and request.method not in _SAFE:
        # A browser sends its session whoever asks: only a page of this server may have it act.
        if "origin" not in request.headers:
            raise CrossOrigin(
                "a browser's session changes things from pages of this server alone; programs "
                f"need an API key: {_REMEDY}"
            )
        require_own_origin(request)
    return key


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


def _given(request: Request) -> str:
    """The key in a request, "" for none; as the password of HTTP Basic for the lab alone."""
    authorization = request.headers.get("authorization", "")
    scheme, _, key = authorization.partition(" ")
    if scheme.lower() == "bearer" and key.strip():
        return key.strip()
    if scheme.lower() == "basic" and request.url.path.startswith("/lab"):
        return _password(key)
    return request.headers.get("x-api-key", "").strip()


def _password(given: str) -> str:
    """The password of HTTP Basic (RFC 7617), "" without one that can be read."""
    try:
        return base64.b64decode(given.strip(), validate=True).decode().partition(":")[2].strip()
    except (binascii.Error, ValueError):
        return ""
