"""The rewriter: finds measures, the price and refusals in the corrected query."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from query.phrases.grammar import Grammar
from query.phrases.knowledge import Knowledge
from query.phrases.lexer import Lexeme, lex
from query.phrases.measures import MeasureReader
from query.phrases.negations import NegationReader
from query.phrases.prices import PriceReader
from query.phrases.vocabulary import TELLING
from search.types import Query

_DIGIT = re.compile(r"\d")
_SIGNS = re.compile(r"(?:^| )-[^\W\d_]|[-/]")


@dataclass(frozen=True, slots=True)
class Phrases:
    """Recognizes conditions with the grammar, and decides by what the catalogue knows."""

    grammar: Grammar
    knowledge: Knowledge

    def __call__(self, query: Query) -> Query:
        """The query with `measures`, `price`, `negations` and `alternatives` filled."""
        if not may_state_condition(query.corrected):
            return query
        facts, text = self.knowledge.facts, query.corrected
        lexemes = lex(text, pounds_are_money=facts.currency == "GBP")
        spans = self.grammar.spans(lexemes)
        if not spans:
            return query
        measured = MeasureReader(text, lexemes, facts).read(spans)
        places = [(measure.start, measure.end) for measure in measured.measures]
        in_measures = _lexemes_at(lexemes, places)
        price = PriceReader(text, lexemes, facts, in_measures).read(spans)
        if price is not None and price.preference is None:
            places.append((price.start, price.end))
        taken = _lexemes_at(lexemes, places)
        negations = NegationReader(text, lexemes, self.knowledge, taken).read(spans)
        return replace(
            query,
            price=price,
            measures=measured.measures,
            negations=negations,
            alternatives=query.alternatives + measured.alternatives,
        )


def may_state_condition(text: str) -> bool:
    """Whether a text has a digit or a word that announces a condition; nearly all have neither."""
    if _DIGIT.search(text) is not None or not TELLING.isdisjoint(text.split()):
        return True
    if _SIGNS.search(text) is None:
        return False
    spaced = text.replace("-", " ").replace("/", " ").split()
    return "w/o" in text or " -" in f" {text}" or not TELLING.isdisjoint(spaced)


def open_phrases(directory: Path) -> Callable[[Query], Query]:
    """Opens what `PhrasesBuilder` wrote.

    Raises:
        IndexCorrupt: a file is missing or unreadable.
    """
    return Phrases(Grammar(), Knowledge.open(directory))


def _lexemes_at(lexemes: Sequence[Lexeme], places: Iterable[tuple[int, int]]) -> frozenset[int]:
    return frozenset(
        at
        for start, end in places
        for at, lexeme in enumerate(lexemes)
        if start <= lexeme.start < end
    )
