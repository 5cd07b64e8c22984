"""Every part of query understanding, in the order they work. Adding one is one package and one line
here; the contract tests pick it up.

Parts are imported when they are opened or built: spaCy takes a second, which a program that never
understands a query should not wait for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from query.parts import PartBuilder, Refiner, Rewriter


@dataclass(frozen=True, slots=True)
class Part:
    """A part that is only built here; whoever uses it opens it."""

    builder: Callable[[], PartBuilder]


@dataclass(frozen=True, slots=True)
class RewriterPart:
    """A part that rewrites queries. `builder` makes what learns it from a catalogue; `open` loads
    what that wrote (files that are mapped or read once; at most .5 s)."""

    builder: Callable[[], PartBuilder]
    open: Callable[[Path], Rewriter]


@dataclass(frozen=True, slots=True)
class RefinerPart:
    """A part that adds what the query's vector tells."""

    builder: Callable[[], PartBuilder]
    open: Callable[[Path], Refiner]


def _spelling_builder() -> PartBuilder:
    from query.spelling import SpellingBuilder

    return SpellingBuilder()


def _open_spelling(directory: Path) -> Rewriter:
    from query.spelling import open_spelling

    return open_spelling(directory)


def _phrases_builder() -> PartBuilder:
    from query.phrases.builder import PhrasesBuilder

    return PhrasesBuilder()


def _open_phrases(directory: Path) -> Rewriter:
    from query.phrases.rewriter import open_phrases

    return open_phrases(directory)


def _entities_builder() -> PartBuilder:
    from query.entities.builder import EntitiesBuilder

    return EntitiesBuilder()


def _open_entities(directory: Path) -> Rewriter:
    from query.entities.rewriter import open_entities

    return open_entities(directory)


def _expansion_builder() -> PartBuilder:
    from query.expansion import ExpansionBuilder

    return ExpansionBuilder()


def _open_expansion(directory: Path) -> Rewriter:
    from query.expansion import open_expansion

    return open_expansion(directory)


REWRITERS: Mapping[str, RewriterPart] = {
    "spelling": RewriterPart(_spelling_builder, _open_spelling),
    "phrases": RewriterPart(_phrases_builder, _open_phrases),
    "entities": RewriterPart(_entities_builder, _open_entities),
    "expansion": RewriterPart(_expansion_builder, _open_expansion),
}
"""In order, after normalizing and before composing."""


def _intent_builder() -> PartBuilder:
    from query.intent import IntentBuilder

    return IntentBuilder()


def _open_intent(directory: Path) -> Refiner:
    from query.intent import open_intent

    return open_intent(directory)


REFINERS: Mapping[str, RefinerPart] = {"intent": RefinerPart(_intent_builder, _open_intent)}
"""In order, once the vector is known."""


def _suggest_builder() -> PartBuilder:
    from query.suggest import SuggestBuilder

    return SuggestBuilder()


OTHERS: Mapping[str, Part] = {"suggest": Part(_suggest_builder)}
"""Parts that are learned with the rest and do not change queries: suggestions."""


def builders() -> dict[str, Callable[[], PartBuilder]]:
    """The builder of every part, by name."""
    every: dict[str, RewriterPart | RefinerPart | Part] = {**REWRITERS, **REFINERS, **OTHERS}
    return {name: part.builder for name, part in every.items()}
