"""Rules from text: `rules.toml` becomes a `RuleSet`, or an error that says what to mend."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError

from rankers.rules.matching import Rule, RuleSet, Scope
from rankers.rules.wire import (
    FilterBody,
    PinBody,
    RuleBody,
    RulesBody,
    SponsoredBody,
    WeightBody,
    WhenBody,
)
from search.errors import BadInput
from search.types import Effects, Filter, Filters, Gain, Pin, Sponsored

Analyze = Callable[[str], Sequence[str]]
"""The stems of a text's words, as queries have them."""
NAME = "rules.toml"
SEPARATOR = " > "
_PARTS: Mapping[Any, type[BaseModel]] = {
    "rule": RuleBody,
    "when": WhenBody,
    "pin": PinBody,
    "boost": WeightBody,
    "bury": WeightBody,
    "filters": FilterBody,
    "sponsored": SponsoredBody,
}
_HEADER = re.compile(r"[ \t]*\[\[[ \t]*rule[ \t]*\]\]")
_UNION = ("str", "WhenBody")
"""What pydantic adds to a place to tell the members of a union, beside what is no name at all."""
_EXAMPLE = 'a table such as { query = "kettle" }'


def parse_rules(text: str, analyze: Analyze, *, most: int, name: str = NAME) -> RuleSet:
    """The rules of a file; at most `most` hits of a page may be sponsored.

    Raises:
        BadInput: something cannot be used; names the file, the rule, the field and the remedy.
    """
    body, places = parse_body(text, name), _places(text, name)
    return compile_rules(body, analyze, most=most, version=mark(text), name=name, places=places)


def parse_body(text: str, name: str = NAME) -> RulesBody:
    """The rules of a file as they are written.

    Raises:
        BadInput: as `parse_rules`.
    """
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{name} is not TOML: {error}; mend that place", field="rules") from None
    try:
        return RulesBody.model_validate(given)
    except ValidationError as error:
        raise fault(error, given, name, _places(text, name)) from None


def _places(text: str, name: str) -> tuple[str, ...]:
    """The file and the line of each `[[rule]]`; () where rules are written in another form."""
    lines = enumerate(text.split("\n"), 1)
    return tuple(f"{name}, line {number}" for number, line in lines if _HEADER.match(line))


def mark(text: str) -> str:
    """Tells one text of the rules from another."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def compile_rules(
    body: RulesBody,
    analyze: Analyze,
    *,
    most: int,
    version: str,
    name: str = NAME,
    places: Sequence[str] = (),
) -> RuleSet:
    """Rules ready to be matched, the most important first; `places` say where each is written.

    Raises:
        BadInput: a phrase holds no word, or a rule has more sponsored slots than allowed.
    """
    zone = ZoneInfo(body.zone)
    places = places if len(places) == len(body.rule) else [name] * len(body.rule)
    rules = [
        _rule(each, zone, analyze, most, place)
        for each, place in zip(body.rule, places, strict=True)
    ]
    return RuleSet.of(version, sorted(rules, key=lambda rule: -rule.priority), analyze)


def _rule(body: RuleBody, zone: ZoneInfo, analyze: Analyze, most: int, name: str) -> Rule:
    def wrong(field: str, problem: str) -> BadInput:
        return BadInput(f"{name}: rule {body.id!r}, {field}: {problem}", field=field)

    start, end = _begin(body.start, zone), _end(body.until, zone)
    if start is not None and end is not None and start >= end:
        raise wrong("until", f"{body.until} is before from, {body.start}; swap them")
    if body.sponsored and (body.sponsored.most or 0) > most:
        raise wrong(
            "sponsored.most",
            f"{body.sponsored.most} is more than the {most} that a page may have; lower it, or "
            "raise sponsored_per_page in [rules] of the settings",
        )
    scope = _scope(body.when, analyze)
    if () in scope.phrases:
        raise wrong("when.query", "a query holds no word; write words, or leave query out")
    return Rule(body.id, body.priority, start, end, scope, _effects(body, most))


def _begin(moment: date | datetime | None, zone: ZoneInfo) -> datetime | None:
    if moment is None or isinstance(moment, datetime):
        return moment
    return datetime.combine(moment, time(), zone).astimezone(UTC)


def _end(moment: date | datetime | None, zone: ZoneInfo) -> datetime | None:
    """The moment at which it is over: `until` is the last that belongs to it."""
    if isinstance(moment, datetime):
        return moment + timedelta(microseconds=1)
    return _begin(moment + timedelta(days=1), zone) if moment is not None else None


def _scope(when: str | WhenBody, analyze: Analyze) -> Scope:
    if isinstance(when, str):
        return Scope()
    return Scope(
        phrases=tuple(tuple(analyze(text)) for text in when.phrases),
        match=when.match,
        category=tuple(when.category.split(SEPARATOR)) if when.category else (),
        segment=when.segment,
    )


def _effects(body: RuleBody, most: int) -> Effects:
    gains = [Gain(_filters(each.filters), each.weight, body.id) for each in body.boost]
    gains += [Gain(_filters(each.filters), -each.weight, body.id) for each in body.bury]
    paid = body.sponsored
    return Effects(
        rules=(body.id,),
        pins=tuple(Pin(each.id, each.position, body.id, each.sold_out) for each in body.pin),
        gains=tuple(gains),
        filters=_filters(body.filters),
        redirect=body.redirect,
        sponsored=(_sponsored(paid, body.id, most),) if paid else (),
    )


def _sponsored(body: SponsoredBody, rule: str, most: int) -> Sponsored:
    return Sponsored(
        rule=rule,
        positions=tuple(sorted(body.positions)),
        products=tuple(dict.fromkeys(body.ids)),
        filters=_filters(body.filters),
        most=body.most or most,
        force=body.force,
    )


def _filters(bodies: Sequence[FilterBody]) -> Filters:
    return tuple(
        Filter(each.name, each.values, each.low, each.high, each.exclude) for each in bodies
    )


def fault(error: ValidationError, given: Any, name: str, places: Sequence[str] = ()) -> BadInput:
    """The first thing wrong, with its rule, its field and what to do; `places` say where each rule
    is written."""
    first, place = _innermost(error)
    where = name
    holder: type[BaseModel] = RulesBody
    if len(place) > 1 and place[0] == "rule":
        where = places[place[1]] if place[1] in range(len(places)) else name
        where += f": rule {_id(given, place[1])}"
        place, holder = place[2:], RuleBody
    holder = next((_PARTS[part] for part in reversed(place[:-1]) if part in _PARTS), holder)
    field = ".".join(map(str, place))
    return BadInput(
        f"{where}{', ' * bool(field)}{field}: {_told(first, holder)}", field=field or "rule"
    )


def _innermost(error: ValidationError) -> tuple[Any, list[Any]]:
    """The first error and its place; of a union's several, the one that got furthest."""
    faults = error.errors(include_url=False)
    places = [_place(each) for each in faults]
    of_first = [n for n, place in enumerate(places) if place[: len(places[0])] == places[0]]
    best = max(of_first, key=lambda n: (len(places[n]), -n))
    return faults[best], places[best]


def _place(error: Any) -> list[Any]:
    *way, last = error["loc"] or ("",)
    place = [p for p in way if isinstance(p, int) or (p.isidentifier() and p not in _UNION)]
    own = error["type"] == "extra_forbidden" or isinstance(last, int)
    return [*place, last] if own or (last.isidentifier() and last not in _UNION) else place


def _id(given: Any, place: int) -> str:
    try:
        return repr(given["rule"][place]["id"])
    except (KeyError, TypeError, IndexError):
        return f"number {place + 1}"


def _told(first: Any, holder: type[BaseModel]) -> str:
    kind, message = first["type"], first["msg"].removeprefix("Value error, ")
    if kind == "extra_forbidden":
        known = (field.alias or each for each, field in holder.model_fields.items())
        return f"unknown field; known are {', '.join(known)}"
    if kind == "missing":
        return "is missing; add it"
    if kind == "literal_error":
        other = f", or {_EXAMPLE}" if "everywhere" in first["ctx"]["expected"] else ""
        return f"{first['input']!r} is unknown; write {first['ctx']['expected']}{other}"
    mended = "" if kind == "value_error" else "; mend the value"
    return f"{message[:1].lower()}{message[1:]}{mended}"
