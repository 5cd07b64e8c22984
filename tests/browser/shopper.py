"""Opens pages as a shopper would, and keeps an account of what went wrong in them."""

from __future__ import annotations

import contextlib
import re
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, Request

TIMEOUT_MS = 6_000


class Shopper:
    """One shopper's visits to the shop at `url`.

    `faults` collects errors in the console, uncaught exceptions, and requests to any other host.
    """

    def __init__(self, browser: Browser, url: str) -> None:
        self.faults: list[str] = []
        self._expected: list[str] = []
        self._browser, self._url = browser, url
        self._contexts = contextlib.ExitStack()

    def open(self, path: str = "/", **options: Any) -> Page:
        """A page in a fresh profile; `options` are those of a browser context."""
        context = self._browser.new_context(base_url=self._url, **options)
        self._contexts.callback(context.close)
        context.set_default_timeout(TIMEOUT_MS)
        page = context.new_page()
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.faults.append(f"uncaught: {error}"))
        page.on("request", self._request)
        page.goto(path)
        return page

    def expects(self, pattern: str) -> None:
        """Says that faults like this are brought about on purpose."""
        self._expected.append(pattern)

    def leave(self) -> list[str]:
        """Closes everything; returns the faults that nobody expected."""
        self._contexts.close()
        return [f for f in self.faults if not any(re.search(p, f) for p in self._expected)]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.faults.append(f"console: {message.text} {message.location.get('url', '')}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self._url + "/", "data:")):
            self.faults.append(f"request to another host: {request.url}")
