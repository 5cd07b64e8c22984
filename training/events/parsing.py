"""A batch of UBI events: each taken, refused or set aside for itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from search.types import Event
from training.events.rules import Rules
from training.events.seams import Quarantined, Refused
from training.events.ubi import Pseudonym, parse_event
from training.events.values import Fault, size

Known = Callable[[str], bool]


class Parsed(NamedTuple):
    """What became of a batch: every event is in exactly one of the three, in order."""

    events: tuple[Event, ...]
    refused: tuple[Refused, ...]
    quarantined: tuple[Quarantined, ...]


def parse_events(
    objects: Sequence[Any],
    rules: Rules,
    now: float,
    known_product: Known | None = None,
    pseudonym: Pseudonym | None = None,
) -> Parsed:
    """Reads a batch of UBI 1.3 events (`json.loads` of each); never raises for what one holds.

    `now` is in seconds since 1970. `known_product` says whether the shop has a product; None takes
    all. `pseudonym` turns the shop's client id into the one to keep (`training.events.pseudonyms`).
    """
    events: list[Event] = []
    refused: list[Refused] = []
    quarantined: list[Quarantined] = []
    for index, record in enumerate(objects):
        try:
            event = _parse(record, rules, now, pseudonym)
        except Fault as fault:
            refused.append(Refused(index, fault.field, fault.reason))
            continue
        fault_found = _set_aside(event, rules, now, known_product)
        if fault_found is None:
            events.append(event)
        else:
            quarantined.append(Quarantined(index, event, fault_found.field, fault_found.reason))
    return Parsed(tuple(events), tuple(refused), tuple(quarantined))


def _parse(record: Any, rules: Rules, now: float, pseudonym: Pseudonym | None) -> Event:
    bytes_ = size(record)
    if bytes_ > rules.event_bytes:
        raise Fault("", f"is {bytes_} bytes long; at most {rules.event_bytes} are taken")
    event = parse_event(record, pseudonym)
    ahead = event.time - now
    if ahead > rules.future_seconds:
        raise Fault(
            "timestamp",
            f"is {ahead:.0f} s in the future; at most {rules.future_seconds:.0f} s are taken: set "
            "the sender's clock",
        )
    check_position(event.position, rules)
    return event


def check_position(position: int | None, rules: Rules) -> None:
    """Raises a `Fault` for a position that no product can have."""
    if position is not None and not 1 <= position <= rules.positions:
        raise Fault(
            "event_attributes.position.ordinal",
            f"is {position}; positions go from 1, the top, to {rules.positions}",
        )


def _set_aside(event: Event, rules: Rules, now: float, known: Known | None) -> Fault | None:
    age = now - event.time
    if age > rules.late_seconds:
        return Fault(
            "timestamp",
            f"is {age / 86_400:.1f} days old; {rules.late_seconds / 86_400:g} days count",
        )
    if known is not None and event.product and not known(event.product):
        return Fault(
            "event_attributes.object.object_id",
            f"{event.product!r} is no product of this shop",
        )
    return None
