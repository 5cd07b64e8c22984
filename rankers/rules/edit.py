"""Changes to the text of the rules that leave everything else, comments too, as it was."""

from __future__ import annotations

import re
from typing import Any

import tomlkit

from rankers.rules.parse import parse_body
from rankers.rules.wire import RuleBody, RulesBody
from search.errors import BadInput

_HEADER = re.compile(r"^[ \t]*\[\[[ \t]*rule[ \t]*\]\]", re.MULTILINE)
_BETWEEN = re.compile(r"(?:^[ \t]*(?:#[^\n]*)?\n)*\Z", re.MULTILINE)
"""Blank lines and comments at the end of a rule: they are about the next one."""


def write_rules(body: RulesBody) -> str:
    """Rules as a file's text."""
    return "\n".join([f'zone = "{body.zone}"\n', *map(_written, body.rule)])


def put_rule(text: str, rule: RuleBody) -> str:
    """The text with a rule in the place of the one with its id, or at the end. Comments stay,
    except those within the rule that is replaced. The whole file is written anew where its rules
    are no plain `[[rule]]` tables.

    Raises:
        BadInput: the text cannot be used as it is.
    """
    body = parse_body(text)
    place = _place(body, rule.id)
    if place is None:
        wanted = body.model_copy(update={"rule": (*body.rule, rule)})
        parts = [text, "" if not text or text.endswith("\n") else "\n", "\n" if text else ""]
        return _checked("".join([*parts, _written(rule)]), wanted)
    rules = (*body.rule[:place], rule, *body.rule[place + 1 :])
    return _spliced(text, place, _written(rule), body.model_copy(update={"rule": rules}))


def remove_rule(text: str, rule_id: str) -> str | None:
    """The text without a rule, and otherwise as `put_rule`; None when it has none of this id.

    Raises:
        BadInput: the text cannot be used as it is.
    """
    body = parse_body(text)
    place = _place(body, rule_id)
    if place is None:
        return None
    rules = (*body.rule[:place], *body.rule[place + 1 :])
    return _spliced(text, place, "", body.model_copy(update={"rule": rules}))


def _place(body: RulesBody, rule_id: str) -> int | None:
    return next((n for n, each in enumerate(body.rule) if each.id == rule_id), None)


def _spliced(text: str, place: int, instead: str, wanted: RulesBody) -> str:
    """The text with another text in place of a rule's tables."""
    starts = [match.start() for match in _HEADER.finditer(text)]
    if place >= len(starts):
        return write_rules(wanted)
    end = starts[place + 1] if place + 1 < len(starts) else len(text)
    own = text[starts[place] : end]
    if not own.endswith("\n"):
        own += "\n"
    between = _BETWEEN.search(own)
    kept = between.group() if between else ""
    return _checked(text[: starts[place]] + instead + kept + text[end:], wanted)


def _checked(text: str, wanted: RulesBody) -> str:
    """The text if it says what is wanted, else a new one that does."""
    try:
        found = parse_body(text)
    except BadInput:
        found = None
    return text if found == wanted else write_rules(wanted)


def _written(rule: RuleBody) -> str:
    """A rule as a `[[rule]]` table, what it holds in one line each."""
    table = tomlkit.table()
    for name, value in rule.model_dump(by_alias=True, exclude_defaults=True).items():
        table.add(name, _inline(value))
    return f"[[rule]]\n{table.as_string()}"


def _inline(value: Any) -> Any:
    if isinstance(value, dict):
        inline = tomlkit.inline_table()
        for name, each in value.items():
            inline.append(name, _inline(each))
        return inline
    if isinstance(value, list | tuple):
        array = tomlkit.array()
        array.extend(map(_inline, value))
        return array
    return tomlkit.item(value)
