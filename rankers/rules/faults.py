"""Everything that is wrong with the text of rules, each with its line and what to do."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError

from rankers.rules.checks import Problem, beyond, contradictions, hint
from rankers.rules.lines import Path, line_at, lines_of
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

_PARTS: Mapping[Any, type[BaseModel]] = {
    "rule": RuleBody,
    "when": WhenBody,
    "pin": PinBody,
    "boost": WeightBody,
    "bury": WeightBody,
    "filters": FilterBody,
    "sponsored": SponsoredBody,
}
_UNION = ("str", "WhenBody")
"""What pydantic adds to a place to tell the members of a union, beside what is no name at all."""
_BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}
"""How pydantic calls numbers that are too low or too high, and what to write instead."""
_WHOLE = "a whole number, such as 10"
_MUST = {
    "int_parsing": _WHOLE,
    "int_type": _WHOLE,
    "int_from_float": _WHOLE,
    "float_parsing": "a number, such as 0.5",
    "float_type": "a number, such as 0.5",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "string_type": 'a text in quotes, such as "one"',
    "tuple_type": "a list in brackets",
    "model_type": "a table in braces",
}
"""What is to be written, by the kind of fault."""
_LONGEST = 60
_EXAMPLE = 'a table such as { query = "kettle" }'
_HEADER = re.compile(r"[ \t]*\[\[[ \t]*rule[ \t]*\]\]")
_NUMBER = re.compile(r"\.(\d+)(\.|$)")
_AT = re.compile(r"\(at line (\d+), column \d+\)")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that cannot be used: the 1-based `line`, None where the rules are no text; the
    `rule` by its id, or its number where it has none, "" where it is about no rule; the `field`,
    "" for the rule as a whole, its places in lists counted from 0; and the `problem` with what to
    do."""

    line: int | None
    rule: str
    field: str
    problem: str

    def told(self, name: str) -> str:
        """In one sentence, which counts from 1; `name` says what holds the rules."""
        parts = (f"rule {self.rule}" if self.rule else "", _counted(self.field))
        about = ", ".join(filter(None, parts))
        if not about:  # a text that is no TOML says where, and another form has no lines
            return f"{name}{':' if self.line is None else ''} {self.problem}"
        where = name if self.line is None else f"{name}, line {self.line}"
        return f"{where}: {about}: {self.problem}"

    def error(self, name: str) -> BadInput:
        """The same for who asked for rules to be used."""
        return BadInput(self.told(name), field=self.field or ("rule" if self.rule else "rules"))


@dataclass(frozen=True, slots=True)
class Use:
    """What rules are put to use with: the stems of a text's words, and how many hits of a page may
    be sponsored."""

    analyze: Callable[[str], Sequence[str]]
    most: int


def faults_in(text: str, use: Use | None = None) -> tuple[Fault, ...]:
    """Everything wrong with a file's text, from its beginning to its end; without `use`, with its
    form alone. Of a rule that is no TOML the rest is told too, where it can be told apart."""
    broken: list[Fault] = []
    given = _parsed(text, broken)
    if given is None:
        text = _without_rule(text, broken[0].line or 0)
        given = _parsed(text, [])
    if given is None:
        return tuple(broken)
    lines = lines_of(text)
    found = [*broken, *faults_of(given, use, lines)]
    return tuple(sorted(found, key=lambda fault: fault.line or 0))


def faults_of(
    given: Any, use: Use | None = None, lines: Mapping[Path, int] | None = None
) -> Iterator[Fault]:
    """Everything wrong with rules as they were read; `lines` say where each part is written."""
    rules = given.get("rule") if isinstance(given, Mapping) else None
    rules = rules if isinstance(rules, list) else []
    misshapen: set[str | int] = set()
    try:
        RulesBody.model_validate(given)
    except ValidationError as error:
        for each, place in _innermost(error):
            if not _of_a_whole(each, place):
                misshapen.update(place[1:2])
                yield _fault(place, _told(each, _holder(place)), given, lines)
    for number, rule in enumerate(rules):
        if isinstance(rule, Mapping):
            for field, problem in _problems(rule, use, _zone(given)):
                if field or number not in misshapen:
                    yield _fault(_path(number, field), problem, given, lines)
    yield from _doubled(rules, given, lines)


def _problems(rule: Mapping[str, Any], use: Use | None, zone: ZoneInfo) -> Iterator[Problem]:
    yield from contradictions(rule)
    if use is not None:
        yield from beyond(rule, use.analyze, use.most, zone)


def _doubled(rules: list[Any], given: Any, lines: Mapping[Path, int] | None) -> Iterator[Fault]:
    seen: set[str] = set()
    for number, rule in enumerate(rules):
        name = rule.get("id") if isinstance(rule, Mapping) else None
        if isinstance(name, str):
            if name in seen:
                problem = f"two rules have the id {name!r}; rename one"
                yield _fault(("rule", number, "id"), problem, given, lines)
            seen.add(name)


def _parsed(text: str, broken: list[Fault]) -> Mapping[str, Any] | None:
    """What a text says; None, with the fault added, where it is no TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _AT.search(str(error))
        line = int(found.group(1)) if found else len(text.rstrip().split("\n"))
        broken.append(Fault(line, "", "", f"is not TOML: {error}; mend that place"))
        return None


def _without_rule(text: str, line: int) -> str:
    """The text with the rule that holds a line left blank, so that all others keep theirs."""
    rows = text.split("\n")
    starts = [n for n, row in enumerate(rows) if _HEADER.match(row) or row.startswith("[[rule")]
    begin = max((n for n in starts if n < line), default=0)
    end = min((n for n in starts if n >= line), default=len(rows))
    return "\n".join([*rows[:begin], *[""] * (end - begin), *rows[end:]])


def _fault(place: Path, problem: str, given: Any, lines: Mapping[Path, int] | None) -> Fault:
    line = None if lines is None else line_at(lines, place) or 1
    if len(place) > 1 and place[0] == "rule":
        return Fault(line, _id(given, place[1]), _joined(place[2:]), problem)
    return Fault(line, "", _joined(place), problem)


def _counted(field: str) -> str:
    """A field as people count: `boost.0.filters.1.low` is `boost 1, filters 2, low`."""
    return _NUMBER.sub(lambda found: f" {int(found[1]) + 1}{', ' if found[2] else ''}", field)


def _shown(value: Any) -> str:
    """A value that was written, cut short where it is long."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _joined(place: Sequence[str | int]) -> str:
    return ".".join(map(str, place))


def _path(number: int, field: str) -> Path:
    parts = (int(part) if part.isdigit() else part for part in field.split(".") if part)
    return ("rule", number, *parts)


def _zone(given: Any) -> ZoneInfo:
    try:
        return ZoneInfo(given["zone"])
    except (KeyError, TypeError, ValueError, OSError):
        return ZoneInfo("UTC")


def _innermost(error: ValidationError) -> Iterator[tuple[Any, Path]]:
    """Each error and its place; of a union's several at one place, the one that got furthest."""
    found: dict[Path, Any] = {}
    for each in error.errors(include_url=False):
        found.setdefault(_place(each), each)
    for place, each in found.items():
        if not any(other[: len(place)] == place for other in found if len(other) > len(place)):
            yield each, place


def _of_a_whole(error: Any, place: Path) -> bool:
    """Whether it is one of those that `contradictions` and `_doubled` find, in every rule."""
    return error["type"] == "value_error" and (
        not place or (len(place) == 2 and place[0] == "rule")
    )


def _place(error: Any) -> Path:
    *way, last = error["loc"] or ("",)
    place = [p for p in way if isinstance(p, int) or (p.isidentifier() and p not in _UNION)]
    own = error["type"] == "extra_forbidden" or isinstance(last, int)
    kept = own or (last.isidentifier() and last not in _UNION)
    return (*place, last) if kept else tuple(place)


def _holder(place: Path) -> type[BaseModel]:
    within = place[2:] if len(place) > 1 and place[0] == "rule" else place
    outer: type[BaseModel] = RuleBody if within is not place else RulesBody
    return next((_PARTS[part] for part in reversed(within[:-1]) if part in _PARTS), outer)


def _id(given: Any, place: Any) -> str:
    try:
        return repr(given["rule"][place]["id"])
    except (KeyError, TypeError, IndexError):
        return f"number {place + 1}"


def _told(first: Any, holder: type[BaseModel]) -> str:
    kind, message = first["type"], first["msg"].removeprefix("Value error, ")
    if kind == "extra_forbidden":
        known = [field.alias or each for each, field in holder.model_fields.items()]
        return f"unknown field; known are {', '.join(known)}{hint(str(first['loc'][-1]), known)}"
    if kind == "missing":
        return "is missing; add it"
    if kind == "literal_error":
        other = f", or {_EXAMPLE}" if "everywhere" in first["ctx"]["expected"] else ""
        return f"{first['input']!r} is unknown; write {first['ctx']['expected']}{other}"
    if kind in _BOUNDS:
        name, remedy = _BOUNDS[kind]
        return f"{first['input']!r} is out of range; write {remedy} {first['ctx'][name]:g}"
    if kind == "string_pattern_mismatch":
        return f"{first['input']!r} has other characters; write letters, digits, dots, dashes, _"
    if kind in _MUST:
        return f"must be {_MUST[kind]}, not {_shown(first['input'])}"
    mended = "" if kind == "value_error" else "; mend the value"
    return f"{message[:1].lower()}{message[1:]}{mended}"
