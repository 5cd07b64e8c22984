"""Explanations in sentences, in the order in which things happen to a product: found, ranked, read,
moved by stock and rules, placed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from api.reasons import Difference, Reason, reasons_of
from search.explaining import Absence, Place, Places
from search.types import Filter, Hit, Move

_MOST = 5
"""Features that are listed."""
_LEAST = 0.0005
"""The least difference that is told."""
_STAGES = {"words": "its words", "meaning": "its meaning"}
_WEIGHED = {"boost": "moves it up", "bury": "moves it down"}
_PLACED = {"pin": "Pinned", "sponsored": "A paid place, given"}


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence, or what it lists: that is indented by some columns."""

    text: str
    indent: int = 0


def lines(places: Places, compared: tuple[Difference, ...]) -> Iterator[Line]:
    """Why the first product is where it is; with a second, why it is not above that one, which
    `compared` says feature by feature."""
    own, *others = places.places
    yield from _about(own, places)
    if others:
        yield from _about(others[0], places)
        yield from _beside(own, others[0], compared)
    yield from (Line(f"Note: {fallback}.") for fallback in places.fallbacks)


def _about(place: Place, places: Places) -> Iterator[Line]:
    name = place.product.id
    if place.hit is None:
        yield Line(f"{name} is not among the {places.found} results for “{places.query.text}”.")
        assert place.absence is not None
        yield from map(Line, _absent(place.absence))
        return
    hit = place.hit
    yield Line(f"{name} is number {hit.position} of {places.found} for “{places.query.text}”.")
    yield from map(Line, _found(hit))
    yield from _model(hit, places)
    yield from map(Line, _read(hit))
    yield from map(Line, _moved(hit))


def _found(hit: Hit) -> Iterator[str]:
    ranks = {each.stage: each.rank for each in hit.why}
    found = [f"{how} (number {ranks[stage]})" for stage, how in _STAGES.items() if ranks.get(stage)]
    together = f" Together that is number {ranks['fused']}." if ranks.get("fused") else ""
    if found:
        yield f"It was found by {' and '.join(found)}.{together}"
    if ranks.get("boosts"):
        yield "What was understood of the query moved it up."


def _model(hit: Hit, places: Places) -> Iterator[Line]:
    reasons = reasons_of(hit, places.model)
    if places.model is None:
        return
    if reasons is None:
        yield Line(f"The model {places.model.name} did not look at it: it is too far down.")
        return
    rank = {each.stage: each.rank for each in hit.why}.get("model")
    by = f", which is number {rank}" if rank else ""
    yield Line(f"The model {places.model.name} gives it {reasons.score:.3f}{by}.")
    for words, sign in (("For", 1), ("Against", -1)):
        most = [
            each
            for each in reasons.features
            if not each.shared and sign * (each.contribution or 0.0) >= _LEAST
        ][:_MOST]
        if most:
            yield Line(f"{words} it:")
            yield from (Line(_reason(each), 2) for each in most)
    if any(each.shared for each in reasons.features):
        yield Line(f"The query itself: {_signed(reasons.query)}.")


def _reason(reason: Reason) -> str:
    return f"{_signed(reason.contribution or 0.0)} {reason.label}: {reason.text}"


def _signed(value: float) -> str:
    return f"{value:+.3f}" if abs(value) >= _LEAST else "0"


def _read(hit: Hit) -> Iterator[str]:
    reading = hit.reading
    if reading is None:
        return
    rank = {each.stage: each.rank for each in hit.why}["cross_encoder"]
    yield f"Among the hits that the cross-encoder read, it is number {rank} by its title."
    told = (
        f"It scores {_signed(reading.score)} there, which adds {_signed(reading.added)} at its "
        f"weight of {reading.weight:.3g}"
    )
    if reading.before is None or reading.after is None:
        yield f"{told}."
    elif reading.before == reading.after:
        yield f"{told}, and reading leaves it number {reading.after}."
    else:
        yield f"{told}, and reading moves it from number {reading.before} to {reading.after}."


def _moved(hit: Hit) -> Iterator[str]:
    if hit.before not in (None, hit.position):
        yield f"Before stock, age, variety and rules it is number {hit.before}."
    for move in hit.moves:
        if move.kind == "stock":
            yield "It is sold out, which moves it down ([ranking] out_of_stock)."
        elif move.kind in _WEIGHED:
            yield f"The rule {move.rule} {_WEIGHED[move.kind]} ({move.kind})."
    placed = placing(hit)
    if hit.behind and placed is None:
        yield f"Before it {_stand(hit.behind)} that rules put there."
    if placed:
        yield f"{_PLACED[placed.kind]} by rule {placed.rule}: {_without(placed)}."


def _stand(count: int) -> str:
    return "stands 1 product" if count == 1 else f"stand {count} products"


def placing(hit: Hit) -> Move | None:
    """What put a hit at its place whatever its score."""
    return next((move for move in hit.moves if move.kind in _PLACED), None)


def _without(move: Move) -> str:
    if move.before is None:
        return "without it, it is not among the results"
    return f"without pins and paid places it is number {move.before}"


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


def _beside(own: Place, other: Place, compared: tuple[Difference, ...]) -> Iterator[Line]:
    if own.hit is None or other.hit is None:
        return
    mine, theirs = own.product.id, other.product.id
    if own.hit.position < other.hit.position:
        yield Line(f"{mine} is above {theirs} already.")
        return
    placed = placing(other.hit)
    if placed is not None:
        yield Line(f"{theirs} is above it by rule {placed.rule} ({placed.kind}), not by its score.")
    if compared:
        yield from _differences(mine, theirs, compared, placed)
    elif placed is None:
        yield Line(_by_score(own.hit, other.hit))


def _by_score(own: Hit, other: Hit) -> str:
    mine, theirs = (
        next((each.score for each in hit.why if each.stage == "fused"), None) or 0.0
        for hit in (own, other)
    )
    if theirs >= mine:
        return (
            f"{other.product.id} is above it: it scores {theirs:.3f}, {own.product.id} {mine:.3f}."
        )
    return (
        f"By words and meaning {own.product.id} is above it ({mine:.3f} beside {theirs:.3f}); "
        "what comes after has it below."
    )


def _differences(
    own: str, other: str, compared: tuple[Difference, ...], placed: Move | None
) -> Iterator[Line]:
    from rankers.features import FEATURES

    total = sum(each.difference for each in compared)
    above = f"{other} is above it by {total:.3f}."
    if total < 0:  # what comes after the model has put it there
        above = f"The model itself has {own} above it by {-total:.3f}."
    elif placed is not None:
        above = f"The model has {other} above it, too, by {total:.3f}."
    yield Line(f"{above} What makes most of the difference:")
    for each in [each for each in compared if not each.shared][:_MOST]:
        if abs(each.difference) >= _LEAST:
            side = "for" if each.difference > 0 else "against"
            meant = FEATURES[each.feature].sentence if each.feature in FEATURES else ""
            told = f"{abs(each.difference):.3f} {side} {other}: {each.label}, "
            yield Line(f"{told}{each.other_text} beside {each.text}. {meant}".strip(), 2)
    shared = sum(each.difference for each in compared if each.shared)
    if abs(shared) >= _LEAST:
        side = "for" if shared > 0 else "against"
        yield Line(f"The query itself, beside all that: {abs(shared):.3f} {side} {other}.")
