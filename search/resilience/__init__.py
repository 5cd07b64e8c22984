"""Failing well: how long a request may wait, and what keeps a dependency that is away or slow from
taking everything with it (docs/failing.md)."""

from search.resilience import stages
from search.resilience.deadline import allowed, end, remaining, until, within
from search.resilience.guard import CLOSED, HALF_OPEN, OPEN, Guard, watching
from search.resilience.notes import hearing, note
from search.resilience.retrying import tried
from search.resilience.turns import Turns

__all__ = [
    "CLOSED",
    "HALF_OPEN",
    "OPEN",
    "Guard",
    "Turns",
    "allowed",
    "end",
    "hearing",
    "note",
    "remaining",
    "stages",
    "tried",
    "until",
    "watching",
    "within",
]
