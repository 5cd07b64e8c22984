"""The page on which raters grade, and what it asks and sends. The list of tasks and their results
are pages of the lab (`api.judging.pages`)."""

from __future__ import annotations

import asyncio
from html import escape
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from api.access import admit, require_own_origin
from api.context import context_of
from api.endpoint import json_response
from api.handlers import json_body, refuse_parameters
from api.judging.answers import AnswerLogs, rater_key
from api.judging.pages import HOME
from api.judging.requests import answered_json, pooled, read_answer, work_json
from api.judging.tasks import load_task
from api.lab.refusal import refusal
from api.lab.rendering import NAVIGATION, render
from api.problems import kind_of
from api.state import AppState
from api.storefront import Storefront
from search.errors import AisleError, BadInput

_SHELL = Path(__file__).parent / "judge.html"
_FRESH = {"Cache-Control": "no-store"}


def judging_routes(state: AppState, shop: Storefront) -> list[BaseRoute]:
    """The page of a task and its two requests; none when the lab is turned off."""
    if not state.settings.lab.enabled:
        return []
    desk = _Desk(state, shop)
    return [
        Route("/lab/judge/{name}", desk.page, methods=["GET"]),
        Route("/lab/judge/{name}/work", desk.work, methods=["GET"]),
        Route("/lab/judge/{name}/answers", desk.answers, methods=["POST"]),
    ]


class _Desk:
    """Answers the judging page."""

    def __init__(self, state: AppState, shop: Storefront) -> None:
        self.state = state
        self.styles = (shop.address("css/base.css"), shop.address("css/lab.css"))
        self.shell = _SHELL.read_text("utf-8").replace("{{assets}}", shop.address("").rstrip("/"))

    async def page(self, request: Request) -> Response:
        """The page itself; what it shows it asks for."""
        context_of(request.scope).route = "/lab/judge/{name}"
        try:
            await admit(request, self.state, "lab")
            task = await asyncio.to_thread(load_task, self.state.settings.data, _name(request))
        except AisleError as error:
            return self._refused(request, error)
        return HTMLResponse(self.shell.replace("{{task}}", escape(task.name)), headers=_FRESH)

    def _refused(self, request: Request, error: AisleError) -> Response:
        """For people: a page of the lab that says why."""
        kind = kind_of(error)
        page = refusal(kind.title, error, request.url, (HOME, "Judge"))
        text = render(page, request.url.path, "", self.styles, NAVIGATION)
        return HTMLResponse(text, kind.status, _FRESH)

    async def work(self, request: Request) -> Response:
        """A query and its products, for `rater`; the first that is not all answered, or `query`."""
        context_of(request.scope).route = "/lab/judge/{name}/work"
        await admit(request, self.state, "lab")
        refuse_parameters(request, ("rater", "query"))
        rater, number = _rater(request), _number(request)

        def look() -> dict[str, object]:
            task = load_task(self.state.settings.data, _name(request))
            if number is not None:
                pooled(task, number)
            answers = AnswerLogs(self.state.settings.data, task).read(rater)
            return work_json(task, rater_key(rater), answers, number)

        return json_response(await asyncio.to_thread(look), headers=_FRESH)

    async def answers(self, request: Request) -> Response:
        """Keeps one answer; the response says that the disk has it."""
        context_of(request.scope).route = "/lab/judge/{name}/answers"
        require_own_origin(request)
        await admit(request, self.state, "lab")
        refuse_parameters(request, ())
        # A browser sends a body without a type, or of another, for any page without asking first.
        body = await json_body(request, untyped="")

        def keep() -> dict[str, object]:
            task = load_task(self.state.settings.data, _name(request))
            rater, answer = read_answer(body, task)
            answers = AnswerLogs(self.state.settings.data, task).add(rater, answer)
            pair = answers.last if answer.action == "undo" else (answer.query, answer.product)
            return answered_json(task, answers, pair)

        return json_response(await asyncio.to_thread(keep), headers=_FRESH)


def _name(request: Request) -> str:
    name: str = request.path_params["name"]
    return name


def _rater(request: Request) -> str:
    rater = request.query_params.get("rater", "")
    rater_key(rater)
    return rater


def _number(request: Request) -> int | None:
    given = request.query_params.get("query")
    if given is None:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) < 9):
        raise BadInput(f"{given[:100]!r} is no number of a query; count from 0", field="query")
    return int(given)
