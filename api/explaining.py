"""Explanations of places: where a product is, why, and why not above another."""

from __future__ import annotations

from dataclasses import dataclass

from api.explained_text import Line, lines
from api.reasons import Difference, reasons_of
from api.responses import HitBody, hit_body
from search.explaining import Places


@dataclass(frozen=True, slots=True)
class ExplanationBody:
    """Where a product is in the answer to a query, null where it is not, and why in sentences;
    `differences` compares it with the product `above`, the greatest first."""

    query: str
    system: str
    model: str | None
    id: str
    position: int | None
    found: int
    hit: HitBody | None
    above: HitBody | None
    differences: tuple[Difference, ...]
    sentences: tuple[str, ...]


def explanation_body(places: Places) -> ExplanationBody:
    """The first of the places, and if there is a second, why the first is not above it."""
    own, *others = places.places
    model = places.model
    return ExplanationBody(
        query=places.query.text,
        system=places.system,
        model=f"{model.name} {model.version}" if model else None,
        id=own.product.id,
        position=own.hit.position if own.hit else None,
        found=places.found,
        hit=hit_body(own.hit, model) if own.hit else None,
        above=hit_body(others[0].hit, model) if others and others[0].hit else None,
        differences=differences_of(places),
        sentences=tuple(line.text for line in explanation_lines(places)),
    )


def explanation_lines(places: Places) -> tuple[Line, ...]:
    """The same for people: sentences, and what they list."""
    return tuple(lines(places, differences_of(places)))


def differences_of(places: Places) -> tuple[Difference, ...]:
    """What the model holds against the first product beside the second, the greatest first; none
    without a second."""
    own, other = places.places[0], places.places[-1]
    if own is other or own.hit is None or other.hit is None:
        return ()
    reasons, others = reasons_of(own.hit, places.model), reasons_of(other.hit, places.model)
    if reasons is None or others is None:
        return ()
    mine = {each.feature: each for each in reasons.features}
    compared = [Difference.between(mine[each.feature], each) for each in others.features]
    return tuple(sorted(compared, key=lambda difference: -abs(difference.difference)))
