"""How a browser is let in: a page that takes an API key, once, and gives a session for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from api.access import identify, require_own_origin
from api.context import context_of
from api.errors import UnsupportedMedia
from api.lab.page import Form, Notes, Page
from api.lab.refusal import LOGIN, LOGOUT, login_form
from api.lab.rendering import render
from api.problems import kind_of
from api.security.sessions import COOKIE
from api.state import AppState
from search.errors import AisleError

_FRESH = {"Cache-Control": "no-store"}
_LOCAL = re.compile(r"/(?![/\\])[!-\[\]-~]{0,1000}")
"""A path of this server: browsers read `//host` and `/\\host` as other servers."""


def login_routes(state: AppState, styles: Sequence[str]) -> list[BaseRoute]:
    """The page and its two requests."""
    desk = _Desk(state, styles)
    return [
        Route(LOGIN, desk.page, methods=["GET"]),
        Route(LOGIN, desk.login, methods=["POST"]),
        Route(LOGOUT, desk.logout, methods=["POST"]),
    ]


def local_path(given: str) -> str:
    """Where to go on: a path of this server, `/lab` for anything else."""
    return given if _LOCAL.fullmatch(given) else "/lab"


class _Desk:
    """Answers browsers."""

    def __init__(self, state: AppState, styles: Sequence[str]) -> None:
        self.state = state
        self.styles = styles

    async def page(self, request: Request) -> Response:
        """The form, or who is signed in."""
        context_of(request.scope).route = LOGIN
        path = local_path(request.query_params.get("next", "/lab"))
        try:
            key = identify(request, self.state)
        except AisleError:
            key = None
        if not self.state.keys.in_use:
            line = "aisle keys create --name me --scope admin"
            note = Notes(
                ("There are no API keys here, so everyone who reaches it may do all.",), line
            )
            return self._html(Page("Sign in", "No key is needed.", (note,)))
        if key is not None:
            form = Form("logout", LOGOUT, "Sign out", (), "post")
            said = f"This browser is signed in with the key {key.name}: {', '.join(key.scopes)}."
            return self._html(Page("Signed in", said, (form,)))
        return self._html(Page("Sign in", "Enter an API key of this server.", (login_form(path),)))

    async def login(self, request: Request) -> Response:
        """Takes a key; what the browser then keeps is not the key."""
        context_of(request.scope).route = LOGIN
        given: dict[str, str] = {}
        try:
            given = await self._form(request)
            key = self.state.keys.find(given.get("key", "").strip())
        except AisleError as error:
            kind = kind_of(error)
            form = login_form(local_path(given.get("next", "/lab")))
            said = str(error)
            return self._html(
                Page("Sign in", f"{said[:1].upper()}{said[1:]}.", (form,)), kind.status
            )
        value, seconds = self.state.keys.sign(key)
        context_of(request.scope).facts["key"] = key.name
        answer = RedirectResponse(local_path(given.get("next", "/lab")), 303, _FRESH)
        secure = request.url.scheme == "https"
        answer.set_cookie(
            COOKIE, value, seconds, path="/", secure=secure, httponly=True, samesite="strict"
        )
        return answer

    async def logout(self, request: Request) -> Response:
        """Ends the browser's session."""
        context_of(request.scope).route = LOGOUT
        answer = RedirectResponse(LOGIN, 303, _FRESH)
        try:
            require_own_origin(request)
        except AisleError as error:
            return self._html(Page("Sign out", f"{error}."), kind_of(error).status)
        answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
        return answer

    async def _form(self, request: Request) -> dict[str, str]:
        """What a browser sends of a form, for pages of this server alone."""
        require_own_origin(request)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded":
            raise UnsupportedMedia("send the form as a browser does")
        body = (await request.body()).decode("utf-8", "replace")
        given = parse_qs(body, keep_blank_values=True, max_num_fields=10)
        return {name: values[0] for name, values in given.items()}

    def _html(self, page: Page, status: int = 200) -> Response:
        return HTMLResponse(render(page, LOGIN, "", self.styles, ()), status, _FRESH)
