"""Spellings one edit away, for words that occur nowhere in an index.

Candidates are generated and looked up (Norvig, "How to Write a Spelling Corrector", 2007): the
index's dictionary answers in a microsecond, and the words found keep their BM25 scores, which an
automaton over the dictionary would flatten.
"""

from __future__ import annotations

from string import ascii_lowercase


def near_words(word: str) -> list[str]:
    """Every text one insertion, deletion, substitution or swap of neighbors away, keeping the
    first letter, which people seldom get wrong."""
    splits = [(word[:i], word[i:]) for i in range(1, len(word) + 1)]
    deletions = [left + right[1:] for left, right in splits if right]
    swaps = [left + right[1] + right[0] + right[2:] for left, right in splits if len(right) > 1]
    changes = [left + c + right[1:] for left, right in splits if right for c in ascii_lowercase]
    additions = [left + c + right for left, right in splits for c in ascii_lowercase]
    return [*deletions, *swaps, *changes, *additions]
