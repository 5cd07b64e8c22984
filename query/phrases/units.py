"""The units shoppers and titles write, and the one token that all spellings of a measure share.

Factors turn a value into the base unit of its dimension: mm, ml, g, W, V, A, mAh, Wh, GB, Hz, kPa,
minutes, lumens, megapixels, square meters; a cup is the US cup, a data size is decimal.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

EXACT = frozenset({"count", "pages", "persons", "data", "size", "temperature", "pixels"})
"""Dimensions in which nearly the same is not the same."""
TOLERANCE = 0.03
"""How far a measure may be off to count as the one asked for: what rounding in another unit does
to it (3.3 ft for 1 m), and not the next size."""
_BUCKET = 0.02
"""The width of a token's range, as a share of the value; see `nearby_tokens`."""


@dataclass(frozen=True, slots=True)
class Unit:
    """`name` is the one abbreviation of the unit, `factor` what one of it is in the base unit of
    its `dimension`, `offset` what is added after that (degrees Fahrenheit)."""

    name: str
    dimension: str
    factor: float
    offset: float = 0.0

    def base(self, value: float) -> float:
        """The value in the base unit of the dimension."""
        return value * self.factor + self.offset


_TABLE: Mapping[str, Mapping[str, tuple[float, str]]] = {
    "length": {
        "mm": (1, "mm millimeter millimeters millimetre millimetres"),
        "cm": (10, "cm cms centimeter centimeters centimetre centimetres"),
        "m": (1000, "m mtr mtrs meter meters metre metres"),
        "in": (25.4, "in ins inch inches \" ''"),
        "ft": (304.8, "ft foot feet '"),
        "yd": (914.4, "yd yds yard yards"),
    },
    "area": {
        "sq ft": (0.09290304, "sqft sq_ft sq_feet square_foot square_feet ft2 ft²"),
        "sq m": (1, "sqm sq_m square_meter square_meters square_metre square_metres m2 m²"),
    },
    "volume": {
        "ml": (1, "ml milliliter milliliters millilitre millilitres cc"),
        "cl": (10, "cl centiliter centiliters centilitre centilitres"),
        "l": (1000, "l lt ltr ltrs liter liters litre litres"),
        "fl oz": (29.5735, "floz fl_oz fl_ounce fl_ounces fluid_oz fluid_ounce fluid_ounces"),
        "gal": (3785.41, "gal gals gallon gallons"),
        "qt": (946.353, "qt qts quart quarts"),
        "pt": (473.176, "pt pint pints"),
        "cup": (236.588, "cup cups"),
    },
    "mass": {
        "mg": (0.001, "mg milligram milligrams"),
        "g": (1, "g gr gram grams gramme grammes"),
        "kg": (1000, "kg kgs kilo kilos kilogram kilograms"),
        "lb": (453.592, "lb lbs pound pounds"),
        "oz": (28.3495, "oz ozs ounce ounces"),
    },
    "power": {"w": (1, "w watt watts"), "kw": (1000, "kw kilowatt kilowatts")},
    "voltage": {"v": (1, "v volt volts vdc vac"), "kv": (1000, "kv kilovolt kilovolts")},
    "current": {"a": (1, "amp amps ampere amperes"), "ma": (0.001, "ma milliamp milliamps")},
    "charge": {"mah": (1, "mah"), "ah": (1000, "ah")},
    "energy": {"wh": (1, "wh watt_hour watt_hours"), "kwh": (1000, "kwh")},
    "data": {
        "kb": (1e-6, "kb kilobyte kilobytes"),
        "mb": (0.001, "mb megabyte megabytes"),
        "gb": (1, "gb gigabyte gigabytes gig gigs"),
        "tb": (1000, "tb terabyte terabytes"),
    },
    "frequency": {
        "hz": (1, "hz hertz"),
        "khz": (1e3, "khz kilohertz"),
        "mhz": (1e6, "mhz megahertz"),
        "ghz": (1e9, "ghz gigahertz"),
    },
    "pressure": {"kpa": (1, "kpa"), "psi": (6.89476, "psi"), "bar": (100, "bar")},
    "temperature": {"c": (1, "°c °_c celsius"), "f": (5 / 9, "°f °_f fahrenheit")},
    "time": {
        "s": (1 / 60, "sec secs second seconds"),
        "min": (1, "min mins minute minutes"),
        "h": (60, "h hr hrs hour hours"),
    },
    "light": {"lm": (1, "lm lumen lumens")},
    "color temperature": {"k": (1, "kelvin")},
    "pixels": {"mp": (1, "mp mpx megapixel megapixels")},
    "resolution": {"dpi": (1, "dpi")},
    "torque": {"nm": (1, "nm newton_meter newton_meters")},
    "count": {
        "pack": (1, "pack packs pk pks"),
        "piece": (1, "piece pieces pc pcs"),
        "pair": (1, "pair pairs pr"),
        "count": (1, "count ct cnt counts"),
    },
    "pages": {"page": (1, "page pages"), "sheet": (1, "sheet sheets")},
    "persons": {"person": (1, "person persons people")},
}

SIZE = Unit("size", "size", 1)
"""A size of clothing or shoes."""
_OFFSETS = {"f": -160 / 9}

UNITS: Mapping[str, Unit] = {
    spelling.replace("_", " "): Unit(name, dimension, factor, _OFFSETS.get(name, 0.0))
    for dimension, names in _TABLE.items()
    for name, (factor, spellings) in names.items()
    for spelling in spellings.split()
}
"""Every spelling of every unit, in lower case."""
_FLUID_OUNCE = Unit("oz", "volume", 29.5735)
UNIT_PATTERN = (
    r"\"|''?|sq\.? ?(?:ft|feet|m)\b|square (?:f[eo]et|foot|met(?:er|re)s?)\b"
    r"|fl\.? ?oz\b|fl\.? ounces?\b|fluid (?:oz|ounces?)\b|watt[ -]hours?\b|newton meters?\b"
    r"|° ?[cf]\b|[^\W\d_]+[2²]?"
)
"""What may be a unit; `find_unit` says which it is."""
NUMBER_PATTERN = r"(?:(?:\d+[ -])?(?<![\d/])\d{1,2}/\d{1,2}(?![\d/])|\d+(?:\.\d+)?|\.\d+)"
_DENOMINATORS = frozenset({2, 3, 4, 5, 6, 8, 10, 12, 16, 32, 64})


_KELVINS = range(1500, 10_001)
_PRESSURES = range(8, 26)
_GENERATIONS = range(2, 7)
_YEARS = range(1900, 2100)
_FLUID = re.compile(
    r"\b(?:bottle|tumbler|mug|cup|glass|flask|jar|jug|pitcher|thermos|carafe|shampoo|conditioner"
    r"|lotion|liquid|spray|water|juice|oil|soap|cleaner|wash|serum|drink|soda|beer)s?\b"
)
_WAIST = re.compile(r"\d ?w ?x ?\d+ ?l\b")
_DIGIT = re.compile(r" ?\d| us\b")
_LETTER = re.compile(r"(?!x\.?\d)[^\W_]")


def find_unit(text: str, number: str = "") -> Unit | None:
    """The unit of this spelling, None when it is none. `number` stands before it: `3000k`."""
    found = UNITS.get(text)
    if found is not None or text.isalpha():
        kelvin = text == "k" and number.isdecimal() and int(number) in _KELVINS
        return UNITS["kelvin"] if kelvin else found
    return UNITS.get(" ".join(text.replace(".", " ").replace("-", " ").split()))


def resolve(unit: Unit, value: float, glued: bool, text: str, end: int) -> Unit | None:
    """The unit that was meant, None when it was no measure: `2 in 1`, `8 m us`, `5g`, `1970's`.

    `glued` says that nothing stands between number and unit; `end` is where the unit ends.
    """
    name = unit.name
    if name == "oz":
        return _FLUID_OUNCE if _FLUID.search(text) else unit
    if name in ("in", "m"):
        year = not glued and value in _YEARS
        word = not glued and text[end - 1] in "nm"
        return None if year or (word and _DIGIT.match(text, end)) else unit
    if name == "g":
        return None if glued and value in _GENERATIONS and text[end - 1] == "g" else unit
    if name in ("w", "l"):
        return None if _WAIST.search(text) else unit
    if name == "bar":
        return unit if glued or value in _PRESSURES else None
    if name == "ft":
        return None if text[end - 1] == "'" and _LETTER.match(text, end) else unit
    return unit


def read_number(text: str) -> float | None:
    """`1.5`, `.5`, `1/2`, `1 1/2`, `1-1/2`; None for what is no measure's fraction (`24/7`)."""
    if "/" not in text:
        return float(text)
    *whole, fraction = text.replace("-", " ").split()
    numerator, denominator = (int(part) for part in fraction.split("/"))
    if denominator not in _DENOMINATORS or not 0 < numerator < denominator:
        return None
    return sum(int(part) for part in whole) + numerator / denominator


def measure_token(dimension: str, value: float) -> str:
    """The token of a value in the base unit of its dimension: one for everything that differs only
    by rounding. No word of a title or query is like it."""
    if dimension in EXACT or value <= 0:
        return _token(dimension, f"{value:.4g}")
    return _token(dimension, str(round(math.log(value) / _BUCKET)))


def nearby_tokens(dimension: str, value: float) -> tuple[str, ...]:
    """The tokens that values near this one have: certainly those within 1 %, none beyond 3 %.

    A value stands between two tokens, whose ranges together reach so far on both sides.
    """
    if dimension in EXACT or value <= 0:
        return (measure_token(dimension, value),)
    place = math.log(value) / _BUCKET
    return tuple(_token(dimension, str(each)) for each in (math.floor(place), math.ceil(place)))


def sides_token(sides: tuple[float, ...]) -> str:
    """The token of a size given by its sides, `4x6`, whatever the unit."""
    return _token("sides", "x".join(f"{side:g}" for side in sides))


def bounds(dimension: str, value: float) -> tuple[float, float]:
    """What counts as `value`, in the base unit: itself alone where nearly is not the same."""
    if dimension in EXACT or value <= 0:
        return value, value
    return value * (1 - TOLERANCE), value * (1 + TOLERANCE)


def _token(dimension: str, value: str) -> str:
    return f"measure:{dimension.replace(' ', '-')}:{value}"
