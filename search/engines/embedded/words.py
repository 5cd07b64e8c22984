"""Retrieval by words: BM25 over the words index.

Queries are built term by term, never parsed, so no character of a query has a meaning of its own.
Every word is required first, which reads little; when too few products have them all, those with
some of the words follow (a flat disjunction, which tantivy prunes with block-max WAND).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import tantivy
from tantivy import Occur

from search.engines.embedded.schema import TEXT_FIELDS, analyzer
from search.engines.embedded.spelling import near_words
from search.errors import BadInput
from search.settings import WordsSettings
from search.types import Query, Ranking

Clauses = list[tuple[Occur, tantivy.Query]]
_STEMMED, _WHOLE = analyzer("all"), analyzer("codes")
_LONGEST_CODE = 4
"""Adjacent words that may make up one code: `WH 1000 XM4`."""
_COMMON = 0.5
"""The share of all products from which a word is too common to find any by itself."""
_FUZZY_LETTERS = range(4, 31)
"""How long a word may be to be spelled anew: the near spellings of a word grow with its length."""
_FUZZY_WORDS = 3


def check_weights(settings: WordsSettings) -> dict[str, float]:
    """The weights of the fields to search.

    Raises:
        BadInput: a weight is set for a field the index has not, or for none at all.
    """
    unknown = sorted(set(settings.weights) - set(TEXT_FIELDS))
    if unknown:
        raise BadInput(
            f"words.weights names {', '.join(unknown)}, which the index has not; "
            f"known fields are {', '.join(TEXT_FIELDS)}",
            field="words.weights",
        )
    weights = {name: weight for name, weight in settings.weights.items() if weight > 0}
    if not set(weights) - {"codes"}:
        raise BadInput(
            'words.weights searches no text: give "all" a weight above 0', field="words.weights"
        )
    return weights


@dataclass(frozen=True)
class WordsQuery:
    """One query's words as tantivy queries, for one state of the index."""

    searcher: tantivy.Searcher
    schema: tantivy.Schema
    weights: dict[str, float]
    fuzzy_weight: float
    query: Query

    @cached_property
    def clauses(self) -> list[tantivy.Query]:
        """What each word asks for, in the query's order: the word in any text field, or the code
        it is part of. A word that occurs nowhere asks for its near spellings in titles."""
        words = list(dict.fromkeys(self.query.terms))
        codes = self._code_spans(words)
        clauses, place = [], 0
        while place < len(words):
            length = codes.get(place, 1)
            span = words[place : place + length]
            clauses.extend(self._span(span, coded=place in codes))
            place += length
        return clauses

    def required(self) -> tantivy.Query:
        """Every word must match."""
        if not self.clauses:
            return tantivy.Query.empty_query()
        return _combine(Occur.Must, self.clauses)

    def any(self) -> tantivy.Query:
        """Some word must match, not counting those that most products have; flat, because tantivy
        only prunes a flat disjunction."""
        words = list(dict.fromkeys(self.query.terms))
        telling = [word for word in words if not self._common(word)] or words
        found = [query for word in telling for query in self._word(word)]
        found += [query for code in self._codes() for query in self._code(code)]
        return _combine(Occur.Should, found) if found else tantivy.Query.empty_query()

    def _common(self, word: str) -> bool:
        """Whether so many products have a word that having it alone makes none a result."""
        most = _COMMON * self.searcher.num_docs
        return any(
            self.searcher.doc_freq(field, stem) > most
            for field in self.weights
            if field != "codes"
            for stem in _STEMMED.analyze(word)
        )

    @cached_property
    def relaxable(self) -> bool:
        """Whether asking for some of the words can find more than asking for all."""
        return len(self.clauses) > 1

    def _codes(self) -> list[str]:
        words = list(dict.fromkeys(self.query.terms))
        spans = self._code_spans(words).items()
        found = ["".join(words[place : place + length]) for place, length in spans]
        return list(dict.fromkeys([*found, *self.query.codes]))

    def _code_spans(self, words: Sequence[str]) -> dict[int, int]:
        """Place and number of adjacent words that together are a code of the index, longest
        first."""
        spans: dict[int, int] = {}
        place = 0
        while place < len(words) and "codes" in self.weights:
            longest = min(_LONGEST_CODE, len(words) - place)
            for length in range(longest, 0, -1):
                if self._is_code("".join(words[place : place + length])):
                    spans[place] = length
                    break
            place += spans.get(place, 1)
        return spans

    def _is_code(self, text: str) -> bool:
        return any(c.isdigit() for c in text) and self.searcher.doc_freq("codes", text) > 0

    def _span(self, span: Sequence[str], *, coded: bool) -> list[tantivy.Query]:
        each = [_any_of(self._word(word)) for word in span]
        if not coded:
            return each
        return [_any_of([_combine(Occur.Must, each), *self._code("".join(span))])]

    def _code(self, code: str) -> list[tantivy.Query]:
        if "codes" not in self.weights or not self.searcher.doc_freq("codes", code):
            return []
        return [self._term("codes", code, self.weights["codes"])]

    def _word(self, word: str) -> list[tantivy.Query]:
        stems = _STEMMED.analyze(word)
        found = [
            self._term(field, stem, weight)
            for field, weight in self.weights.items()
            if field != "codes"
            for stem in stems
            if self.searcher.doc_freq(field, stem)
        ]
        return found or self._near(word)

    def _near(self, word: str) -> list[tantivy.Query]:
        if not (self.fuzzy_weight and len(word) in _FUZZY_LETTERS and word.isalpha()):
            return []
        stems = set(_STEMMED.analyze(" ".join(near_words(word))))
        counted = [(self.searcher.doc_freq("title", stem), stem) for stem in sorted(stems)]
        best = sorted((-count, stem) for count, stem in counted if count)[:_FUZZY_WORDS]
        return [self._term("title", stem, self.fuzzy_weight) for _, stem in best]

    def _term(self, field: str, word: str, weight: float) -> tantivy.Query:
        query = tantivy.Query.term_query(self.schema, field, word, "freq")
        return query if weight == 1 else tantivy.Query.boost_query(query, weight)


def _combine(occur: Occur, queries: Sequence[tantivy.Query]) -> tantivy.Query:
    if len(queries) == 1:
        return queries[0]
    return tantivy.Query.boolean_query([(occur, query) for query in queries])


def _any_of(queries: Sequence[tantivy.Query]) -> tantivy.Query:
    return _combine(Occur.Should, queries) if queries else tantivy.Query.empty_query()


def prefer_every_word(every: Ranking, some: Ranking, bonus: float, limit: int) -> Ranking:
    """Products with every word and products with some, by score; `bonus`, a share of the best
    score, is what having every word is worth."""
    new = ~np.isin(some.ordinals, every.ordinals)
    best = max((float(ranking.scores[0]) for ranking in (every, some) if len(ranking)), default=0)
    ordinals = np.concatenate([every.ordinals, some.ordinals[new]])
    scores = np.concatenate([every.scores + np.float32(bonus * best), some.scores[new]])
    order = np.lexsort((ordinals, -scores))[:limit]
    return Ranking(ordinals[order], scores[order])
