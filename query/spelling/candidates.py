"""What may have been meant: for one typed word, for two run together, for one torn apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Literal

from symspellpy import Verbosity
from symspellpy.suggest_item import SuggestItem

from query.spelling import buckets
from query.spelling.channel import EDIT, LIKELY, SPACE, cost
from query.spelling.language import Language
from query.spelling.sounds import sound_key
from query.spelling.symmetric import MappedSymSpell
from query.spelling.vocabulary import BRAND, CATALOGUE, DOUBTFUL, ENGLISH, Vocabulary
from query.spelling.words import plausible_part, spellable

Kind = Literal["word", "split", "merge", "shift"]

BEST = 8
"""Words kept for a typed one."""
_LEAST_USES, _LEAST_USES_UNSURE = 0.3, 1.5
"""A word in fewer texts (a description is a tenth of a title) is no use to search for; nor is one
seen once that no dictionary knows: it may be the error."""
_SOUNDS = 5
_PRICED = 20
"""Words whose error is looked at closely, nearest and most used first."""
_PLENTY = 8
"""Uses of a word one error away that make looking for two errors pointless."""
_PARTS = 3
_HALVES, _HALF, _SURE_HALF = 3, 4, 3.0
"""Ways to split a word one half of which is misspelled; its least letters, and the other's uses."""
_SHORTEST_PAIR, _LONGEST_PAIR = 8, 24
_LONG = 5
"""Letters from which on two errors in a word are thought of."""


@dataclass(frozen=True, slots=True)
class Edit:
    """The words of the query from `first` up to `last` were meant as `words`, known by `ids`;
    `cost` in nats."""

    first: int
    last: int
    words: tuple[str, ...]
    ids: tuple[int, ...]
    cost: float
    kind: Kind


Meant = tuple[tuple[str, ...], tuple[int, ...], float]
"""Words, their ids, and the cost of having typed them so."""


@dataclass(frozen=True)
class Candidates:
    """Finds what typed words may have been meant as. Everything is remembered for a while: the same
    errors come again."""

    vocabulary: Vocabulary
    language: Language
    symspell: MappedSymSpell
    sounds: buckets.Buckets

    def __post_init__(self) -> None:
        # Per instance, so that a snapshot's words go when it goes.
        for name in ("words", "splits", "merged"):
            object.__setattr__(self, name, lru_cache(20_000)(getattr(self, name)))

    def words(self, typed: str, distance: int = 2) -> tuple[Meant, ...]:
        """Single words, best first by use and cost; short ones have but one error."""
        near = self._lookup(typed, 1)
        if distance > 1 and len(typed) >= _LONG and not any(i.count > _PLENTY for i in near):
            near = self._lookup(typed, 2)
        found = {item.term for item in near[:_PRICED]}
        found.update(self._alike(typed))
        found.discard(typed)
        scored = [
            (self.vocabulary.logs[number] - price, word, number, price)
            for word in found
            if (number := self._usable(word)) >= 0 and (price := cost(typed, word)) < len(word) * 3
        ]
        scored.sort(reverse=True)
        return tuple(((word,), (number,), price) for _, word, number, price in scored[:BEST])

    def splits(self, typed: str) -> tuple[Meant, ...]:
        """Two words that stand together and were run together, perhaps one of them misspelled."""
        found = self._adjacent(self.cuts(typed)) or self._adjacent(self._bad_cuts(typed))
        log = self.language.log
        found.sort(key=lambda cut: cut[2] - log(cut[1][0], ()) - log(cut[1][1], cut[1][:1]))
        return tuple(found[:_PARTS])

    def _adjacent(self, cuts: Iterator[Meant]) -> list[Meant]:
        return [cut for cut in cuts if self.language.adjacent(cut[1][0], cut[1][1]) > 0]

    def merged(self, one: str, other: str, doubtful: bool) -> tuple[Meant, ...]:
        """One word that was torn apart, or two whose space was misplaced; with `doubtful`, also
        when the whole is misspelled."""
        whole = one + other
        number = self._usable(whole)
        if number >= 0:
            return (((whole,), (number,), SPACE),)
        if not doubtful:
            return ()
        near = [item.term for item in self._lookup(whole, 1)] if len(whole) >= _LONG else []
        found: list[Meant] = [
            ((word,), (i,), SPACE + cost(whole, word))
            for word in near
            if (i := self._usable(word)) >= 0
        ]
        shifted = (cut for cut in self.cuts(whole) if cut[0][0] != one)
        moved = [(words, ids, SPACE + 1.0) for words, ids, _ in shifted]
        return tuple(sorted(found, key=lambda meant: meant[2])[:_PARTS] + moved[:_PARTS])

    def near(self, word: str) -> list[tuple[str, int]]:
        """The words one edit away, and their uses."""
        return [(item.term, item.count) for item in self._lookup(word, 1) if item.distance == 1]

    def _lookup(self, typed: str, distance: int) -> list[SuggestItem]:
        found: list[SuggestItem] = self.symspell.lookup(typed, Verbosity.ALL, distance)
        return found

    def _alike(self, typed: str) -> Iterator[str]:
        """The most used words that sound like the typed one."""
        key = sound_key(typed)
        if len(key) < 2:
            return
        entries = self.sounds.near(buckets.hash_one(sound_number(key)))
        words = (self.vocabulary.word(number) for number in entries[: 4 * _SOUNDS])
        same = (w for w in words if abs(len(w) - len(typed)) <= 3 and sound_key(w) == key)
        yield from islice(same, _SOUNDS)

    def _usable(self, word: str) -> int:
        """The id of a word that may be put in a query, -1 for any other."""
        found = self.vocabulary.id(word)
        usable = found >= 0 and self.vocabulary.flags[found] & (CATALOGUE | DOUBTFUL) == CATALOGUE
        if not usable or not spellable(word):
            return -1
        sure = self.vocabulary.flags[found] & (ENGLISH | BRAND)
        least = _LEAST_USES if sure else _LEAST_USES_UNSURE
        return found if self.vocabulary.counts[found] >= least else -1

    def _part(self, word: str) -> int:
        """The id of a word that may be half of another, -1 for any other; short ones may be too."""
        found = self.vocabulary.id(word)
        usable = found >= 0 and self.vocabulary.flags[found] & (CATALOGUE | DOUBTFUL) == CATALOGUE
        return found if usable and self.vocabulary.counts[found] >= 1 else -1

    def cuts(self, typed: str) -> Iterator[Meant]:
        """Every way to read a word as two that were run together."""
        for place in range(2, len(typed) - 1):
            left, right = typed[:place], typed[place:]
            if plausible_part(left) and plausible_part(right):
                ids = self._part(left), self._part(right)
                if min(ids) >= 0:
                    yield (left, right), ids, SPACE

    def _bad_cuts(self, typed: str) -> Iterator[Meant]:
        """Cuts through a letter that both words share (`hardrive`), or of which one half is a word,
        four letters at least, and the other nearly one."""
        if not _SHORTEST_PAIR <= len(typed) <= _LONGEST_PAIR:
            return
        halves: list[tuple[float, int, bool]] = []
        for place in range(3, len(typed) - 2):
            first, second = self._part(typed[:place]), self._part(typed[place:])
            again = self._part(typed[place - 1 :])
            if min(first, again) >= 0:
                yield (typed[:place], typed[place - 1 :]), (first, again), SPACE + LIKELY
            counts = self.vocabulary.counts
            if first >= 0 and place >= _HALF <= len(typed) - place:
                halves.append((counts[first], place, True))
            if second >= 0 and place >= _HALF <= len(typed) - place:
                halves.append((counts[second], place, False))
        for count, place, first_good in sorted(halves, reverse=True)[:_HALVES]:
            if count >= _SURE_HALF:
                yield from self._mended(typed[:place], typed[place:], first_good)

    def _mended(self, left: str, right: str, first_good: bool) -> Iterator[Meant]:
        """Two words, the bad one of which is corrected."""
        good, bad = (left, right) if first_good else (right, left)
        number = self._part(good)
        for (word,), (meant,), price in self.words(bad, 1)[:2]:
            if price <= EDIT:
                words = (good, word) if first_good else (word, good)
                ids = (number, meant) if first_good else (meant, number)
                yield words, ids, SPACE + price


def sound_number(key: str) -> int:
    """A key of the table of sounds, as a number of 64 bits (its first eight letters)."""
    return int.from_bytes(key[:8].encode("latin-1", "replace"), "little")
