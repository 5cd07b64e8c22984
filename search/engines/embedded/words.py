"""Retrieval by words: BM25 over the words index.

Queries are built term by term, never parsed, so no character of a query has a meaning of its own.
Every word is required first, which reads little; when too few products have them all, those with
some of the words follow (a flat disjunction, which tantivy prunes with block-max WAND). Where a
query has alternatives for some of its words, a product may have those instead.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np
import tantivy
from tantivy import Occur

from search.engines.embedded.schema import TEXT_FIELDS, analyzer
from search.engines.embedded.spelling import near_words
from search.errors import BadInput
from search.settings import WordsSettings
from search.types import Alternative, Query, Ranking

Clauses = list[tuple[Occur, tantivy.Query]]
_STEMMED, _WHOLE = analyzer("all"), analyzer("codes")
_LONGEST_CODE = 4
"""Adjacent words that may make up one code: `WH 1000 XM4`."""
_COMMON = 0.5
"""The share of all products from which a word is too common to find any by itself."""
_FUZZY_LETTERS = range(4, 31)
"""How long a word may be to be spelled anew: the near spellings of a word grow with its length."""
_FUZZY_WORDS = 3
_TELLING = 10
"""Products that share a code which still names them: variants, and what belongs to them."""
_MOST_READINGS = 16
"""Ways to read overlapping alternatives that are tried; the words as they are come first."""


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
        """What each word asks for, in the query's order: the word in any text field, the code it
        is part of, or an alternative. A word that occurs nowhere asks for its near spellings in
        titles."""
        return [self._clause(start, end) for start, end in self._groups]

    @cached_property
    def _distinct(self) -> list[str]:
        return list(dict.fromkeys(self.query.terms))

    @cached_property
    def _codes_at(self) -> dict[int, int]:
        return self._code_spans(self._distinct)

    @cached_property
    def _groups(self) -> list[tuple[int, int]]:
        """Start and end of the words that share codes and alternatives: one clause each."""
        groups, start = [], 0
        while start < len(self._distinct):
            end, place = start + 1, start
            while place < end:
                reach = [piece for begin, piece in self._substitutes if begin == place]
                end = max(end, place + self._codes_at.get(place, 1), *reach)
                place += 1
            groups.append((start, end))
            start = end
        return groups

    @cached_property
    def _substitutes(self) -> dict[tuple[int, int], list[tantivy.Query]]:
        """What may stand for the words from one place to before another."""
        found: dict[tuple[int, int], list[tantivy.Query]] = {}
        for each in self.query.alternatives:
            query, length = self._substitute(each), len(each.words)
            for place in range(len(self._distinct) - length + 1):
                if query and tuple(self._distinct[place : place + length]) == each.words:
                    found.setdefault((place, place + length), []).append(query)
        return found

    def _substitute(self, alternative: Alternative) -> tantivy.Query | None:
        """All words of an alternative; None when one occurs nowhere."""
        each = [self._exactly(word) for word in alternative.instead]
        if not (alternative.words and each and all(each)):
            return None
        weight = min(alternative.weight, 1.0) * self._fair(alternative)
        return tantivy.Query.boost_query(_combine(Occur.Must, list(map(_any_of, each))), weight)

    def _fair(self, alternative: Alternative) -> float:
        """What a rarer alternative is scaled down by (at most 1), so that a text with it scores no
        more than the same text with the words of the query."""
        fields = [field for field in self.weights if field != "codes"]
        shares = [
            self._rarity(field, alternative.words)
            / max(self._rarity(field, alternative.instead), 1e-9)
            for field in fields
        ]
        return min(1.0, *shares)

    def _rarity(self, field: str, words: Sequence[str]) -> float:
        """The sum of the words' inverse document frequencies, as BM25 counts them."""
        counts = [self.searcher.doc_freq(field, s) for w in words for s in _STEMMED.analyze(w)]
        total = self.searcher.num_docs
        return sum(math.log1p((max(total - n, 0) + 0.5) / (n + 0.5)) for n in counts)

    def _clause(self, start: int, end: int) -> tantivy.Query:
        if not any(start <= begin < end for begin, _ in self._substitutes):
            return self._span(self._distinct[start:end], coded=start in self._codes_at)
        readings = islice(self._readings(start, end), _MOST_READINGS)
        return _best_of([_combine(Occur.Must, reading) for reading in readings])

    def _readings(self, start: int, end: int) -> Iterator[list[tantivy.Query]]:
        """Each way to go through the words from `start` to `end`, as queries that must match."""
        if start == end:
            yield []
            return
        for stop, query in self._pieces(start):
            for rest in self._readings(stop, end):
                yield [query, *rest]

    def _pieces(self, start: int) -> Iterator[tuple[int, tantivy.Query]]:
        """What a reading may go on with: one word or its alternatives, a code, other words."""
        alone = self._substitutes.get((start, start + 1), [])
        yield start + 1, _best_of([*self._word_query(self._distinct[start]), *alone])
        if start in self._codes_at:
            stop = start + self._codes_at[start]
            yield stop, self._span(self._distinct[start:stop], coded=True)
        for (begin, stop), queries in self._substitutes.items():
            if begin == start and stop > start + 1:
                yield stop, _best_of(queries)

    def _word_query(self, word: str) -> list[tantivy.Query]:
        found = self._word(word)
        return [_any_of(found)] if found else []

    def required(self) -> tantivy.Query:
        """Every word must match."""
        if not self.clauses:
            return tantivy.Query.empty_query()
        return _combine(Occur.Must, self.clauses)

    def any(self) -> tantivy.Query:
        """Some word must match, not counting those that most products have; flat where no word has
        an alternative, because tantivy only prunes a flat disjunction."""
        telling = [word for word in self._distinct if not self._common(word)] or self._distinct
        found: list[tantivy.Query] = []
        for start, end in self._groups:
            words = [word for word in self._distinct[start:end] if word in telling]
            if not any(start <= begin < end for begin, _ in self._substitutes):
                found += [query for word in words for query in self._word(word)]
            elif words:
                found.append(self._some_of(start, end))
            else:
                found += self._telling_substitutes(self._distinct[start:end])
        found += [query for code in self._codes() for query in self._code(code)]
        return _combine(Occur.Should, found) if found else tantivy.Query.empty_query()

    def _some_of(self, start: int, end: int) -> tantivy.Query:
        """The best of the ways to read some words, each scored by what of it matches: a text with a
        word and its alternative has said the same thing twice, not more."""
        readings = islice(self._readings(start, end), _MOST_READINGS)
        return _best_of([_any_of(reading) for reading in readings])

    def _telling_substitutes(self, words: Sequence[str]) -> list[tantivy.Query]:
        """What may stand for words that most products have, and is not so common itself."""
        return [
            query
            for each in self.query.alternatives
            if set(each.words) <= set(words) and not all(map(self._common, each.instead))
            if (query := self._substitute(each))
        ]

    def by_code(self) -> dict[str, tantivy.Query]:
        """For each code that tells few products from all others: it, and every word."""
        rare = [code for code in self._codes() if self.searcher.doc_freq("codes", code) <= _TELLING]
        return {
            code: _combine(Occur.Must, [self.required(), query])
            for code in rare
            for query in self._code(code)
        }

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
        replaced = {place for start, end in self._substitutes for place in range(start, end)}
        return len(self._groups) > 1 or len(replaced) > 1

    def _codes(self) -> list[str]:
        spans = self._codes_at.items()
        found = ["".join(self._distinct[place : place + length]) for place, length in spans]
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

    def _span(self, span: Sequence[str], *, coded: bool) -> tantivy.Query:
        every = _combine(Occur.Must, [_any_of(self._word(word)) for word in span])
        return _any_of([every, *self._code("".join(span))]) if coded else every

    def _code(self, code: str) -> list[tantivy.Query]:
        if "codes" not in self.weights or not self.searcher.doc_freq("codes", code):
            return []
        return [self._term("codes", code, self.weights["codes"])]

    def _word(self, word: str) -> list[tantivy.Query]:
        return self._exactly(word) or self._near(word)

    def _exactly(self, word: str) -> list[tantivy.Query]:
        stems = _STEMMED.analyze(word)
        return [
            self._term(field, stem, weight)
            for field, weight in self.weights.items()
            if field != "codes"
            for stem in stems
            if self.searcher.doc_freq(field, stem)
        ]

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


def _best_of(queries: Sequence[tantivy.Query]) -> tantivy.Query:
    """Scores by the best of several, so that having two is worth no more than having one."""
    if len(queries) < 2:
        return _any_of(queries)
    return tantivy.Query.disjunction_max_query(list(queries))


def prefer_every_word(every: Ranking, some: Ranking, bonus: float, limit: int) -> Ranking:
    """Products with every word and products with some, by score; `bonus`, a share of the best
    score, is what having every word is worth."""
    best = max((float(ranking.scores[0]) for ranking in (every, some) if len(ranking)), default=0)
    ordinals, scores = every.ordinals, every.scores + np.float32(bonus * best)
    if len(some):
        new = ~np.isin(some.ordinals, every.ordinals)
        ordinals = np.concatenate([ordinals, some.ordinals[new]])
        scores = np.concatenate([scores, some.scores[new]])
    order = np.lexsort((ordinals, -scores))[:limit]
    return Ranking(ordinals[order], scores[order])
