"""Explanations in sentences: where a product is, why, and why not above another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from api.reasons import Reason, phrase, reasons_of
from api.responses import HitBody, hit_body
from search.explaining import Absence, Place, Places
from search.types import Filter

_MOST = 5
"""Features that a sentence names."""
_LEAST = 0.0005
"""The least difference that is told."""
_STAGES = {"words": "its words", "meaning": "its meaning"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One feature of two products: their values and how much more it adds to the score of the other
    one, which is above. A `shared` one has the same value for both."""

    feature: str
    value: float | None
    other: float | None
    difference: float
    shared: bool


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
    compared = differences_of(places) if others else ()
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
        differences=compared,
        sentences=tuple(_sentences(places, compared)),
    )


def differences_of(places: Places) -> tuple[Difference, ...]:
    """What the model holds against the first product beside the second, the greatest first."""
    own, other = places.places[:2]
    if own.hit is None or other.hit is None:
        return ()
    reasons, others = reasons_of(own.hit, places.model), reasons_of(other.hit, places.model)
    if reasons is None or others is None:
        return ()
    mine = {each.feature: each for each in reasons.features}
    compared = [
        Difference(
            each.feature,
            mine[each.feature].value,
            each.value,
            (each.contribution or 0.0) - (mine[each.feature].contribution or 0.0),
            each.shared,
        )
        for each in others.features
    ]
    return tuple(sorted(compared, key=lambda difference: -abs(difference.difference)))


def _sentences(places: Places, compared: tuple[Difference, ...]) -> Iterator[str]:
    own, *others = places.places
    yield from _about(own, places)
    if others:
        yield from _beside(own, others[0], places, compared)
    yield from (f"Note: {fallback}." for fallback in places.fallbacks)


def _about(place: Place, places: Places) -> Iterator[str]:
    name = place.product.id
    if place.hit is None:
        yield f"{name} is not among the {places.found} results for “{places.query.text}”."
        assert place.absence is not None
        yield from _absent(place.absence)
        return
    hit = place.hit
    yield f"{name} is number {hit.position} of {places.found} for “{places.query.text}”."
    ranks = {each.stage: each.rank for each in hit.why}
    found = [f"{how} (number {ranks[stage]})" for stage, how in _STAGES.items() if ranks.get(stage)]
    together = f" Together that is number {ranks['fused']}." if ranks.get("fused") else ""
    if found:
        yield f"It was found by {' and '.join(found)}.{together}"
    if ranks.get("boosts"):
        yield "What was understood of the query moved it up."
    for move in hit.moves:
        if move.kind == "stock":
            yield "It is sold out, which moves it down after the model ([ranking] out_of_stock)."
        else:
            yield f"The rule {move.rule} moved it ({move.kind})."
    yield from _model(place, places)
    if read := ranks.get("cross_encoder"):
        yield f"Among the hits that the cross-encoder read, it is number {read} by its title."


def _model(place: Place, places: Places) -> Iterator[str]:
    assert place.hit is not None
    reasons = reasons_of(place.hit, places.model)
    if places.model is None:
        return
    if reasons is None:
        yield f"The model {places.model.name} did not look at it: it is too far down."
        return
    yield f"The model {places.model.name} gives it {reasons.score:.3f}."
    for words, sign in (("For", 1), ("Against", -1)):
        most = [
            each
            for each in reasons.features
            if not each.shared and sign * (each.contribution or 0.0) > 0
        ][:_MOST]
        if most:
            yield f"{words} it: {'; '.join(map(_reason, most))}."
    if any(each.shared for each in reasons.features):
        yield f"The query itself: {reasons.query:+.3f}."


def _reason(reason: Reason) -> str:
    return f"{phrase(reason.feature)} {_value(reason.value)} ({reason.contribution:+.3f})"


def _value(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4g}"


def _absent(absence: Absence) -> Iterator[str]:
    for each in absence.filters:
        yield f"It does not satisfy {_condition(each)}."
    if not absence.any_word:
        yield "It has none of the words."
    elif not absence.every_word:
        yield "It has some of the words, not all."
    elif not absence.filters:
        yield "It has every word, but others match them better."
    if absence.similarity is not None:
        least = (
            "" if absence.least is None else f"; the least of the results is {absence.least:.3f}"
        )
        yield f"Its meaning is {absence.similarity:.3f} near{least}."


def _condition(each: Filter) -> str:
    bounds = (
        f"{each.low if each.low is not None else ''}..{each.high if each.high is not None else ''}"
    )
    wanted = ", ".join(each.values) if each.values else bounds
    return f"{'not ' if each.exclude else ''}{each.name}={wanted}"


def _beside(
    own: Place, other: Place, places: Places, compared: tuple[Difference, ...]
) -> Iterator[str]:
    yield from _about(other, places)
    if own.hit is None or other.hit is None:
        return
    if own.hit.position < other.hit.position:
        yield f"{own.product.id} is above {other.product.id} already."
    elif not compared:
        yield (
            f"{other.product.id} is above it: it scores {other.hit.score:.3f}, "
            f"{own.product.id} {own.hit.score:.3f}."
        )
    else:
        yield from _differences(own, other, compared)


def _differences(own: Place, other: Place, compared: tuple[Difference, ...]) -> Iterator[str]:
    from rankers.features import FEATURES

    total = sum(each.difference for each in compared)
    above = f"{other.product.id} is above it by {total:.3f}."
    if total < 0:  # what comes after the model has put it there
        above = f"The model itself has {own.product.id} above it by {-total:.3f}."
    yield f"{above} What makes most of the difference:"
    for each in [each for each in compared if not each.shared][:_MOST]:
        side = "for" if each.difference > 0 else "against"
        meant = FEATURES[each.feature].sentence if each.feature in FEATURES else ""
        yield (
            f"{phrase(each.feature)}: {_value(each.other)} beside {_value(each.value)}, "
            f"{abs(each.difference):.3f} {side} {other.product.id}. {meant}".strip()
        )
    shared = sum(each.difference for each in compared if each.shared)
    if abs(shared) >= _LEAST:
        side = "for" if shared > 0 else "against"
        yield f"The query itself, beside all that: {abs(shared):.3f} {side} {other.product.id}."
