"""Words that mean the same in every shop, and the shop's own support pages."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from query.intent.keys import Keys, key, sorted_keys
from query.stem import stems
from query.text import words


@dataclass(frozen=True, slots=True)
class Phrases:
    """The bundled phrases as keys; `function` words as they stand."""

    function: frozenset[str]
    audiences: Keys
    occasions: Keys
    support: Keys


@cache
def bundled_phrases() -> Phrases:
    """The words of `phrases.toml`."""
    table = _table()
    return Phrases(
        frozenset(table["function"]),
        *(phrase_keys(table[name]) for name in ("audiences", "occasions", "support")),
    )


def examples() -> Mapping[str, Sequence[str]]:
    """Example queries by kind (`support`, `broad`) and the `traps`, with `{type}`, `{brand}`."""
    found: Mapping[str, Sequence[str]] = _table()["examples"]
    return found


def phrase_keys(phrases: Sequence[str]) -> Keys:
    """The keys of phrases as a query's words would be looked up."""
    return sorted_keys(key(stems(words(phrase))) for phrase in phrases)


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files("query.intent").joinpath("phrases.toml").read_text("utf-8"))
