"""An endpoint as data: one value is both the route that is served and its page in the OpenAPI
document."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from api.access import admit
from api.context import context_of
from api.errors import TooSlow
from api.responses import to_json
from api.security.keys import Scope
from api.state import AppState

Handler = Callable[[Request, AppState], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A path or query parameter. `schema` is JSON Schema."""

    name: str
    place: str
    description: str
    schema: dict[str, Any]
    required: bool = False
    explode: bool | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path. `body` and `answers` are the types the schemas are made of; an
    answer of type None is text. `scope` is what its key must be for; None is open to all."""

    method: str
    path: str
    operation: str
    summary: str
    handler: Handler
    answers: dict[int, tuple[str, Any]]
    problems: tuple[int, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    body: Any = None
    scope: Scope | None = None
    media_type: str = "application/json"


def to_routes(endpoints: Iterable[Endpoint], state: AppState) -> list[BaseRoute]:
    """The endpoints as Starlette serves them: one route a path, so that a wrong method is answered
    with every method the path has."""
    paths: dict[str, dict[str, Endpoint]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method] = endpoint
    return [_route(path, methods, state) for path, methods in paths.items()]


def _route(path: str, methods: Mapping[str, Endpoint], state: AppState) -> Route:
    async def handle(request: Request) -> Response:
        context_of(request.scope).route = path
        endpoint = methods["GET" if request.method == "HEAD" else request.method]
        if endpoint.scope is not None:
            await admit(request, state, endpoint.scope)
        if endpoint.scope != "search":
            return await endpoint.handler(request, state)
        return await _in_time(endpoint.handler, request, state)

    return Route(path, handle, methods=list(methods))


async def _in_time(handler: Handler, request: Request, state: AppState) -> Response:
    """What only reads may be given up. What changes things has bounds of its own.

    Raises:
        TooSlow: there is no answer within the limit.
    """
    seconds = state.settings.limits.request_seconds
    try:
        async with asyncio.timeout(seconds):
            return await handler(request, state)
    except TimeoutError:
        raise TooSlow(
            f"there is no answer after {seconds:g} seconds; ask again, or for less"
        ) from (None)


def json_response(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer as a response."""
    return Response(to_json(value), status, dict(headers or {}), "application/json")
