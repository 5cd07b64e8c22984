"""`GET /v1/suggest`: what the typed words may become, and the first products of the best."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from api.context import context_of
from api.endpoint import Endpoint, Parameter, json_response
from api.requests import printable
from api.responses import server_timing
from api.state import AppState
from query.suggest import Kind, Suggestion
from search.errors import AisleError, BadInput
from search.settings import LimitSettings
from search.types import Filter, SearchRequest

MOST = 50
_SIZE = 10
_RECENT = 10
_SESSION_CHARACTERS = 200
_PRODUCTS = 4
PRODUCTS_SECONDS = 0.15
"""How long the words wait for the products under them."""
_CACHED = "public, max-age=60"
_PARAMETERS = ("q", "size", "recent", "session", "products")
_FLAGS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class SuggestionBody:
    """One suggestion. A `category`, a path joined by ` > `, means that the text is to be searched
    within it (`filter.category`); of the kind `category`, that it is to be shown, without a search
    for words. `highlight` is HTML with the typed part in `<mark>`. `products`
    is the number of products it finds at least."""

    text: str
    kind: Kind
    category: str | None
    highlight: str
    products: int | None


@dataclass(frozen=True, slots=True)
class SuggestedProduct:
    """A product that the best suggestion finds, or the typed words when there is none."""

    id: str
    title: str
    price: float | None
    currency: str | None
    image: str | None


@dataclass(frozen=True, slots=True)
class SuggestBody:
    """Suggestions, best first. `note` says why there are none, or no products, when it is not for
    lack of matches; `version` is that of the index."""

    query: str
    suggestions: tuple[SuggestionBody, ...]
    products: tuple[SuggestedProduct, ...]
    version: str
    milliseconds: float
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for."""

    query: str
    size: int = _SIZE
    recent: tuple[str, ...] = ()
    session: str | None = None
    products: bool = False


@dataclass(slots=True)
class _Clock:
    started: float = field(default_factory=time.perf_counter)
    timings: dict[str, float] = field(default_factory=dict)

    def note(self, stage: str, since: float) -> None:
        self.timings[stage] = (time.perf_counter() - since) * 1000


async def suggest_get(request: Request, state: AppState) -> Response:
    """Suggests for what was typed so far."""
    asked = parse_suggest(request.query_params.multi_items(), state.settings.limits)
    clock = _Clock()
    view = await state.search.engine.view()
    suggester = await state.suggesters.of(view)
    start = time.perf_counter()
    found = suggester.complete(asked.query, asked.size, asked.recent) if suggester else ()
    clock.note("suggest", start)
    products, late = await _products(state, asked, found, clock) if asked.products else ((), None)
    clock.note("total", clock.started)
    absent = None if suggester else "this index holds no suggestions; index the catalogue again"
    body = SuggestBody(
        query=asked.query,
        suggestions=tuple(map(suggestion_body, found)),
        products=products,
        version=view.version,
        milliseconds=round(clock.timings["total"], 3),
        note=absent or late,
    )
    context = context_of(request.scope)
    context.stages.update(clock.timings)
    context.facts.update(query=asked.query[:200], suggestions=len(found), version=view.version)
    if asked.session:
        context.facts["session"] = asked.session
    return json_response(body, headers=_headers(asked, clock, body.note))


def _headers(asked: Asked, clock: _Clock, note: str | None) -> dict[str, str]:
    """One shopper's answers are kept by that shopper's browser alone, incomplete ones by none."""
    cached = _CACHED.replace("public", "private") if asked.recent or asked.session else _CACHED
    return {
        "Server-Timing": server_timing(clock.timings),
        "Cache-Control": "no-store" if note else cached,
    }


async def _products(
    state: AppState, asked: Asked, found: Sequence[Suggestion], clock: _Clock
) -> tuple[tuple[SuggestedProduct, ...], str | None]:
    """The first products of the best suggestion, and why there are none when they are late."""
    if not found and not asked.query.strip():
        return (), None
    wanted = _wanted(asked.query, found)
    start = time.perf_counter()
    try:
        response = await asyncio.wait_for(state.search.search(wanted), PRODUCTS_SECONDS)
    except TimeoutError:
        return (), "the products took too long; ask again"
    except AisleError as error:
        return (), f"the products cannot be searched: {error}"
    finally:
        clock.note("products", start)
    shown = (hit.product for hit in response.hits)
    return tuple(SuggestedProduct(p.id, p.title, p.price, p.currency, p.image) for p in shown), None


def _wanted(typed: str, found: Sequence[Suggestion]) -> SearchRequest:
    """The search for the best suggestion with words; a category alone says little of what is
    looked for."""
    best = next((each for each in found if each.kind != "category"), next(iter(found), None))
    if best is None:
        return SearchRequest(typed, size=_PRODUCTS, group=True, sponsored=False)
    filters = (Filter("category", (" > ".join(best.category),)),) if best.category else ()
    words = "" if best.kind == "category" else best.text
    return SearchRequest(words, filters=filters, size=_PRODUCTS, group=True, sponsored=False)


def suggestion_body(suggestion: Suggestion) -> SuggestionBody:
    """A suggestion as answered."""
    return SuggestionBody(
        text=suggestion.text,
        kind=suggestion.kind,
        category=" > ".join(suggestion.category) or None,
        highlight=suggestion.highlight,
        products=suggestion.products,
    )


def parse_suggest(pairs: Sequence[tuple[str, str]], limits: LimitSettings) -> Asked:
    """What is asked, from the pairs of a query string.

    Raises:
        BadInput: a parameter is unknown, given twice, or has a value that cannot be used.
    """
    given: dict[str, str] = {}
    recent: list[str] = []
    for name, value in pairs:
        if name not in _PARAMETERS:
            known = ", ".join(_PARAMETERS)
            raise BadInput(f"unknown parameter {name!r}; known are {known}", field=name)
        if name == "recent":
            recent.append(value)
        elif name in given:
            raise BadInput(f"{name} is given more than once; give it once", field=name)
        else:
            given[name] = value
    _bounded("q", given.get("q", ""), limits.query_characters)
    _bounded("session", given.get("session", ""), _SESSION_CHARACTERS)
    if len(recent) > _RECENT:
        raise BadInput(f"recent is given {len(recent)} times, at most {_RECENT}", field="recent")
    for text in recent:
        _bounded("recent", text, limits.query_characters)
    return Asked(
        query=printable(given.get("q", "")),
        size=_size(given.get("size", str(_SIZE))),
        recent=tuple(map(printable, recent)),
        session=printable(given["session"]) if given.get("session") else None,
        products=_flag(given.get("products", "false")),
    )


def _bounded(name: str, text: str, limit: int) -> None:
    if len(text) > limit:
        raise BadInput(f"{name} is too large: {len(text)} characters, at most {limit}", field=name)


def _size(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and int(text) <= MOST):
        raise BadInput(f"size must be a whole number from 0 to {MOST}", field="size")
    return int(text)


def _flag(text: str) -> bool:
    if text not in _FLAGS:
        raise BadInput("products must be true or false", field="products")
    return _FLAGS[text]


def suggest_endpoint(limits: LimitSettings, problems: tuple[int, ...]) -> Endpoint:
    """The line of the table of endpoints."""
    text = {"type": "string", "maxLength": limits.query_characters}
    size = {"type": "integer", "minimum": 0, "maximum": MOST, "default": _SIZE}
    recent = {"type": "array", "items": text, "maxItems": _RECENT}
    session = {"type": "string", "maxLength": _SESSION_CHARACTERS}
    parameters = (
        Parameter("q", "query", "What was typed so far; empty for what is asked most", text),
        Parameter("size", "query", "Suggestions to return", size),
        Parameter(
            "recent",
            "query",
            "The shopper's last queries and categories visited (paths joined by ` > `), the last "
            "one last; repeat the parameter. What goes with them comes sooner",
            recent,
            explode=True,
        ),
        Parameter("session", "query", "Names the shopper's session in the log", session),
        Parameter(
            "products",
            "query",
            "Whether to add the first products of the best suggestion",
            {"type": "boolean", "default": False},
        ),
    )
    return Endpoint(
        "GET", "/v1/suggest", "suggest", "Complete what is being typed", suggest_get,
        {200: ("The suggestions", SuggestBody)}, problems, parameters, scope="search",
    )  # fmt: skip
