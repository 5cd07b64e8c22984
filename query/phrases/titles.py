"""The measures of a title, found without a language library: this runs for every product."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from query.phrases.units import (
    NUMBER_PATTERN,
    SIZE,
    UNIT_PATTERN,
    UNITS,
    Unit,
    find_unit,
    measure_token,
    read_number,
    resolve,
    sides_token,
)

_SINGLE = re.compile(
    rf"(?<![^\W_])(?<![^\W\d_][-./])(?<!\d\.)({NUMBER_PATTERN})([ -]?)({UNIT_PATTERN})(?![^\W_])"
)
_LENGTH = r"(?: ?(\"|''?|in|inch|inches|cm|mm|m|ft)(?![a-wyz]))?"
_SIDES = re.compile(
    rf"(?<![^\W_])(?<!\d\.)({NUMBER_PATTERN}){_LENGTH} ?x ?({NUMBER_PATTERN}){_LENGTH}"
    rf"(?: ?x ?({NUMBER_PATTERN}){_LENGTH})?(?![^\W_])"
)
_LEADING = re.compile(
    r"\b(?:(pack|packs|set|box|case|bag|lot|bundle) of (\d{1,4})"
    r"|(?:size(?: us)?|us(?: size)?) (\d{1,2}(?:\.5)?)|sleeps (\d{1,2}))(?![^\W_])"
)
_TIMES = re.compile(r"(?<![^\W_])(\d{1,2})x(?![^\W_])(?! (?:zoom|magni|optical|\d))")
_LINKED = re.compile(r"[\d\"'nmt] ?x ?\.?\d")
_LEADS = ("pack", "of ", "us ", "sleeps")


@dataclass(frozen=True, slots=True)
class Found:
    """What was measured in a text: values with their units, and sizes given by their sides."""

    values: tuple[tuple[Unit, float], ...] = ()
    sides: tuple[tuple[float, ...], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.values or self.sides)

    def tokens(self) -> Iterator[str]:
        """The words that stand for these measures in the index."""
        for unit, value in self.values:
            yield measure_token(unit.dimension, unit.base(value))
        for sides in self.sides:
            yield sides_token(sides)


NOTHING = Found()


def find_measures(text: str) -> Found:
    """The measures of a normalized text."""
    values = [*_singles(text), *_leading(text)]
    sides: list[tuple[float, ...]] = []
    for numbers, unit in _all_sides(text) if _LINKED.search(text) else ():
        sides.append(numbers)
        values += [(unit, number) for number in numbers] if unit else []
    return Found(tuple(dict.fromkeys(values)), tuple(sides)) if values or sides else NOTHING


def _singles(text: str) -> Iterator[tuple[Unit, float]]:
    for match in _SINGLE.finditer(text):
        number, gap, written = match.groups()
        unit, value = find_unit(written, number), read_number(number)
        if unit is not None and value is not None:
            unit = resolve(unit, value, not gap, text, match.end())
            if unit is not None:
                yield unit, value


def _leading(text: str) -> Iterator[tuple[Unit, float]]:
    if any(lead in text for lead in _LEADS) or "size" in text:
        for _, pack, size, sleeps in _LEADING.findall(text):
            unit = UNITS["pack"] if pack else SIZE if size else UNITS["person"]
            yield unit, float(pack or size or sleeps)
    for times in _TIMES.findall(text):
        yield UNITS["pack"], float(times)


def _all_sides(text: str) -> Iterator[tuple[tuple[float, ...], Unit | None]]:
    for match in _SIDES.finditer(text):
        first, unit1, second, unit2, third, unit3 = match.groups()
        read = [read_number(number) for number in (first, second, third) if number]
        sides = tuple(side for side in read if side is not None)
        unit = unit3 or unit2 or unit1
        if len(sides) == len(read):
            yield sides, UNITS[unit] if unit else None
