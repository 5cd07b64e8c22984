"""What is suggested for what was typed so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Self

import numpy as np

from query.suggest.entries import MOST_WORDS, Kind, index_words, singular
from query.suggest.index import Entries, Span, Spans, SuggestIndex
from query.suggest.marking import mark_typed
from query.suggest.session import Session, session_of
from query.suggest.typos import COST, near
from query.text import normalize

POOL = 64
"""Entries by weight that are looked at closely, of each way to choose them."""
_STARTS = 1.5
"""What beginning with the very text typed is worth in weight, a factor of 4.5 in use."""
_CONTAINS = 0.75
_SHARED_WORD = 1.0
_SAME_SHELF = 1.0
_SCOPED_AT_MOST = 3
"""Suggestions of one text, in different categories."""
_FEW_WORDS = 2
"""Typed words up to which few suggestions are too few: of more words, hardly any can be many."""
_SHORTEST_PART = 3
_MOST_DOUBTED = 3
"""Words that may all be mistyped at once; with more, nothing is near enough to be meant."""
_MOST_RESPACED = 6


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One suggestion. `category` is the path it is limited to, () for none; `highlight` is HTML;
    `products` the number of products it finds at least."""

    text: str
    kind: Kind
    category: tuple[str, ...]
    highlight: str
    products: int


@dataclass(frozen=True, slots=True)
class _Typed:
    """What was typed: its normalized text, its words, and whether the last is finished."""

    text: str
    words: tuple[str, ...]
    finished: bool

    @classmethod
    def of(cls, text: str) -> Self:
        normalized = normalize(text).replace("'", "")
        return cls(normalized, tuple(index_words(text)), text[-1:].isspace())


@dataclass(frozen=True, slots=True)
class Suggester:
    """Suggests from the entries of one snapshot. Safe from several threads."""

    index: SuggestIndex

    @classmethod
    def open(cls, directory: Path) -> Self:
        """Opens what the part's builder wrote.

        Raises:
            IndexCorrupt: a file is missing or of another format.
        """
        return cls(SuggestIndex.open(directory))

    def complete(
        self, text: str, size: int = 10, recent: Sequence[str] = ()
    ) -> tuple[Suggestion, ...]:
        """At most `size` suggestions, best first; the most asked for when nothing is typed.

        `recent` are the shopper's last queries or the paths of categories visited (joined by
        " > "): entries that share a word or the shelf with them gain.
        """
        typed = _Typed.of(text)
        if len(typed.words) > MOST_WORDS or not len(self.index) or size <= 0:
            return ()
        if not typed.words and typed.text:
            return ()
        session = session_of(self.index, recent)
        ranked = self._popular(session) if not typed.words else self._ranked(typed, size, session)
        chosen = self._chosen(ranked, size)
        return tuple(self._suggestion(entry, typed.words) for entry in chosen)

    def _popular(self, session: Session) -> list[tuple[int, str]]:
        head = np.arange(min(len(self.index), 4 * POOL), dtype=np.int32)
        entries = head[self.index.columns["kinds"][head] < 3]
        return self._order(_Typed("", (), False), [(entries, ())], session)

    def _ranked(self, typed: _Typed, size: int, session: Session) -> list[tuple[int, str]]:
        """Entries with their texts, best first: as typed; when those are few, with typing errors
        allowed; when there are none, with words split or joined."""
        pools = list(self._pools(self._as_typed(typed), session))
        found = len(pools[0][0]) if pools else 0
        if found < size and (not found or len(typed.words) <= _FEW_WORDS):
            # Something found: only what is being typed may be wrong. Nothing: what no word is,
            # and if all are words, any of them.
            every = tuple(range(len(typed.words)))
            for doubted in dict.fromkeys((self._doubted(typed, found), every)):
                pools += self._pools(self._nearly(typed, doubted), session)
                if any(len(entries) for entries, _ in pools):
                    break
        if not any(len(entries) for entries, _ in pools):
            for other in islice(_respaced(typed.words, self.index), _MOST_RESPACED):
                spans = self._as_typed(_Typed(" ".join(other), other, typed.finished))
                pools += self._pools(_costing(spans), session)
        return self._order(typed, pools, session)

    def _pools(
        self, spans: tuple[Spans, ...] | None, session: Session
    ) -> Iterator[tuple[Entries, tuple[Spans, ...]]]:
        """The heaviest entries that match, those of them that start so, and those on the shelves
        of the session; with what they matched."""
        if spans is None:
            return
        found = self.index.select(spans, 4 * POOL if session.shelves else POOL)
        yield found[:POOL], spans
        yield self.index.starting(spans, POOL), spans
        if session.shelves:
            yield found[self.index.at_home(found, session.shelves)], spans

    def _as_typed(self, typed: _Typed) -> tuple[Spans, ...] | None:
        """The words that were typed, the last as a beginning unless it is finished; None when one
        is unknown."""
        spans = []
        for number, word in enumerate(typed.words):
            last = number == len(typed.words) - 1
            found = self._whole(word) if typed.finished or not last else ()
            if not found:
                beginning = self.index.beginning(word)
                if beginning is None:
                    return None
                found = (beginning,)
            spans.append(found)
        return tuple(spans)

    def _whole(self, word: str) -> Spans:
        """A word, its singular and its plurals, those there are."""
        stem = singular(word)
        forms = dict.fromkeys((word, stem, f"{stem}s", f"{stem}es", f"{stem[:-1]}ies"))
        return tuple(span for form in forms if (span := self.index.exact(form)) is not None)

    def _doubted(self, typed: _Typed, found: int) -> tuple[int, ...]:
        """The places of the typed words that may be mistyped."""
        every = tuple(range(len(typed.words)))
        if found:
            return every[-1:]
        return tuple(place for place in every if not self._known(typed, place)) or every

    def _known(self, typed: _Typed, place: int) -> bool:
        word, last = typed.words[place], place == len(typed.words) - 1
        if last and not typed.finished:
            return self.index.known(word)
        return bool(self._whole(word))

    def _nearly(self, typed: _Typed, doubted: tuple[int, ...]) -> tuple[Spans, ...] | None:
        """What was typed, the doubted words or words near them; None when one is near nothing, or
        too many are in doubt."""
        if len(doubted) > _MOST_DOUBTED:
            return None
        spans = []
        for place, word in enumerate(typed.words):
            whole = typed.finished or place < len(typed.words) - 1
            exact = self._whole(word) if whole else ()
            beginning = self.index.beginning(word)
            if not exact and beginning is not None:
                exact = (Span(beginning.low, beginning.high, COST if whole else 0.0),)
            found = exact + (near(self.index, word, whole=whole) if place in doubted else ())
            if not found:
                return None
            spans.append(found)
        return tuple(spans)

    def _order(
        self, typed: _Typed, pools: Sequence[tuple[Entries, tuple[Spans, ...]]], session: Session
    ) -> list[tuple[int, str]]:
        """Every entry once, by its best score."""
        scores: dict[int, float] = {}
        for entries, spans in pools:
            gained = self.index.columns["weights"][entries] - self.index.costs(entries, spans)
            gained = gained + _SAME_SHELF * self.index.at_home(entries, session.shelves)
            for entry, score in zip(entries.tolist(), gained.tolist(), strict=True):
                scores[entry] = max(score, scores.get(entry, score))
        texts = {entry: self.index.text(entry) for entry in scores}
        for entry, text in texts.items():
            scores[entry] += _closeness(text, typed.text) + _shared(text, typed, session)
        return sorted(texts.items(), key=lambda item: (-scores[item[0]], item[0]))

    def _chosen(self, ranked: Iterable[tuple[int, str]], size: int) -> list[int]:
        """The first `size`: a text, in singular or plural, at most three times, and one that only
        differs in its spaces (`kettle bell`, `kettlebell`) once."""
        seen: Counter[str] = Counter()
        joined: set[tuple[str, int]] = set()
        chosen: list[int] = []
        for entry, text in ranked:
            words = [singular(word) for word in index_words(text)]
            name, spaced = " ".join(sorted(words)), "".join(words)
            scope = int(self.index.columns["scopes"][entry])
            if seen[name] < _SCOPED_AT_MOST and (spaced, scope) not in joined:
                chosen.append(entry)
                seen[name] += 1
                joined.add((spaced, scope))
            if len(chosen) == size:
                break
        return chosen

    def _suggestion(self, entry: int, typed: Sequence[str]) -> Suggestion:
        text = self.index.text(entry)
        return Suggestion(
            text=text,
            kind=self.index.kind(entry),
            category=self.index.category("scopes", entry),
            highlight=mark_typed(text, typed),
            products=int(self.index.columns["products"][entry]),
        )


def _closeness(text: str, typed: str) -> float:
    if not typed:
        return 0.0
    plain = normalize(text).replace("'", "")
    if plain.startswith(typed):
        return _STARTS
    return _CONTAINS if f" {typed}" in plain else 0.0


def _shared(text: str, typed: _Typed, session: Session) -> float:
    """What sharing a word with the session is worth, beyond the words typed anyway."""
    if not session.words:
        return 0.0
    own = {singular(word) for word in index_words(text)}
    own -= {singular(word) for word in typed.words}
    return _SHARED_WORD if own & session.words else 0.0


def _costing(typed: tuple[Spans, ...] | None) -> tuple[Spans, ...] | None:
    """The same spans at the cost of one edit."""
    if typed is None:
        return None
    first = tuple(Span(span.low, span.high, span.cost + COST) for span in typed[0])
    return (first, *typed[1:])


def _respaced(typed: tuple[str, ...], index: SuggestIndex) -> Iterator[tuple[str, ...]]:
    """The typed words with two of them joined, or one split into a word and a beginning."""
    for place in range(len(typed) - 1):
        joined = typed[place] + typed[place + 1]
        if index.known(joined):
            yield (*typed[:place], joined, *typed[place + 2 :])
    for place, word in enumerate(typed):
        if index.known(word) and index.exact(word) is not None:
            continue
        for cut in range(_SHORTEST_PART, len(word) - 1):
            if index.exact(word[:cut]) is not None and index.known(word[cut:]):
                yield (*typed[:place], word[:cut], word[cut:], *typed[place + 1 :])
