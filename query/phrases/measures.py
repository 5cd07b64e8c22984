"""Measures wished for: `1.5 l`, `15.6"`, `under 5 lbs`, `4 x 6 in`, `pack of 12`, `size 10`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from query.phrases.grammar import Span
from query.phrases.knowledge import Facts
from query.phrases.lexer import Lexeme
from query.phrases.units import (
    SIZE,
    UNITS,
    Unit,
    bounds,
    find_unit,
    nearby_tokens,
    read_number,
    resolve,
    sides_token,
)
from query.text import tokens
from search.types import Alternative, Measure

_FIXED = {"pack": UNITS["pack"], "persons": UNITS["person"], "size": SIZE}
"""Spans whose unit is not written."""
_BEFORE_IN = frozenset({"size", "of", "top", "no", "number"})
_ARTICLES = frozenset({"the", "a", "an", "my", "your", "our", "this", "stock", "store"})


@dataclass(frozen=True, slots=True)
class Measured:
    """The measures of a query, and the words that stand for them in the index."""

    measures: tuple[Measure, ...] = ()
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True)
class MeasureReader:
    """Reads the measures of one query from the spans that look like it."""

    text: str
    lexemes: Sequence[Lexeme]
    facts: Facts

    def read(self, spans: Sequence[Span]) -> Measured:
        """The measures, in order, none overlapping; longer spans first."""
        spans = sorted(spans, key=lambda span: (span.start - span.end, span.start))
        taken: set[int] = set()
        measures: list[Measure] = []
        alternatives: list[Alternative] = []
        for span in spans:
            if taken.isdisjoint(range(span.start, span.end)):
                found = list(self._measures(span))
                sides = self._sides(span) if span.label == "sides" else ()
                if found or sides:
                    taken.update(range(span.start, span.end))
                # A size is a value of the catalogue, with its own matcher; here it is only found in
                # whatever way titles write it.
                measures += [measure for measure in found if measure.dimension != "size"]
                alternatives += self._alternatives(span, found, sides)
        measures.sort(key=lambda measure: measure.start)
        return Measured(tuple(measures), tuple(alternatives))

    def _measures(self, span: Span) -> Iterator[Measure]:
        match span.label:
            case "measure under" | "measure over" | "measure":
                yield from self._compared(span)
            case "measure range":
                yield from self._between(span)
            case "sides":
                yield from self._each_side(span)
            case label if label in _FIXED:
                number = next(at for at in self._numbers(span))
                yield from self._measure(number, _FIXED[label], span)

    def _compared(self, span: Span) -> Iterator[Measure]:
        """One measure; a word of comparison before it opens one of its bounds."""
        number = next(at for at in self._numbers(span))
        unit = self._unit(span.end - 1, number)
        for measure in self._measure(number, unit, Span("", number, span.end)):
            base = unit.base(measure.value) if unit else 0.0
            if span.label == "measure under":
                yield self._whole(replace(measure, low=0.0, high=base), span)
            elif span.label == "measure over":
                yield self._whole(replace(measure, low=base, high=float("inf")), span)
            else:
                yield measure

    def _whole(self, measure: Measure, span: Span) -> Measure:
        """The measure with its word of comparison, which is no word to search for either."""
        start = self.lexemes[span.start].start
        return replace(measure, start=start, text=self.text[start : measure.end])

    def _between(self, span: Span) -> Iterator[Measure]:
        first, last = self._numbers(span)
        unit = self._unit(span.end - 1, last)
        for low, high in zip(
            self._measure(first, unit, span), self._measure(last, unit, span), strict=False
        ):
            if low.value < high.value:
                yield replace(high, low=low.low, high=high.high)

    def _each_side(self, span: Span) -> Iterator[Measure]:
        inside = range(span.start, span.end)
        units = [at for at in inside if self.lexemes[at].tag == "unit"]
        numbers = self._numbers(span)
        for number in numbers if units else ():
            nearest = next((at for at in units if at > number), units[-1])
            unit = self._unit(nearest, numbers[-1])
            if unit is not None and unit.dimension == "length":
                end = number + 2 if number + 1 in units else number + 1
                yield from self._measure(number, unit, Span("", number, end))

    def _sides(self, span: Span) -> tuple[float, ...]:
        read = [read_number(self.lexemes[at].text) for at in self._numbers(span)]
        return tuple(number for number in read if number is not None)

    def _numbers(self, span: Span) -> list[int]:
        return [at for at in range(span.start, span.end) if self.lexemes[at].tag == "number"]

    def _measure(self, number: int, unit: Unit | None, span: Span) -> Iterator[Measure]:
        value = read_number(self.lexemes[number].text)
        start, end = self.lexemes[span.start].start, self.lexemes[span.end - 1].end
        if unit is None or value is None or self.text[start:end] in self.facts.models:
            return
        low, high = bounds(unit.dimension, unit.base(value))
        text = self.text[start:end]
        yield Measure(value, unit.name, unit.dimension, low, high, text, start, end)

    def _unit(self, at: int, number: int) -> Unit | None:
        """The unit written at a place, None when it is none there. What looks like
        a model number is a measure only where products measure so much."""
        lexeme, counted = self.lexemes[at], self.lexemes[number]
        unit = find_unit(lexeme.text, counted.text)
        value = read_number(counted.text)
        if unit is None or value is None:
            return None
        if self._is_model(at, number) and not self.facts.usual(unit.dimension, unit.base(value)):
            return None
        if lexeme.text == "in" and counted.end < lexeme.start and self._is_preposition(at, number):
            return None
        return resolve(unit, value, counted.end == lexeme.start, self.text, lexeme.end)

    def _is_model(self, at: int, number: int) -> bool:
        """Whether a number and a letter look like the end of a model number: `TV 300L`."""
        digits, letter = self.lexemes[number], self.lexemes[at]
        before = self.lexemes[number - 1].text if number else ""
        touching = digits.end == letter.start and len(letter.text) == 1 and letter.text.isalpha()
        return (
            touching and len(digits.text) >= 3 and digits.text.isdecimal() and 0 < len(before) < 4
        )

    def _is_preposition(self, at: int, number: int) -> bool:
        """Whether `in` says where or which, rather than how long: `size 8 in white`."""
        if self.text[self.lexemes[at].start - 1] == "-":
            return False
        before = self.lexemes[number - 1].text if number else ""
        after = self.lexemes[at + 1].text if at + 1 < len(self.lexemes) else ""
        return before in _BEFORE_IN or after in _ARTICLES or after in self.facts.describing

    def _alternatives(
        self, span: Span, found: Sequence[Measure], sides: tuple[float, ...]
    ) -> Iterator[Alternative]:
        if span.label == "sides":
            spoken = _spoken(self.text, self.lexemes[span.start], self.lexemes[span.end - 1])
            yield Alternative(spoken, (sides_token(sides),))
        elif span.label not in ("measure under", "measure over", "measure range"):
            for measure in found:
                base = (measure.low + measure.high) / 2
                first, last = self.lexemes[span.start], self.lexemes[span.end - 1]
                for token in nearby_tokens(measure.dimension, base):
                    yield Alternative(_spoken(self.text, first, last), (token,))


def _spoken(text: str, first: Lexeme, last: Lexeme) -> tuple[str, ...]:
    """The words of the query between two lexemes, as the index knows them."""
    return tuple(
        token.text for token in tokens(text) if first.start <= token.start and token.end <= last.end
    )
