"""The routes of the lab. Pages are made in threads, for they read files and databases."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from api.access import admit, require_own_origin
from api.context import context_of
from api.lab.charts import for_phones
from api.lab.comparison import compare_page, query_page
from api.lab.experiments import experiment_page, experiments_page
from api.lab.jobs import Jobs
from api.lab.lab import FOLDER, Lab, Maker
from api.lab.learning import (
    drift_page,
    estimate_propensity,
    learning_curve_page,
    propensity_page,
)
from api.lab.models import model_page, models_page
from api.lab.overview import overview_page
from api.lab.page import Asked, Page
from api.lab.refusal import LOGIN, refusal
from api.lab.rendering import NAVIGATION, as_csv, render
from api.lab.runs import runs_page
from api.middleware import IMAGE_POLICY
from api.problems import kind_of
from api.security.sessions import COOKIE
from api.state import AppState
from search.errors import AisleError, NotFound

PAGES: Mapping[str, Maker] = {
    "/lab": overview_page,
    "/lab/runs": runs_page,
    "/lab/runs/compare": compare_page,
    "/lab/runs/query": query_page,
    "/lab/experiments": experiments_page,
    "/lab/experiments/{name}": experiment_page,
    "/lab/models": models_page,
    "/lab/models/{version}": model_page,
    "/lab/propensity": propensity_page,
    "/lab/drift": drift_page,
    "/lab/learning-curve": learning_curve_page,
}
_FRESH = {"Cache-Control": "no-store"}
Made = TypeVar("Made")
Handler = Callable[[Request], Awaitable[Response]]


def open_jobs(state: AppState) -> Jobs:
    """What computes beside the requests of a server."""
    return Jobs(state.settings.data / FOLDER)


def lab_routes(
    state: AppState, jobs: Jobs, styles: tuple[str, ...], more: Mapping[str, Maker]
) -> list[BaseRoute]:
    """The pages, with `more` of other packages, what they export, and what can be asked to be
    computed; none when the lab is turned off. `styles` are the addresses of its style sheets."""
    if not state.settings.lab.enabled:
        return []
    desk = _Desk(state, Lab(state.settings, jobs, state.experiments.store), styles)
    routes: list[BaseRoute] = []
    for path, maker in {**PAGES, **more}.items():
        exports = path.replace("/lab", "/lab/export", 1) + "/{file}"
        routes.append(Route(path, desk.page(path, maker), methods=["GET"]))
        routes.append(Route(exports, desk.export(exports, maker), methods=["GET"]))
    routes.append(Route("/lab/propensity", desk.estimate, methods=["POST"]))
    return routes


class _Desk:
    """Answers requests for pages."""

    def __init__(self, state: AppState, lab: Lab, styles: tuple[str, ...]) -> None:
        self.state = state
        self.lab = lab
        self.styles = styles

    def page(self, path: str, maker: Maker) -> Handler:
        """The handler of a page."""

        async def handle(request: Request) -> Response:
            context_of(request.scope).route = path
            try:
                asked = await self._asked(request)
                return await asyncio.to_thread(self._answer, request, maker, asked)
            except AisleError as error:
                return self._refused(request, error)

        return handle

    def export(self, path: str, maker: Maker) -> Handler:
        """The handler of a page's tables and pictures."""

        async def handle(request: Request) -> Response:
            context_of(request.scope).route = path
            try:
                asked = await self._asked(request)
                return await asyncio.to_thread(self._file, maker, asked)
            except AisleError as error:
                return self._refused(request, error)

        return handle

    async def estimate(self, request: Request) -> Response:
        """Begins an estimate of propensities, and shows the page that will have it."""
        context_of(request.scope).route = "/lab/propensity"
        try:
            require_own_origin(request)
            await admit(request, self.state, "lab")
            estimate_propensity(self.lab)
        except AisleError as error:
            return self._refused(request, error)
        return RedirectResponse("/lab/propensity", 303, _FRESH)

    async def _asked(self, request: Request) -> Asked:
        await admit(request, self.state, "lab")
        version = products = None
        try:
            view = await self.state.search.engine.view()
            version, products = view.version, view.count
        except AisleError:
            pass
        names = {name: str(value) for name, value in request.path_params.items()}
        query = dict(request.query_params)
        return Asked(request.url.path, names, query, version=version, products=products)

    def _answer(self, request: Request, maker: Maker, asked: Asked) -> Response:
        return self._html(request, _made(maker, self.lab, asked))

    def _file(self, maker: Maker, asked: Asked) -> Response:
        name, _, kind = asked.names["file"].rpartition(".")
        whole = name if kind == "csv" else ""
        page = _made(maker, self.lab, replace(asked, whole=whole))
        table, picture = page.table(name), page.picture(name)
        if kind == "csv" and table is not None:
            named = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
            return Response(as_csv(table), 200, {**_FRESH, **named}, "text/csv; charset=utf-8")
        if kind == "svg" and picture is not None:
            drawn = {**_FRESH, "Content-Security-Policy": IMAGE_POLICY}
            return Response(for_phones(_complete(picture.draw)), 200, drawn, "image/svg+xml")
        if page.waiting:
            raise HTTPException(404, "it is being computed; ask again in a moment", _FRESH)
        raise NotFound(f"this page has no {asked.names['file'][:100]!r}")

    def _html(self, request: Request, page: Page, status: int = 200) -> Response:
        there = {getattr(route, "path", "") for route in request.app.routes}
        # Who is not let in has nowhere to go: every page would ask for a key again.
        let_in = status not in (401, 403)
        links = [link for link in NAVIGATION if link[0] in there and let_in]
        if COOKIE in request.cookies:
            links.append((LOGIN, "Sign out"))
        text = render(page, request.url.path, request.url.query, self.styles, links)
        return HTMLResponse(text, status, _FRESH)

    def _refused(self, request: Request, error: AisleError) -> Response:
        kind = kind_of(error)
        return self._html(request, refusal(kind.title, error, request.url), kind.status)


def _made(maker: Maker, lab: Lab, asked: Asked) -> Page:
    return _complete(lambda: maker(lab, asked))


def _complete(make: Callable[[], Made]) -> Made:
    """What is made, where all it needs is installed.

    Raises:
        NotFound: it is not.
    """
    try:
        return make()
    except ModuleNotFoundError as error:
        raise NotFound(
            f"this page needs {error.name}, which is not installed here; install aisle with the"
            " extras eval and train"
        ) from None
