"""The shop's own rules: what it wants of some requests, whatever a ranking thinks."""

from __future__ import annotations

from rankers.rules.book import RuleBook
from rankers.rules.checks import hint, meant
from rankers.rules.edit import put_rule, remove_rule, write_rules
from rankers.rules.faults import Fault, Use, faults_in, faults_of
from rankers.rules.matching import RuleSet
from rankers.rules.names import Name, names_in
from rankers.rules.parse import compile_rules, mark, parse_body, parse_rules
from rankers.rules.wire import RuleBody, RulesBody

__all__ = [
    "Fault",
    "Name",
    "RuleBody",
    "RuleBook",
    "RuleSet",
    "RulesBody",
    "Use",
    "compile_rules",
    "faults_in",
    "faults_of",
    "hint",
    "mark",
    "meant",
    "names_in",
    "parse_body",
    "parse_rules",
    "put_rule",
    "remove_rule",
    "write_rules",
]
