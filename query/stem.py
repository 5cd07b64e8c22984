"""Stems of words, by the very stemmer of the words index: what meets there meets here."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import tantivy


@cache
def _analyzer() -> tantivy.TextAnalyzer:
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    return builder.filter(tantivy.Filter.stemmer("english")).build()


def stems(words: Sequence[str]) -> list[str]:
    """The stem of every word, in order; words hold no spaces."""
    return _analyzer().analyze(" ".join(words))
