"""The words a shop uses and what is known about each, written once and mapped."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Self

import marisa_trie
import numpy as np

from query.spelling.buckets import mapped
from query.spelling.words import base_forms, singulars, spellable

MOST_TERMS = 300_000
"""The most words of the catalogue and its log; the least used are left out."""

CATALOGUE, ENGLISH, BRAND, DOUBTFUL, PROTECTED = 1, 2, 4, 8, 16
"""Flags of a word: used by the shop; in the list of common English words; the whole name of a
brand; looks like a typing error of a frequent word; in the shop's own `protected.txt`."""

_ENGLISH_MASS = 0.02
"""The share of all uses that English words together stand for."""
_FUNCTION_WORD, _FUNCTION_USE = 0.0008, 0.2
"""English words of at least this share (`with`, `and`, `the`) are searched for less than titles use
them."""
_DERIVED = 0.05
"""How much an inflection that the catalogue lacks is used, against its base form."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words by id. `counts` are uses (float32), `flags` a sum of the above (uint8), `families` the
    id that stands for all inflections of a word (uint32), `logs` the natural logarithm of the share
    of all uses, `shares` the share of its family's (float32); each has one item per id."""

    trie: marisa_trie.Trie
    counts: memoryview
    flags: memoryview
    families: memoryview
    logs: memoryview
    shares: memoryview

    @classmethod
    def open(cls, directory: Path) -> Self:
        """Maps what `write_vocabulary` wrote."""
        trie = marisa_trie.Trie()
        trie.mmap(str(directory / "words.marisa"))
        columns = (mapped(directory / f"{name}.npy") for name in _COLUMNS)
        return cls(trie, *columns)

    def id(self, word: str) -> int:
        """The id of a word, -1 when it is unknown."""
        found: int = self.trie.get(word, -1)
        return found

    def familiar(self, word: str) -> int:
        """The id of a word, of what it is an inflection of, or of its plural; -1 when none of them
        is known."""
        found = self.id(word)
        if found < 0:
            found = self.base(word)
        return self._frequent(word + "s") if found < 0 and not word.endswith("s") else found

    def base(self, word: str) -> int:
        """The id of the word that this one is an inflection of, -1 when that is unknown. The list
        of English words has their inflections too: other forms of theirs (`swiming`) are errors."""
        plural_of = next((i for b in singulars(word) if (i := self._frequent(b)) >= 0), -1)
        if plural_of >= 0:
            return plural_of
        found = (self._frequent(base) for base in base_forms(word))
        return next((i for i in found if i >= 0 and not self.flags[i] & ENGLISH), -1)

    def word(self, number: int) -> str:
        """The word of an id."""
        restored: str = self.trie.restore_key(number)
        return restored

    def _frequent(self, word: str) -> int:
        found = self.id(word)
        frequent = found >= 0 and (self.counts[found] >= 3 or self.flags[found] & ENGLISH)
        return found if frequent and not self.flags[found] & DOUBTFUL else -1


_COLUMNS = ("counts", "flags", "families", "logs", "shares")


class Counts(Mapping[str, int]):
    """A vocabulary as symspellpy wants it: word to frequency, the shop's own words only."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def __getitem__(self, word: str) -> int:
        found = self._vocabulary.id(word)
        if found < 0:
            raise KeyError(word)
        return int(self._vocabulary.counts[found]) + 1

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self._vocabulary.id(word) >= 0

    def __iter__(self) -> Iterator[str]:
        return iter(self._vocabulary.trie.iterkeys())

    def __len__(self) -> int:
        return len(self._vocabulary.trie)


@cache
def english_words() -> Mapping[str, float]:
    """Common English words and their share of all uses (the 82,765 that symspellpy ships: Google
    Books n-grams that SCOWL knows too)."""
    path = files("symspellpy") / "frequency_dictionary_en_82_765.txt"
    pairs = (line.split() for line in path.read_text("utf-8-sig").splitlines())
    found = {word: float(count) for word, count in pairs if word.isalpha()}
    total = sum(found.values())
    return {word: count / total for word, count in found.items()}


def write_vocabulary(
    directory: Path, weights: Mapping[str, float], brands: set[str], protected: set[str]
) -> Vocabulary:
    """Writes the words of `weights` (uses), English ones beside them, and opens the result."""
    english = english_words()
    uses = _chosen(weights, english)
    trie = marisa_trie.Trie([*uses, *english, *(protected - uses.keys())])
    trie.save(str(directory / "words.marisa"))
    words = [trie.restore_key(i) for i in range(len(trie))]
    counts = np.array([uses.get(word, 0.0) for word in words], np.float32)
    flags = [_flags(word, uses, english, brands, protected) for word in words]
    total = max(1.0, float(counts.sum()))
    background = np.array([english.get(word, 0.0) for word in words]) * _ENGLISH_MASS
    damped = np.array([english.get(word, 0.0) > _FUNCTION_WORD for word in words])
    asked = np.where(damped, _FUNCTION_USE, 1.0) * counts / total
    shares = asked * (1 - _ENGLISH_MASS) + background + 1e-12
    families = np.array([_family(word, trie, uses) for word in words], np.int64)
    together = np.bincount(families, counts + 1e-3, len(words))[families]
    np.save(directory / "counts.npy", counts)
    np.save(directory / "flags.npy", np.array(flags, np.uint8))
    np.save(directory / "families.npy", families.astype(np.uint32))
    np.save(directory / "logs.npy", np.log(shares).astype(np.float32))
    np.save(directory / "shares.npy", ((counts + 1e-3) / together).astype(np.float32))
    return Vocabulary.open(directory)


def _chosen(weights: Mapping[str, float], english: Mapping[str, float]) -> dict[str, float]:
    """The most used words, and inflections of frequent ones that the catalogue happens to lack."""
    known = {word: uses for word, uses in weights.items() if spellable(word)}
    if len(known) > MOST_TERMS:
        least = sorted(known.values(), reverse=True)[MOST_TERMS - 1]
        known = {word: uses for word, uses in known.items() if uses >= least}
        known = dict(list(known.items())[:MOST_TERMS])
    for word in english:
        base = next((b for b in base_forms(word) if known.get(b, 0) >= 3), None)
        if base and word not in known and spellable(word) and len(known) < MOST_TERMS:
            known[word] = _DERIVED * known[base]
    return known


def _flags(
    word: str,
    uses: Mapping[str, float],
    english: Mapping[str, float],
    brands: set[str],
    protected: set[str],
) -> int:
    return (
        CATALOGUE * (word in uses)
        | ENGLISH * (word in english)
        | BRAND * (word in brands)
        | PROTECTED * (word in protected)
    )


def _family(word: str, trie: marisa_trie.Trie, uses: Mapping[str, float]) -> int:
    own: int = trie[word]
    if not word.endswith("s") or word not in uses:
        return own
    base = next((b for b in base_forms(word) if b in uses and len(b) > 2), word)
    return int(trie[base])


def log_ratio(above: float, below: float) -> float:
    """How many times `below` goes into `above`, as a logarithm; uses may be 0."""
    return math.log((above + 0.5) / (below + 0.5))
