"""How likely a word is after others: bigrams, then company, then the word alone.

Interpolated estimates (Jelinek and Mercer, 1980): titles name the same things in another order than
queries do, so a word that merely occurs in the same titles counts as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from query.spelling.pairs import WINDOW, Pairs
from query.spelling.vocabulary import Vocabulary

UNKNOWN = -19.0
"""The logarithm of the probability of a word nobody knows."""
REPEATED = 5.0
"""What it costs to say a word twice in a row."""
CONTEXT = 4
"""Words that are looked back on."""
_BIGRAM, _COMPANY, _ALONE = 0.35, 0.35, 0.3
_DOUBT = 3.0
"""Occurrences added to a word's before trusting what it stands beside."""


@dataclass(frozen=True, slots=True)
class Language:
    """A word model over ids of a vocabulary; -1 is an unknown word."""

    vocabulary: Vocabulary
    pairs: Pairs

    def log(self, word: int, before: Sequence[int]) -> float:
        """The logarithm of the probability of `word` after `before` (nearest last)."""
        if word < 0:
            return UNKNOWN
        if before and before[-1] == word:
            return float(self.vocabulary.logs[word]) - REPEATED
        alone = self.vocabulary.logs[word]
        context = [each for each in before[-CONTEXT:] if each >= 0]
        if not context:
            return float(alone)
        bigram, company = self._beside(word, context, before[-1])
        return math.log(_BIGRAM * bigram + _COMPANY * company + _ALONE * math.exp(alone) + 1e-15)

    def _beside(self, word: int, context: list[int], nearest: int) -> tuple[float, float]:
        vocabulary, seen = self.vocabulary, self.pairs.seen
        family = vocabulary.families[word]
        bigram = company = 0.0
        for other in context:
            origin = vocabulary.families[other]
            found = self.pairs.company(origin, family)
            company += found.near / ((seen[origin] + _DOUBT) * WINDOW)
            if other == nearest:
                bigram = found.before / (seen[origin] + _DOUBT)
        share = vocabulary.shares[word]
        return bigram * share, company * share / len(context)

    def adjacent(self, one: int, other: int) -> float:
        """How often the second word stands right after the first, in the lines counted."""
        if one < 0 or other < 0:
            return 0.0
        families = self.vocabulary.families
        return self.pairs.company(families[one], families[other]).before

    def together(self, one: int, other: int) -> bool:
        """True when the words occur in one line."""
        if one < 0 or other < 0:
            return False
        families = self.vocabulary.families
        first, second = families[one], families[other]
        return first == second or self.pairs.company(first, second).near > 0
