"""An endpoint as data: one value is both the route that is served and its page in the OpenAPI
document."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from api.context import context_of
from api.responses import to_json
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
    answer of type None is text."""

    method: str
    path: str
    operation: str
    summary: str
    handler: Handler
    answers: dict[int, tuple[str, Any]]
    problems: tuple[int, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    body: Any = None
    secured: bool = False
    media_type: str = "application/json"


def to_routes(endpoints: Iterable[Endpoint], state: AppState) -> list[BaseRoute]:
    """The endpoints as Starlette serves them: one route a path, so that a wrong method is answered
    with every method the path has."""
    paths: dict[str, dict[str, Handler]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method] = endpoint.handler
    return [_route(path, handlers, state) for path, handlers in paths.items()]


def _route(path: str, handlers: Mapping[str, Handler], state: AppState) -> Route:
    async def handle(request: Request) -> Response:
        context_of(request.scope).route = path
        method = "GET" if request.method == "HEAD" else request.method
        return await handlers[method](request, state)

    return Route(path, handle, methods=list(handlers))


def json_response(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer as a response."""
    return Response(to_json(value), status, dict(headers or {}), "application/json")
