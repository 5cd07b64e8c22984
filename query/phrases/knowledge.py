"""What the catalogue says about conditions: its prices, and how its titles use their words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import marisa_trie
import orjson

from search.errors import IndexCorrupt

FACTS, WORDS, PAIRS = "facts.json", "words.marisa", "pairs.marisa"
_BEYOND = 3.0
"""How many times more, or less, than nearly all products a measure may still be wished for."""
_CHEAPER = 2.0
_REMEDY = "index the catalogue again"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is small enough to be read at once.

    `low` and `high` are the 5 % and 99 % quantiles of the prices, in units of `currency`.
    `contexts` are the pairs of title words of which one may announce a condition (`air max`,
    `budget planner`, `non stick`, `sugar free`, `max 90`), `names` such pairs with the word before
    (`listen without prejudice`). `parts` are words that titles write after `with`: what a
    product may come without. `stated` maps a preference to the share of titles that contain it.
    `values` maps a phrase to the fields and values that mean it: `lid` to
    (`attributes.lid`, `true`). `describing` are words of colors and other short values, `models`
    brands that look like a measure (`3m`), `ranges` what titles measure, by dimension.
    """

    low: float | None = None
    high: float | None = None
    currency: str = ""
    contexts: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    parts: frozenset[str] = frozenset()
    stated: Mapping[str, float] = field(default_factory=dict)
    values: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    describing: frozenset[str] = frozenset()
    models: frozenset[str] = frozenset()
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def plausible(self, price: float) -> bool:
        """Whether a bare number may be a price here."""
        return (
            self.low is not None
            and self.high is not None
            and self.low / _CHEAPER <= price <= self.high * _BEYOND
        )

    def usual(self, dimension: str, value: float) -> bool:
        """Whether products here measure about so much, in the dimension's base unit."""
        low, high = self.ranges.get(dimension, (1.0, 0.0))
        return low / _BEYOND <= value <= high * _BEYOND

    def to_json(self) -> bytes:
        """The facts as JSON."""
        return orjson.dumps(
            {
                "low": self.low,
                "high": self.high,
                "currency": self.currency,
                "contexts": sorted(self.contexts),
                "names": sorted(self.names),
                "parts": sorted(self.parts),
                "stated": dict(self.stated),
                "values": dict(self.values),
                "describing": sorted(self.describing),
                "models": sorted(self.models),
                "ranges": dict(self.ranges),
            }
        )

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """Reads what `to_json` wrote."""
        read = orjson.loads(text)
        for name in ("contexts", "names", "parts", "describing", "models"):
            read[name] = frozenset(read[name])
        read["values"] = {
            phrase: tuple((name, value) for name, value in fields)
            for phrase, fields in read["values"].items()
        }
        return cls(**read)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """The facts, every word of the titles, and the pairs of words that belong together."""

    facts: Facts = Facts()
    words: marisa_trie.Trie = field(default_factory=marisa_trie.Trie)
    pairs: marisa_trie.Trie = field(default_factory=marisa_trie.Trie)

    def write(self, directory: Path) -> None:
        """Writes three files."""
        (directory / FACTS).write_bytes(self.facts.to_json())
        self.words.save(str(directory / WORDS))
        self.pairs.save(str(directory / PAIRS))

    @classmethod
    def open(cls, directory: Path) -> Self:
        """Opens what `write` wrote; words and pairs are mapped, not read.

        Raises:
            IndexCorrupt: a file is missing or is not what was written.
        """
        try:
            facts = Facts.from_json((directory / FACTS).read_bytes())
            words, pairs = marisa_trie.Trie(), marisa_trie.Trie()
            words.mmap(str(directory / WORDS))
            pairs.mmap(str(directory / PAIRS))
        except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
            raise IndexCorrupt(f"{directory} cannot be read ({error}); {_REMEDY}") from error
        return cls(facts, words, pairs)
