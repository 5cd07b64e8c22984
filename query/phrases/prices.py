"""Prices wished for: `under $50`, `between 20 and 40`, `50-100 usd`, `cheap`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from query.phrases.grammar import Span
from query.phrases.knowledge import Facts
from query.phrases.lexer import Lexeme
from query.phrases.vocabulary import LEADS
from search.types import Preference, PriceBounds

BOUNDS = ("range", "under", "over", "around")
PREFERENCES = ("low", "high")
_AROUND = 0.2
"""How far `around $30` reaches, as a share."""
_WIDEST = 10.0
"""The most that the upper end of a bare range may be of the lower: `50-100`, not `5-1000`."""
_STATED = 0.005
"""The share of titles with a word from which it describes products rather than wishes. No
title says `cheap` of its product."""
_NO_PRICE = frozenset(
    {"years", "year", "yrs", "yr", "months", "month", "mo", "weeks", "days", "old", "y", "x", "%"}
    | {"degrees", "degree", "°", "/", "-", ".", ":", "in", "inch", "st", "nd", "rd", "th", "plus"}
)
"""What after a bare number says that it is no price."""
_PEOPLE = frozenset(
    {"women", "men", "woman", "man", "kids", "kid", "adults", "adult", "boys", "girls", "boy"}
    | {"girl", "children", "child", "toddlers", "toddler", "people", "seniors", "ladies", "ages"}
    | {"age", "aged", "those", "anyone", "baby", "babies", "teens", "students", "size", "sizes"}
)
"""What before a bare number says that it is an age or a size: `vitamins for women over 50`."""
_AFTER_PRICE = frozenset(
    {"for", "with", "in", "and", "or", "but", "without", "that", "which", "on"}
)
_SURE = ("<", ">", "less", "cheaper", "lower", "below", "under", "between")
"""Bare numbers after these may be followed by what is searched for: `under 50 kettle`."""


@dataclass(frozen=True, slots=True)
class PriceReader:
    """Reads the price of one query from the spans that look like it."""

    text: str
    lexemes: Sequence[Lexeme]
    facts: Facts
    taken: frozenset[int] = frozenset()
    """Lexemes that are part of a measure."""

    def read(self, spans: Sequence[Span]) -> PriceBounds | None:
        """The bounds if any are stated, else the preference; None when there is neither."""
        bounds = list(self._all_bounds(spans))
        if not bounds:
            return next(self._preferences(spans), None)
        first, *others = bounds
        for other in others:
            if self._adjacent(first, other):
                first = self._both(first, other)
        return first

    def _all_bounds(self, spans: Sequence[Span]) -> Iterator[PriceBounds]:
        end = 0
        order = {label: place for place, label in enumerate(BOUNDS)}
        wanted = [span for span in spans if span.label in order]
        for span in sorted(wanted, key=lambda s: (s.start, order[s.label], -s.end)):
            if span.start >= end and (found := self._bounds(span)) is not None:
                yield found
                end = span.end

    def _bounds(self, span: Span) -> PriceBounds | None:
        inside = self.lexemes[span.start : span.end]
        amounts = [float(each.text) for each in inside if _is_amount(each)]
        with_currency = any(each.tag == "currency" for each in inside)
        count = 2 if span.label == "range" else 1
        if len(amounts) != count or not self.taken.isdisjoint(range(span.start, span.end)):
            return None
        if not with_currency and not self._bare(span, amounts):
            return None
        return self._placed(_bounded(span.label, amounts), span.start, span.end)

    def _bare(self, span: Span, amounts: Sequence[float]) -> bool:
        """Whether numbers without a currency are a price here."""
        cue = self._cue(span)
        if cue in ("from", "within", "") and span.label != "range":
            return False
        if not all(self.facts.plausible(amount) for amount in amounts):
            return False
        if self._says_otherwise(span) or self._titled(span):
            return False
        if span.label == "range":
            if f"{amounts[0]:g} - {amounts[1]:g}" in self.facts.contexts:
                return False
            joined = not cue and amounts[1] > _WIDEST * amounts[0]
            return not joined and amounts[0] < amounts[1]
        return self._ends(span) or cue in _SURE

    def _cue(self, span: Span) -> str:
        """The word that announces the price, "" when only its numbers do."""
        words = [lexeme for lexeme in self.lexemes[span.start : span.end] if lexeme.tag == "word"]
        signs = [x.text for x in self.lexemes[span.start : span.end] if x.text in ("<", ">", "~")]
        told = [word.text for word in words if word.text not in (*LEADS, "to", "and", "or")]
        return (signs + told + [""])[0]

    def _says_otherwise(self, span: Span) -> bool:
        before = {lexeme.text for lexeme in self.lexemes[max(0, span.start - 2) : span.start]}
        after = self.lexemes[span.end] if span.end < len(self.lexemes) else None
        if self.lexemes[span.start].text == "for" and self._cue(span) in ("over", "above"):
            return True
        close = after is not None and after.start == self.lexemes[span.end - 1].end
        other = after is not None and (after.text in _NO_PRICE or after.tag in ("unit", "number"))
        return close or other or not _PEOPLE.isdisjoint(before)

    def _titled(self, span: Span) -> bool:
        """Whether titles write these words: `air max 90`."""
        around = self.lexemes[max(0, span.start - 1) : span.end]
        texts = [lexeme.text for lexeme in around]
        pairs = {f"{a} {b}" for a, b in pairwise(texts)}
        return not self.facts.contexts.isdisjoint(pairs)

    def _ends(self, span: Span) -> bool:
        if span.end == len(self.lexemes):
            return True
        return self.lexemes[span.end].text in _AFTER_PRICE

    def _preferences(self, spans: Sequence[Span]) -> Iterator[PriceBounds]:
        for span in spans:
            if span.label in PREFERENCES and not self._describes(span):
                preference: Preference = "low" if span.label == "low" else "high"
                yield self._placed(PriceBounds(preference=preference), span.start, span.end)

    def _describes(self, span: Span) -> bool:
        """Whether the word belongs to the product: `budget planner`, where titles say so."""
        around = self.lexemes[max(0, span.start - 1) : span.end + 1]
        texts = [lexeme.text for lexeme in around]
        pairs = {f"{a} {b}" for a, b in pairwise(texts)}
        stated = self.facts.stated.get(self.lexemes[span.start].text, 0.0)
        praised = span.label == "high" and stated >= _STATED
        return praised or not self.facts.contexts.isdisjoint(pairs)

    def _adjacent(self, first: PriceBounds, other: PriceBounds) -> bool:
        between = self.text[first.end : other.start].split()
        return first.end <= other.start and set(between) <= {"and", "but", ",", "or"}

    def _both(self, first: PriceBounds, other: PriceBounds) -> PriceBounds:
        low = other.low if first.low is None else first.low
        high = other.high if first.high is None else first.high
        text = self.text[first.start : other.end]
        return replace(first, low=low, high=high, text=text, end=other.end)

    def _placed(self, price: PriceBounds, first: int, end: int) -> PriceBounds:
        start, stop = self.lexemes[first].start, self.lexemes[end - 1].end
        return replace(price, text=self.text[start:stop], start=start, end=stop)


def _is_amount(lexeme: Lexeme) -> bool:
    return lexeme.tag == "number" and "/" not in lexeme.text


def _bounded(label: str, amounts: Sequence[float]) -> PriceBounds:
    first = amounts[0]
    match label:
        case "under":
            return PriceBounds(high=first)
        case "over":
            return PriceBounds(low=first)
        case "around":
            return PriceBounds(low=first * (1 - _AROUND), high=first * (1 + _AROUND))
    return PriceBounds(low=min(amounts), high=max(amounts))
