"""Every error as RFC 9457 problem details: what happened, where, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.context import request_id
from api.errors import (
    AnswerTooLarge,
    BodyTooDeep,
    BodyTooLarge,
    BodyTooSlow,
    CatalogueAway,
    CrossOrigin,
    EventsAway,
    Forbidden,
    KeysAway,
    MalformedBody,
    NotTheWriter,
    Outdated,
    OutOfScope,
    RateLimited,
    RulesUnusable,
    TooSlow,
    Unauthorized,
    UnknownHost,
    UnsupportedMedia,
)
from search.errors import (
    AisleError,
    BadInput,
    CursorExpired,
    EncoderUnavailable,
    EngineUnavailable,
    IndexBusy,
    IndexCorrupt,
    IndexMissing,
    NotFound,
    Overloaded,
    StorageFailed,
)

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Problem:
    """The body of an error. `type` is stable, for programs; `detail` is for people; `field` names
    the parameter at fault when there is one; `errors` lists the faults of a batch."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    field: str | None = None
    errors: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """A class of problem: the last part of its type, its title and its HTTP status."""

    slug: str
    title: str
    status: int


KINDS: Mapping[type[AisleError], Kind] = {
    MalformedBody: Kind("malformed-body", "The body is not JSON", 400),
    Unauthorized: Kind("unauthorized", "An API key is needed", 401),
    Forbidden: Kind("forbidden", "The API key is not accepted", 403),
    OutOfScope: Kind("out-of-scope", "The API key is for other things", 403),
    CrossOrigin: Kind("cross-origin", "Another site's page made the request", 403),
    NotFound: Kind("not-found", "Not found", 404),
    RulesUnusable: Kind("rules-unusable", "The rules' file cannot be used", 409),
    BodyTooSlow: Kind("body-too-slow", "The body took too long", 408),
    CursorExpired: Kind("cursor-expired", "The cursor has expired", 410),
    Outdated: Kind("outdated", "It was changed meanwhile", 412),
    BodyTooLarge: Kind("body-too-large", "The body is too large", 413),
    UnsupportedMedia: Kind("unsupported-media-type", "The body must be JSON", 415),
    NotTheWriter: Kind("not-the-writer", "A replica takes no changes", 421),
    UnknownHost: Kind("unknown-host", "Another host was asked for", 421),
    BodyTooDeep: Kind("body-too-deep", "The body is nested too deep", 422),
    AnswerTooLarge: Kind("answer-too-large", "The answer would be too large", 422),
    BadInput: Kind("bad-input", "The request cannot be used", 422),
    RateLimited: Kind("rate-limited", "Asked too often", 429),
    KeysAway: Kind("keys-away", "API keys cannot be read now", 503),
    TooSlow: Kind("too-slow", "The answer took too long", 503),
    IndexMissing: Kind("index-missing", "There is no index yet", 503),
    IndexCorrupt: Kind("index-corrupt", "The index cannot be read", 503),
    IndexBusy: Kind("index-busy", "The index is being built", 503),
    EncoderUnavailable: Kind("encoder-unavailable", "The text encoder is away", 503),
    EngineUnavailable: Kind("engine-unavailable", "The search server is away", 503),
    Overloaded: Kind("overloaded", "Too many requests at once", 503),
    CatalogueAway: Kind("catalogue-away", "Changes cannot be taken now", 503),
    EventsAway: Kind("events-away", "Events cannot be kept now", 503),
    StorageFailed: Kind("storage-failed", "The disk refused", 507),
    AisleError: Kind("internal", "Something went wrong here", 500),
}
"""What each error becomes; a subclass without a line of its own takes its nearest parent's."""


def kind_of(error: AisleError) -> Kind:
    """The kind of an error, by its class or the nearest of its parents."""
    return next(KINDS[parent] for parent in type(error).__mro__ if parent in KINDS)


def problem_response(
    request: Request,
    kind: Kind,
    detail: str,
    *,
    field: str | None = None,
    errors: tuple[object, ...] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem as a response; members that say nothing are left out."""
    problem = Problem(
        type=f"urn:aisle:problem:{kind.slug}",
        title=kind.title,
        status=kind.status,
        detail=detail,
        instance=request.url.path,
        request_id=request_id(request.scope),
        field=field,
        errors=errors,
    )
    named = {name: getattr(problem, name) for name in Problem.__dataclass_fields__}
    body = {name: value for name, value in named.items() if value not in (None, ())}
    return Response(orjson.dumps(body), kind.status, dict(headers or {}), MEDIA_TYPE)


async def on_aisle_error(request: Request, error: Exception) -> Response:
    """Turns one of Aisle's own errors into a problem."""
    assert isinstance(error, AisleError)
    kind = kind_of(error)
    headers = {}
    if kind.status == HTTPStatus.SERVICE_UNAVAILABLE:
        told: int = request.app.state.aisle.settings.serving.retry_after_seconds
        seconds = error.retry_after if isinstance(error, (Overloaded, EngineUnavailable)) else told
        headers["Retry-After"] = str(max(1, round(seconds)))
    if isinstance(error, RateLimited):
        headers = {**error.headers, "Retry-After": str(max(1, round(error.retry_after)))}
    if kind.status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE):
        headers["Connection"] = "close"  # the rest of the body is not waited for
    if kind.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="aisle"'
    field = error.field if isinstance(error, BadInput) else None
    return problem_response(request, kind, str(error), field=field, headers=headers)


async def on_http_error(request: Request, error: Exception) -> Response:
    """Turns what the router raises (404, 405) into a problem."""
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    if status is HTTPStatus.NOT_FOUND:
        detail = f"nothing is served at {request.url.path}; see /openapi.json for what is"
    elif status is HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "another method")
        detail = f"{request.method} is not allowed here; use {allowed}"
    else:
        detail = error.detail
    slug = status.phrase.lower().replace(" ", "-")
    return problem_response(
        request, Kind(slug, status.phrase, status.value), detail, headers=error.headers
    )


def internal_error(request: Request) -> Response:
    """The answer to a defect: says nothing about the inside, but how to find it in the log."""
    detail = "an unexpected error; report it with the request_id, which the server's log holds too"
    return problem_response(request, KINDS[AisleError], detail)
