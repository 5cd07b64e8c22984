"""Queries a catalogue could be asked, right and wrong: what confidence is learned on.

Clean ones are cut from titles, categories, brands and the query log. Some stand for what a shop
has not heard of: a rare word of a title that the corrector must take for unknown, a word of English
that the catalogue lacks, words of two products that nobody put together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from query.parts import Corpus
from query.spelling.candidates import Candidates
from query.spelling.counting import CatalogueCounts, trusted
from query.spelling.noise import misspell
from query.spelling.vocabulary import BRAND, CATALOGUE, DOUBTFUL, ENGLISH, english_words
from query.spelling.words import spellable
from query.text import normalize, words

_COMMON_WORDS = 12_000
"""English words that shoppers may well type."""

_NAME = 6
"""Letters of a name, at least: shorter English words lie closer together than names do."""
_SELDOM = 20
"""Uses up to which a word might as well be unknown."""


@dataclass(frozen=True, slots=True)
class Example:
    """A query as typed and as meant; `hidden` is a word that counts as unknown in it."""

    typed: tuple[str, ...]
    meant: tuple[str, ...]
    hidden: str = ""


class ExampleSource:
    """Draws queries of one catalogue; the same seed gives the same."""

    def __init__(
        self, counts: CatalogueCounts, corpus: Corpus, candidates: Candidates, random: Random
    ) -> None:
        vocabulary = candidates.vocabulary
        self._random, self._vocabulary, self._candidates = random, vocabulary, candidates
        self._titles = [title for title in counts.titles_kept() if title]
        self._brands = [words(normalize(brand)) for brand in counts.brands]
        self._categories = [words(path[-1]) for path in counts.categories]
        self._log = [words(q.text) for q in corpus.query_log if trusted(q)]
        english = sorted(english_words().items(), key=lambda item: -item[1])
        lacking = [
            word
            for word, _ in english
            if spellable(word) and not vocabulary.flags[vocabulary.id(word)] & CATALOGUE
        ]
        self._english = lacking[:_COMMON_WORDS]
        self._obscure = [word for word in lacking[_COMMON_WORDS:] if len(word) >= _NAME]

    def near(self, word: str) -> list[str]:
        """Words of the shop that differ from `word` by one error."""
        return [words[0] for words, _, _ in self._candidates.words(word, 1)[:3]]

    def cuts(self, word: str) -> list[tuple[str, str]]:
        """The ways to cut `word` into two words of the shop."""
        return [(words[0], words[1]) for words, _, _ in self._candidates.cuts(word)]

    def clean(self, number: int) -> list[Example]:
        """That many correct queries; fewer from a small catalogue."""
        found = (self._clean_one() for _ in range(3 * number) if self._titles)
        return _distinct((example for example in found if example), number)

    def misspelled(self, number: int) -> list[Example]:
        """That many misspelled queries whose words the catalogue knows; fewer from a small one."""
        return _distinct(self._misspelled(3 * number if self._titles else 0), number)

    def _misspelled(self, tries: int) -> Iterator[Example]:
        for _ in range(tries):
            meant = self._query()
            if len(meant) > 1 and self._random.random() < 0.1:
                meant = [self._random.choice(meant)]
            if meant and all(self._sure(word) for word in meant):
                typed = misspell(meant, self._random, self)
                if typed:
                    yield Example(tuple(typed), tuple(meant))

    def _clean_one(self) -> Example | None:
        meant = self._query()
        kind = self._random.random()
        if kind < 0.1:
            return self._with_unknown(meant)
        if kind < 0.2 and self._english:
            meant = meant if self._random.random() < 0.8 else []
            meant.insert(self._random.randint(0, len(meant)), self._random.choice(self._english))
        elif kind < 0.3:
            meant = [*meant[:2], *self._query()[:1]]
        if not meant or any(self._doubtful(word) for word in meant):
            return None
        return Example(tuple(meant), tuple(meant))

    def _with_unknown(self, meant: list[str]) -> Example:
        """A query with a word that is to be taken for unknown: a rare one of a title, or an obscure
        one of English in place of a name nobody here has heard of."""
        rare = [w for w in self._random.choice(self._titles) if self._rare(w)]
        if not rare or self._random.random() < 0.5:
            rare = self._obscure
        hidden = self._random.choice(rare)
        rest = [word for word in meant if word != hidden][: self._random.randint(0, 2)]
        typed = (hidden, *rest) if self._random.random() < 0.6 else (*rest, hidden)
        return Example(typed, typed, hidden)

    def _query(self) -> list[str]:
        kind, random = self._random.random(), self._random
        if self._log and kind < 0.4:
            return list(random.choice(self._log))
        title = random.choice(self._titles)
        if self._categories and kind > 0.9:
            return list(random.choice(self._categories))
        if self._brands and kind > 0.75:
            return [*random.choice(self._brands), *self._picked(title, random.randint(0, 2))]
        if kind > 0.55:
            return self._picked(title, random.randint(1, 3))
        start = random.randrange(len(title))
        return title[start : start + random.choice((1, 2, 2, 3, 3, 4))]

    def _picked(self, title: Sequence[str], number: int) -> list[str]:
        """Some words of a title, in its order."""
        places = sorted(self._random.sample(range(len(title)), min(number, len(title))))
        return [title[place] for place in places]

    def _sure(self, word: str) -> bool:
        """True for what is spelled right as far as one can tell: a word used often, or no word."""
        if not spellable(word):
            return True
        number = self._vocabulary.id(word)
        if number < 0 or self._vocabulary.flags[number] & DOUBTFUL:
            return False
        often = 3 if not self._vocabulary.flags[number] & BRAND else 1
        return bool(self._vocabulary.counts[number] >= often)

    def _doubtful(self, word: str) -> bool:
        number = self._vocabulary.id(word)
        return number >= 0 and bool(self._vocabulary.flags[number] & DOUBTFUL)

    def _rare(self, word: str) -> bool:
        """True for what might as well be the word of a new product: seldom used, no English, no
        inflection of a known word, and not likely a typing error."""
        vocabulary = self._vocabulary
        number = vocabulary.id(word) if spellable(word) and len(word) > 3 else -1
        if number < 0 or vocabulary.flags[number] & (ENGLISH | DOUBTFUL):
            return False
        least = 1 if vocabulary.flags[number] & BRAND else 2
        return least <= vocabulary.counts[number] <= _SELDOM and vocabulary.base(word) < 0


def _distinct(examples: Iterator[Example], number: int) -> list[Example]:
    found: dict[Example, None] = {}
    for example in examples:
        found[example] = None
        if len(found) >= number:
            break
    return list(found)
