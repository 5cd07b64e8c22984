"""Other forms of words, learned from titles: written together and apart, and irregular plurals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise

from query.expansion.synonyms import Phrase, Synonym, parse_synonyms
from query.stem import stems

FEWEST = 2
"""Titles each form must be in."""
_SHORTEST = 5
_FUNCTION = frozenset(
    (
        *("a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "in", "into", "is", "it"),
        *("of", "on", "or", "the", "to", "with", "no", "not", "so", "up"),
    )
)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """In how many titles words and pairs of neighbors occur, as written and by stem."""

    words: Counter[str]
    pairs: Counter[Phrase]
    stems: frozenset[str]
    stem_pairs: frozenset[Phrase]

    def holds(self, phrase: Phrase) -> bool:
        """Whether titles hold the words of a phrase, neighbors as neighbors, in any inflection."""
        found = stems(phrase)
        return all(stem in self.stems for stem in found) and all(
            pair in self.stem_pairs for pair in pairwise(found)
        )


def read_vocabulary(titles: Iterable[Sequence[str]]) -> Vocabulary:
    """Counts the words of titles."""
    found: Counter[str] = Counter()
    pairs: Counter[Phrase] = Counter()
    for title in titles:
        found.update(set(title))
        pairs.update(set(pairwise(title)))
    stem_of = dict(zip(found, stems(list(found)), strict=True))
    stem_pairs = frozenset((stem_of[a], stem_of[b]) for a, b in pairs)
    return Vocabulary(found, pairs, frozenset(stem_of.values()), stem_pairs)


def bundled(name: str, vocabulary: Vocabulary) -> Iterator[Synonym]:
    """The pairs of a bundled file whose other form is in the catalogue."""
    text = files("query.expansion").joinpath(name).read_text("utf-8")
    for pair in parse_synonyms(text, name):
        if vocabulary.holds(pair.instead):
            yield pair


def compounds(vocabulary: Vocabulary) -> Iterator[Synonym]:
    """Words that titles write both together and apart (`teapot`, `tea pot`, `tea-pot`), each for
    the other. Pairs with a preposition or article are chance neighbors (`in door`), and
    so are a word and its own ending (`control led`)."""
    for (first, second), n in vocabulary.pairs.items():
        joined = first + second
        if n < FEWEST or vocabulary.words[joined] < FEWEST or not _can_join(first, second):
            continue
        yield Synonym((joined,), (first, second))
        yield Synonym((first, second), (joined,))


def _can_join(first: str, second: str) -> bool:
    whole = first + second
    return (
        whole.isalpha()
        and len(whole) >= _SHORTEST
        and len(second) > 1
        and _FUNCTION.isdisjoint((first, second))
        and stems([whole]) != stems([first])
    )


def plurals(vocabulary: Vocabulary) -> Iterator[Synonym]:
    """`shelves` and `shelf`: the stemmer leaves `shelv` and `shelf`. A pair needs both forms in
    titles."""
    for plural in vocabulary.words:
        if plural.endswith("ves") and len(plural) > _SHORTEST:
            for single in (f"{plural[:-3]}f", f"{plural[:-3]}fe"):
                if single in vocabulary.words and stems([single]) != stems([plural]):
                    yield Synonym((plural,), (single,))
                    yield Synonym((single,), (plural,))
