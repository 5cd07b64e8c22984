"""Rules from text: `rules.toml` becomes a `RuleSet`, or an error that says what to mend."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from rankers.rules.checks import beyond
from rankers.rules.faults import Fault, Use, faults_in
from rankers.rules.matching import Rule, RuleSet, Scope
from rankers.rules.wire import (
    FilterBody,
    RuleBody,
    RulesBody,
    SponsoredBody,
    WhenBody,
)
from search.errors import BadInput
from search.types import Effects, Filter, Filters, Gain, Pin, Sponsored

Analyze = Callable[[str], Sequence[str]]
"""The stems of a text's words, as queries have them."""
NAME = "rules.toml"
SEPARATOR = " > "


def parse_rules(text: str, analyze: Analyze, *, most: int, name: str = NAME) -> RuleSet:
    """The rules of a file; at most `most` hits of a page may be sponsored.

    Raises:
        BadInput: something cannot be used; names the file, the line, the rule, the field and the
            remedy of what comes first.
    """
    body = parse_body(text, name)
    try:
        return compile_rules(body, analyze, most=most, version=mark(text), name=name)
    except BadInput:  # which does not know the line
        raise faults_in(text, Use(analyze, most))[0].error(name) from None


def parse_body(text: str, name: str = NAME) -> RulesBody:
    """The rules of a file as they are written.

    Raises:
        BadInput: as `parse_rules`.
    """
    try:
        return RulesBody.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError):
        raise faults_in(text)[0].error(name) from None


def mark(text: str) -> str:
    """Tells one text of the rules from another."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def compile_rules(
    body: RulesBody, analyze: Analyze, *, most: int, version: str, name: str = NAME
) -> RuleSet:
    """Rules ready to be matched, the most important first.

    Raises:
        BadInput: a phrase holds no word, a rule ends before it begins, or has more sponsored slots
            than allowed.
    """
    zone, stems = ZoneInfo(body.zone), cache(analyze)
    for rule in body.rule:
        for field, problem in beyond(rule, stems, most, zone):
            raise Fault(None, repr(rule.id), field, problem).error(name)
    rules = [_rule(each, zone, stems, most) for each in body.rule]
    return RuleSet.of(version, sorted(rules, key=lambda rule: -rule.priority), analyze)


def _rule(body: RuleBody, zone: ZoneInfo, analyze: Analyze, most: int) -> Rule:
    start, end = _begin(body.start, zone), _end(body.until, zone)
    return Rule(
        body.id, body.priority, start, end, _scope(body.when, analyze), _effects(body, most)
    )


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
