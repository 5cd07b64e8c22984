"""The shop's own support pages: `support.toml` in the directory of its lists.

```toml
[[page]]
title = "Returns and refunds"
url = "/help/returns"
phrases = ["return", "refund", "send back"]
```
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from query.intent.keys import key
from query.stem import stems
from query.text import words
from search.errors import BadInput
from search.types import Link

MOST_LINKS = 3
_REMEDY = 'write one [[page]] table each, with title = "…", url = "…" and phrases = ["…"]'


@dataclass(frozen=True, slots=True)
class Page:
    """A support page and the phrases that ask for it."""

    link: Link
    phrases: tuple[str, ...]


_SAFE = re.compile(r"(?:https?:|mailto:|tel:|/(?!/))", re.IGNORECASE)


class Support:
    """Finds the pages that answer a support query."""

    def __init__(self, pages: Sequence[Page]) -> None:
        self._links = [page.link for page in pages]
        self._pages: dict[int, list[tuple[int, int]]] = {}
        for place, page in enumerate(pages):
            for phrase in page.phrases:
                found = stems(words(phrase))
                self._pages.setdefault(key(found), []).append((place, len(found)))

    def links(self, keys: Sequence[int]) -> tuple[Link, ...]:
        """The pages with a phrase among the query's phrases, given by key; those with the longest
        phrase first, then in the file's order; at most `MOST_LINKS`."""
        best: dict[int, int] = {}
        for each in keys:
            for place, length in self._pages.get(each, ()):
                best[place] = max(length, best.get(place, 0))
        ordered = sorted(best, key=lambda place: (-best[place], place))
        return tuple(self._links[place] for place in ordered[:MOST_LINKS])


def read_support(path: Path) -> tuple[Page, ...]:
    """The pages of a shop's `support.toml`, in order.

    Raises:
        BadInput: no TOML, or a page without title, url or phrases; names the page and the remedy.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInput(
            f"{path} cannot be read as TOML ({error}); {_REMEDY}", field="understanding.lists"
        ) from error
    pages = table.get("page", [])
    if not isinstance(pages, list) or set(table) - {"page"}:
        raise BadInput(f"{path} holds more than [[page]] tables; {_REMEDY}", field="page")
    return tuple(_page(each, f"{path}, page {number}") for number, each in enumerate(pages, 1))


def _page(table: Any, place: str) -> Page:
    texts = {
        name: table.get(name) if isinstance(table, dict) else None for name in ("title", "url")
    }
    for name, text in texts.items():
        if not isinstance(text, str) or not text.strip():
            raise BadInput(f"{place}: {name} is missing or no text; {_REMEDY}", field=name)
    if not _SAFE.match(str(texts["url"])):
        raise BadInput(
            f"{place}: url must begin with https:, http:, mailto:, tel: or a single /", field="url"
        )
    phrases = table.get("phrases")
    good = isinstance(phrases, list) and all(isinstance(p, str) and words(p) for p in phrases)
    if not good or not phrases:
        raise BadInput(f"{place}: phrases must be a list of texts; {_REMEDY}", field="phrases")
    return Page(Link(str(texts["title"]), str(texts["url"])), tuple(phrases))


def write_pages(pages: Sequence[Page], directory: Path) -> None:
    """`support.json`, for `open_support`."""
    rows = [[page.link.title, page.link.url, list(page.phrases)] for page in pages]
    (directory / "support.json").write_text(json.dumps(rows, ensure_ascii=False), "utf-8")


def open_support(directory: Path) -> Support:
    """What `write_pages` wrote."""
    rows = json.loads((directory / "support.json").read_text("utf-8"))
    return Support([Page(Link(title, url), tuple(phrases)) for title, url, phrases in rows])
