"""The refiner: categories and kind of a query."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from query.compose import kind_said
from query.intent.categories import CategoryModel
from query.intent.dictionary import LONGEST, Dictionary
from query.intent.features import MOST_WORDS, kind_features
from query.intent.keys import key, spans
from query.intent.kinds import KindModel
from query.intent.known import Known
from query.intent.phrases import bundled_phrases
from query.intent.support import Support, open_support
from query.intent.titles import evidence_keys
from query.stem import stems
from query.text import tokens
from search.types import CategoryProbability, Link, Query, Vector


@dataclass(frozen=True, slots=True)
class IntentRefiner:
    """Fills `categories`, `intent` with its probability, and `links`."""

    categories: CategoryModel
    kinds: KindModel
    known: Known
    support: Support

    def __call__(self, query: Query, vector: Vector | None) -> Query:
        """The query with what it is after; unchanged without words."""
        if not tokens(query.corrected):
            return query
        features = kind_features(query, self.known)
        intent, probability = self.kinds.kind(features, vector)
        if intent == "support":
            return replace(
                query, intent=intent, intent_probability=probability, links=self._links(query)
            )
        return replace(
            query,
            intent=intent,
            intent_probability=probability,
            categories=self._categories(query, vector),
        )

    def _categories(self, query: Query, vector: Vector | None) -> tuple[CategoryProbability, ...]:
        """Of what is searched for: prices and refusals say nothing of the category, nor do
        measures beside the name of what is measured."""
        return self.categories.categories(evidence_keys(kind_said(query)), vector)

    def _links(self, query: Query) -> tuple[Link, ...]:
        found = stems([token.text for token in tokens(query.corrected)[:MOST_WORDS]])
        places = spans(len(found), LONGEST)
        return self.support.links([key(found[start:end]) for start, end in places])


def open_intent(directory: Path) -> IntentRefiner:
    """What `IntentBuilder.write` wrote; arrays are mapped."""
    return IntentRefiner(
        CategoryModel.open(directory),
        KindModel.open(directory),
        Known(Dictionary.open(directory), bundled_phrases()),
        open_support(directory),
    )
