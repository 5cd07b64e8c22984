"""The shop's own rules: what it wants of some requests, whatever a ranking thinks."""

from __future__ import annotations

from rankers.rules.book import RuleBook
from rankers.rules.edit import put_rule, remove_rule, write_rules
from rankers.rules.matching import RuleSet
from rankers.rules.parse import compile_rules, fault, mark, parse_body, parse_rules
from rankers.rules.wire import RuleBody, RulesBody

__all__ = [
    "RuleBody",
    "RuleBook",
    "RuleSet",
    "RulesBody",
    "compile_rules",
    "fault",
    "mark",
    "parse_body",
    "parse_rules",
    "put_rule",
    "remove_rule",
    "write_rules",
]
