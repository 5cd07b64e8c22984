"""What no field of a rule tells by itself: fields that contradict each other.

Works on rules as they were written, checked or not: what has not the form it should is told
elsewhere and passed over here, so that one fault does not hide another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

EVERYWHERE = "everywhere"
ACTIONS = ("pin", "boost", "bury", "filters", "redirect", "sponsored")
Problem = tuple[str, str]
"""The field, and what is wrong with it and what to do."""
_LIKE = 0.6
"""How alike two names are of which one may be meant by the other, 0 to 1."""


def contradictions(rule: Any) -> Iterator[Problem]:
    """What is wrong with a rule's fields beside each other."""
    if not any(field_of(rule, name) for name in ACTIONS):
        yield "", "does nothing; add pin, boost, bury, filters, redirect or sponsored"
    if field_of(rule, "redirect") and field_of(rule, "when") == EVERYWHERE:
        yield "redirect", "redirect everywhere would leave no search; say when"
    pins = items_of(rule, "pin")
    places = [(f"pin.{n}.position", field_of(pin, "position")) for n, pin in enumerate(pins)]
    paid = items_of(field_of(rule, "sponsored"), "positions")
    places += [(f"sponsored.positions.{n}", each) for n, each in enumerate(paid)]
    for field, place in _repeated(places):
        yield field, f"position {place} is taken twice; give each its own"
    products = [(f"pin.{n}.id", field_of(pin, "id")) for n, pin in enumerate(pins)]
    for field, _ in _repeated(products):
        yield field, "pin names a product twice; name each once"


def beyond(
    rule: Any,
    analyze: Callable[[str], Sequence[str]],
    most: int,
    zone: ZoneInfo,
) -> Iterator[Problem]:
    """What is wrong with a rule where it is put to use: at most `most` hits of a page may be
    sponsored, and days begin and end in `zone`."""
    start, end = _moment(field_of(rule, "from", "start")), _moment(field_of(rule, "until"))
    if start is not None and end is not None and _first(start, zone) >= _over(end, zone):
        yield "until", f"{end} is before from, {start}; swap them"
    paid = field_of(field_of(rule, "sponsored"), "most")
    if isinstance(paid, int) and paid > most:
        yield (
            "sponsored.most",
            f"{paid} is more than the {most} that a page may have; lower it, or raise "
            "sponsored_per_page in [rules] of the settings",
        )
    queries = field_of(field_of(rule, "when"), "query")
    for text in (
        [queries] if isinstance(queries, str) else items_of(field_of(rule, "when"), "query")
    ):
        if isinstance(text, str) and text and not analyze(text):
            yield "when.query", "a query holds no word; write words, or leave query out"


def hint(written: str, known: Sequence[str]) -> str:
    """The known name that was probably meant, as a question to add to a fault; "" for none."""
    folded = {each.casefold(): each for each in reversed(known)}
    near = get_close_matches(written.casefold(), folded, 1, _LIKE)
    return meant(folded[near[0]]) if near else ""


def meant(name: str) -> str:
    """Asks whether a name was meant; to be added to a fault."""
    return f"; did you mean {name!r}?"


def moment_of(value: Any) -> date | datetime:
    """A day, or a moment with its zone.

    Raises:
        ValueError: it is neither; says what to write.
    """
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{value!r} is no date; write 2026-11-27") from None
    if not isinstance(value, date):
        raise ValueError("is no date; write 2026-11-27, or a moment with its zone")
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ValueError("has a time but no zone; write 2026-11-27T18:00:00+01:00, or Z for UTC")
    return value


def _moment(value: Any) -> date | datetime | None:
    """The same; None for what is neither."""
    try:
        return moment_of(value)
    except ValueError:
        return None


def _first(moment: date | datetime, zone: ZoneInfo) -> datetime:
    if isinstance(moment, datetime):
        return moment
    return datetime.combine(moment, time(), zone)


def _over(moment: date | datetime, zone: ZoneInfo) -> datetime:
    if isinstance(moment, datetime):
        return moment + timedelta(microseconds=1)
    return _first(moment + timedelta(days=1), zone)


def field_of(part: Any, *names: str) -> Any:
    """A field, whatever holds it, by the first of its names that is there."""
    for name in names:
        found = part.get(name) if isinstance(part, Mapping) else getattr(part, name, None)
        if found is not None:
            return found
    return None


def items_of(part: Any, name: str) -> Sequence[Any]:
    """The items of a list; none where there is no list."""
    found = field_of(part, name)
    return found if isinstance(found, list | tuple) else ()


def _repeated(pairs: Sequence[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    seen: list[Any] = []
    for field, value in pairs:
        if value is not None and value in seen:
            yield field, value
        seen.append(value)
