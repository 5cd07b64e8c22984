"""What a browser is shown in place of a page: why, and where to enter a key when that helps."""

from __future__ import annotations

from starlette.datastructures import URL

from api.errors import Forbidden, OutOfScope, Unauthorized
from api.lab.page import Field, Form, Page
from search.errors import AisleError

LOGIN, LOGOUT = "/login", "/logout"


def login_form(path: str) -> Form:
    """Asks for a key, and leads back to where it was asked for."""
    fields = (Field("next", "", path), Field("key", "API key", secret=True))
    return Form("login", LOGIN, "Sign in", fields, "post")


def refusal(title: str, error: AisleError, url: URL, above: tuple[str, str] | None = None) -> Page:
    """The page that says why another is not shown."""
    if isinstance(error, Unauthorized):
        said = "Enter an API key of this server that is for the lab."
        path = f"{url.path}?{url.query}" if url.query else url.path
        return Page("Sign in", said, (login_form(path),), above=above)
    forms = (login_form(url.path),) if isinstance(error, Forbidden | OutOfScope) else ()
    said = str(error)
    return Page(title, f"{said[:1].upper()}{said[1:]}.", forms, above=above)
