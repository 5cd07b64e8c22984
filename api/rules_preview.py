"""What rules change about one answer."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date, datetime
from datetime import time as clock_time
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from api.requests import first_fault
from rankers.rules.wire import Moment
from search.types import Hit, Move, SearchResponse


@dataclass(frozen=True, slots=True)
class PreviewHit:
    """One hit, and what rules did to it."""

    id: str
    title: str
    position: int
    sponsored: bool
    moves: tuple[Move, ...]


@dataclass(frozen=True, slots=True)
class Shift:
    """A product whose place on the page is another; null where it is not on the page."""

    id: str
    title: str
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class PreviewSide:
    """One answer: its hits, their number, and the rules that apply."""

    hits: tuple[PreviewHit, ...]
    total: int
    rules: tuple[str, ...]
    redirect: str | None


@dataclass(frozen=True, slots=True)
class RulesPreview:
    """The answer before and after, and every product of either page that moved, in the order of the
    page after."""

    before: PreviewSide
    after: PreviewSide
    shifts: tuple[Shift, ...]


def compare(before: SearchResponse, after: SearchResponse) -> RulesPreview:
    """What became of an answer."""
    places = {hit.product.id: hit.position for hit in before.hits}
    later = {hit.product.id: hit.position for hit in after.hits}
    titles = {hit.product.id: hit.product.title for hit in (*after.hits, *before.hits)}
    shifts = (Shift(each, titles[each], places.get(each), later.get(each)) for each in titles)
    moved = tuple(each for each in shifts if each.before != each.after)
    return RulesPreview(_side(before), _side(after), moved)


def _side(answer: SearchResponse) -> PreviewSide:
    hits = tuple(map(_hit, answer.hits))
    return PreviewSide(hits, answer.total, answer.rules, answer.redirect)


def _hit(hit: Hit) -> PreviewHit:
    return PreviewHit(hit.product.id, hit.product.title, hit.position, hit.sponsored, hit.moves)


def moment_of(given: Any, zone: str) -> float:
    """The moment asked about, in seconds since 1970: now without one, noon of a day.

    Raises:
        BadInput: it is no day, nor a moment with its zone.
    """
    if given is None:
        return time.time()
    try:
        asked: date | datetime = TypeAdapter(Moment).validate_python(given)
    except ValidationError as error:
        raise first_fault(error, "at") from None
    if not isinstance(asked, datetime):
        asked = datetime.combine(asked, clock_time(12), ZoneInfo(zone))
    return asked.timestamp()
