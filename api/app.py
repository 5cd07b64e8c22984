"""The application: a list of routes and a list of middleware."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from importlib.metadata import version

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from api.context import context_of
from api.endpoint import json_response, to_routes
from api.endpoints import endpoints
from api.judging.pages import PAGES as JUDGING_PAGES
from api.judging.routes import judging_routes
from api.lab import Jobs, lab_routes, open_jobs
from api.metrics import Metrics
from api.middleware import LAB, SHOP, BodyLimit, Hosts, Observe, Shed, security_headers
from api.openapi import document
from api.problems import on_aisle_error, on_http_error
from api.security.pages import login_routes
from api.settings import AppSettings
from api.state import AppState
from api.storefront import open_storefront, storefront_routes
from search.errors import AisleError


def create_app(settings: AppSettings) -> Starlette:
    """The application over the index in `settings.data`, which may not exist yet."""
    metrics = Metrics()
    state = AppState(settings, metrics)
    jobs = open_jobs(state)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        with jobs.running():
            async with state.running():
                yield

    app = Starlette(
        routes=routes(state, jobs),
        middleware=middleware(settings, metrics),
        exception_handlers={AisleError: on_aisle_error, HTTPException: on_http_error},
        lifespan=lifespan,
    )
    app.state.aisle = state
    return app


def routes(state: AppState, jobs: Jobs) -> list[BaseRoute]:
    """The HTTP interface first, then the lab's and the storefront's pages."""
    table = endpoints(state.settings.limits)
    described = document(table, version("aisle"))

    async def openapi(request: Request) -> Response:
        context_of(request.scope).route = "/openapi.json"
        return json_response(described)

    shop = open_storefront(state.settings)
    styles = (shop.address("css/base.css"), shop.address("css/lab.css"))
    return [
        *to_routes(table, state),
        Route("/openapi.json", openapi),
        *lab_routes(state, jobs, styles, JUDGING_PAGES),
        *judging_routes(state, shop),
        *login_routes(state, styles),
        *storefront_routes(state, shop),
    ]


def middleware(settings: AppSettings, metrics: Metrics) -> list[Middleware]:
    """From the outside in."""
    limits, serving = settings.limits, settings.serving
    return [
        Middleware(Observe, metrics, security_headers(serving.image_sources)),
        Middleware(Hosts, settings.security.hosts),
        Middleware(Shed, metrics, SHOP, limits.concurrency, serving.retry_after_seconds),
        Middleware(Shed, metrics, LAB, limits.lab_concurrency, serving.retry_after_seconds),
        Middleware(BodyLimit, limits),
    ]
