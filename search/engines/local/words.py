"""Retrieval by words: BM25 over the words index.

Queries are built term by term, never parsed, so no character of a query has a meaning of its own.
Every word is required first, which reads little; when too few products have them all, those with
some of the words follow. Where a query has alternatives for some of its words, a product may have
those instead.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice, product, starmap
from typing import Generic

from search.engines.dialect import Dialect, Frequencies, Q
from search.engines.local.fields import TEXT_FIELDS, analyzer
from search.engines.local.spelling import near_words
from search.errors import BadInput
from search.settings import WordsSettings
from search.types import Alternative, Query

_STEMMED, _WHOLE = analyzer("all"), analyzer("codes")
_LONGEST_CODE = 4
"""Adjacent words that may make up one code: `WH 1000 XM4`."""
_COMMON = 0.5
"""The share of all products from which a word is too common to find any by itself."""
_FUZZY_WORDS = 3
_FUZZY_LETTERS = range(4, 31)
"""How long a word may be to be spelled anew: the near spellings of a word grow with its length."""
_TELLING = 10
"""Products that share a code which still names them: variants, and what belongs to them."""
_MOST_APART = 8
"""Readings of a whole query that are asked for one by one."""
_WORTH = 2
"""How many times more it takes to find a product in a list than to read one of the list."""
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
class WordsQuery(Generic[Q]):
    """One query's words as queries of an engine, for one state of the index."""

    dialect: Dialect[Q]
    frequencies: Frequencies
    weights: dict[str, float]
    fuzzy_weight: float
    query: Query
    apart: bool = False
    """Whether the engine is to be asked for readings one by one where that reads less."""

    @cached_property
    def clauses(self) -> list[Q]:
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
    def _substitutes(self) -> dict[tuple[int, int], list[Q]]:
        """What may stand for the words from one place to before another."""
        found: dict[tuple[int, int], list[Q]] = {}
        for each in self.query.alternatives:
            query, length = self._substitute(each), len(each.words)
            for place in range(len(self._distinct) - length + 1):
                if query and tuple(self._distinct[place : place + length]) == each.words:
                    found.setdefault((place, place + length), []).append(query)
        return found

    def _substitute(self, alternative: Alternative) -> Q | None:
        """All words of an alternative; None when one occurs nowhere."""
        each = [self._exactly(word) for word in alternative.instead]
        if not (alternative.words and each and all(each)):
            return None
        weight = min(alternative.weight, 1.0) * self._fair(alternative)
        return self.dialect.boost(self.dialect.every(list(map(self._any_of, each))), weight)

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
        counts = [self.frequencies.frequency(field, s) for w in words for s in _STEMMED.analyze(w)]
        total = self.frequencies.documents
        return sum(math.log1p((max(total - n, 0) + 0.5) / (n + 0.5)) for n in counts)

    def _clause(self, start: int, end: int) -> Q:
        if not self._replaced(start, end):
            return self._span(self._distinct[start:end], coded=start in self._codes_at)
        readings = islice(self._readings(start, end), _MOST_READINGS)
        return self._best_of([self.dialect.every(reading) for reading in readings])

    def _readings(self, start: int, end: int, *, apart: bool = False) -> Iterator[list[Q]]:
        """Each way to go through the words from `start` to `end`, as queries that must match;
        `apart`, what may stand for the same words makes readings of its own."""
        if start == end:
            yield []
            return
        for stop, queries in self._pieces(start):
            for query in queries if apart else [self._best_of(queries)]:
                for rest in self._readings(stop, end, apart=apart):
                    yield [query, *rest]

    def _pieces(self, start: int) -> Iterator[tuple[int, list[Q]]]:
        """What a reading may go on with: one word or its alternatives, a code, other words."""
        alone = self._substitutes.get((start, start + 1), [])
        yield start + 1, [*self._word_query(self._distinct[start]), *alone]
        if start in self._codes_at:
            stop = start + self._codes_at[start]
            yield stop, [self._span(self._distinct[start:stop], coded=True)]
        for (begin, stop), queries in self._substitutes.items():
            if begin == start and stop > start + 1:
                yield stop, queries

    def _word_query(self, word: str) -> list[Q]:
        found = self._word(word)
        return [self._any_of(found)] if found else []

    def required(self) -> Q:
        """Every word must match."""
        if not self.clauses:
            return self.dialect.nothing()
        apart = self._apart() if self.apart and self._substitutes else []
        return self._best_of(apart) if apart else self.dialect.every(self.clauses)

    def _apart(self) -> list[Q]:
        """Each reading of the whole query; none where that would read more. An engine that has to
        go through all of what may stand for a word, even beside a rare word, skips most of each
        list when it is asked for one reading after another: a maximum of sums is the same as a sum
        of maxima, but for the last bit."""
        ways = []
        for (start, end), clause in zip(self._groups, self.clauses, strict=True):
            own = iter([[clause]])
            readings = self._readings(start, end, apart=True) if self._replaced(start, end) else own
            ways.append(list(islice(readings, _MOST_APART + 1)))
        count, rarest = math.prod(map(len, ways)), min(starmap(self._reach, self._groups))
        if not 1 < count <= _MOST_APART or _WORTH * count * rarest >= self._within():
            return []
        return [self.dialect.every(list(chain(*way))) for way in product(*ways)]

    def _reach(self, start: int, end: int) -> int:
        """How many products have some words, at most, or what may stand for them."""
        words = self._distinct[start:end]
        instead = [each.instead for each in self.query.alternatives if {*each.words} <= {*words}]
        return sum(min(map(self._frequency, each), default=0) for each in (words, *instead))

    def _within(self) -> int:
        """How long the lists are of the words that something may stand for, and of that."""
        several = [slice(*each) for each in self._groups if self._replaced(*each)]
        words = [word for each in several for word in self._distinct[each]]
        instead = [word for each in self.query.alternatives for word in each.instead]
        return sum(map(self._frequency, words + instead))

    def any(self) -> Q:
        """Some word must match, not counting those that most products have."""
        telling = [word for word in self._distinct if not self._common(word)] or self._distinct
        found: list[Q] = []
        for start, end in self._groups:
            words = [word for word in self._distinct[start:end] if word in telling]
            if not self._replaced(start, end):
                found += [query for word in words for query in self._word(word)]
            elif words:
                found.append(self._some_of(start, end))
            else:
                found += self._telling_substitutes(self._distinct[start:end])
        found += [query for code in self._codes() for query in self._code(code)]
        return self.dialect.some(found) if found else self.dialect.nothing()

    def _some_of(self, start: int, end: int) -> Q:
        """The best of the ways to read some words, each scored by what of it matches: a text with a
        word and its alternative has said the same thing twice, not more."""
        readings = islice(self._readings(start, end), _MOST_READINGS)
        return self._best_of([self._any_of(reading) for reading in readings])

    def _telling_substitutes(self, words: Sequence[str]) -> list[Q]:
        """What may stand for words that most products have, and is not so common itself."""
        return [
            query
            for each in self.query.alternatives
            if set(each.words) <= set(words) and not all(map(self._common, each.instead))
            if (query := self._substitute(each))
        ]

    def by_code(self) -> dict[str, Q]:
        """For each code that tells few products from all others: it, and every word."""
        rare = [
            code for code in self._codes() if self.frequencies.frequency("codes", code) <= _TELLING
        ]
        return {
            code: self.dialect.every([self.required(), query])
            for code in rare
            for query in self._code(code)
        }

    def _common(self, word: str) -> bool:
        """Whether so many products have a word that having it alone makes none a result."""
        most = _COMMON * self.frequencies.documents
        return any(
            self.frequencies.frequency(field, stem) > most
            for field in self.weights
            if field != "codes"
            for stem in _STEMMED.analyze(word)
        )

    def estimate(self, documents: int) -> float:
        """About how many products have every word, as if words came independently of each other;
        they do not, so it is mostly too low."""
        share = 1.0
        for start, end in self._groups:
            if end == start + 1 and not self._replaced(start, end):
                share *= min(self._frequency(self._distinct[start]) / max(documents, 1), 1.0)
        return share * documents

    def _replaced(self, start: int, end: int) -> bool:
        return any(start <= begin < end for begin, _ in self._substitutes)

    def _frequency(self, word: str) -> int:
        fields = [field for field in self.weights if field != "codes"]
        counts = [self.frequencies.frequency(f, s) for f in fields for s in _STEMMED.analyze(word)]
        return max(counts, default=0)

    @cached_property
    def relaxable(self) -> bool:
        """Whether asking for some of the words can find more than asking for all."""
        replaced = {place for span in self._substitutes for place in range(*span)}
        return len(self._groups) > 1 or len(replaced) > 1

    def _codes(self) -> list[str]:
        spans = self._codes_at.items()
        found = ["".join(self._distinct[place : place + length]) for place, length in spans]
        return list(dict.fromkeys([*found, *self.query.codes]))

    def _code_spans(self, words: Sequence[str]) -> dict[int, int]:
        """Place and number of adjacent words that together are a code of the index, longest
        first."""
        if "codes" not in self.weights:
            return {}
        # All are looked up before one is chosen: an engine that asks a server asks once.
        there = {
            place: [length for length in lengths if self._is_code(words[place : place + length])]
            for place in range(len(words))
            if (lengths := range(min(_LONGEST_CODE, len(words) - place), 0, -1))
        }
        spans: dict[int, int] = {}
        place = 0
        while place < len(words):
            if there[place]:
                spans[place] = there[place][0]
            place += spans.get(place, 1)
        return spans

    def _is_code(self, words: Sequence[str]) -> bool:
        text = "".join(words)
        digits = not text.isalpha() and any(map(str.isdigit, text))
        return digits and self.frequencies.frequency("codes", text) > 0

    def _span(self, span: Sequence[str], *, coded: bool) -> Q:
        every = self.dialect.every([self._any_of(self._word(word)) for word in span])
        return self._any_of([every, *self._code("".join(span))]) if coded else every

    def _code(self, code: str) -> list[Q]:
        if "codes" not in self.weights or not self.frequencies.frequency("codes", code):
            return []
        return [self._term("codes", code, self.weights["codes"])]

    def _word(self, word: str) -> list[Q]:
        return self._exactly(word) or self._near(word)

    def _exactly(self, word: str) -> list[Q]:
        stems = _STEMMED.analyze(word)
        return [
            self._term(field, stem, weight)
            for field, weight in self.weights.items()
            if field != "codes"
            for stem in stems
            if self.frequencies.frequency(field, stem)
        ]

    def _near(self, word: str) -> list[Q]:
        if not (self.fuzzy_weight and len(word) in _FUZZY_LETTERS and word.isalpha()):
            return []
        stems = set(_STEMMED.analyze(" ".join(near_words(word))))
        counted = [(self.frequencies.frequency("title", stem), stem) for stem in sorted(stems)]
        best = sorted((-count, stem) for count, stem in counted if count)[:_FUZZY_WORDS]
        return [self._term("title", stem, self.fuzzy_weight) for _, stem in best]

    def _term(self, field: str, word: str, weight: float) -> Q:
        query = self.dialect.term(field, word)
        return query if weight == 1 else self.dialect.boost(query, weight)

    def _any_of(self, queries: Sequence[Q]) -> Q:
        return self.dialect.some(queries) if queries else self.dialect.nothing()

    def _best_of(self, queries: Sequence[Q]) -> Q:
        """Scores by the best of several, so that having two is worth no more than having one."""
        return self._any_of(queries) if len(queries) < 2 else self.dialect.best(queries)
