"""Text analysis shared by indexing and querying: the same words from the same text on both sides.

`words` gives normalised words; the index stems them. `codes` gives identifiers and model numbers
whole, so that `WH-1000XM4`, `wh1000xm4` and `WH 1000 XM4` meet.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from query.phrases.units import NUMBER_PATTERN, UNIT_PATTERN, find_unit

_WORD = re.compile(r"[^\W_]+(?:[.'’][^\W_]+)*")
_CODE = re.compile(r"(?=[\w./-]*\d)(?=[\w./-]*[a-z])[a-z0-9]+(?:[-./_][a-z0-9]+)*|\d{4,}")
_LONGEST_CODE = 100
_AT_HAND = 16
"""Texts whose words are at hand: every part of understanding asks for those of the same query."""
_MEASURE = re.compile(rf"{NUMBER_PATTERN}-?({UNIT_PATTERN})")
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_COMMA = re.compile(r",\d")
_DIGIT = re.compile(r"\d")
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])")
_METRIC = r"(?:[mck]?m|[mc]?l|[mk]?g|k?w|v|a?h|liters?|litres?|inch|euros?)\b|€"
_DECIMAL_COMMA = re.compile(rf"(?<![\d.,])(\d+),(\d{{1,2}})(?= ?(?:{_METRIC}))")
_TIMES = re.compile(r"(?<=[\d\"'])( ?)×( ?)(?=[\d.])")
_SINGLE, _DOUBLE, _DASH = "’‘‛′ʹ`´", "“”„‟″ʺ", "‐‑‒–—−﹣"
_SPECIAL = re.compile(rf"[¼-¾⅐-⅞{_SINGLE}{_DOUBLE}{_DASH}]")


@dataclass(frozen=True, slots=True)
class Token:
    """A normalized word and where it stands: `text[start:end]` of the normalized text."""

    text: str
    start: int
    end: int


def normalize(text: str) -> str:
    """NFKC, lower case, accents folded, quotes, primes and dashes straightened, `½` as `1/2`, `×`
    between numbers as `x`, numbers without thousands separators and with a decimal point, unseen
    characters left out, spaces collapsed."""
    text = " ".join(text.lower().split())
    if not text.isprintable():
        text = " ".join(_UNSEEN.sub("", text).split())
    if not text.isascii():
        text = _plain(text)
    return _one_number_form(text) if _COMMA.search(text) else text


def _plain(text: str) -> str:
    text = _SPECIAL.sub(_straightened, text)
    if not text.isascii():
        text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text))
        text = "".join(c for c in text if not unicodedata.combining(c))
        text = _TIMES.sub(r"\1x\2", " ".join(text.lower().split()))
    return text


def _straightened(match: re.Match[str]) -> str:
    character = match.group()
    if character in _SINGLE:
        return "'"
    if character in _DOUBLE:
        return '"'
    if character in _DASH:
        return "-"
    fraction = unicodedata.normalize("NFKC", character).replace("⁄", "/")
    after_digit = match.string[: match.start()][-1:].isdecimal()
    return f" {fraction}" if after_digit else fraction


def _one_number_form(text: str) -> str:
    text = _THOUSANDS.sub(lambda match: match.group().replace(",", ""), text)
    return _DECIMAL_COMMA.sub(r"\1.\2", text)


def words(text: str) -> list[str]:
    """Normalised words in order, duplicates kept."""
    return _WORD.findall(normalize(text))


@lru_cache(_AT_HAND)
def tokens(normalized: str) -> tuple[Token, ...]:
    """The words of a text that `normalize` made, with their places."""
    return tuple(Token(m.group(), m.start(), m.end()) for m in _WORD.finditer(normalized))


def codes(text: str) -> list[str]:
    """Identifiers whole, punctuation removed: letters with digits, or four digits and more. A
    measure (`1.5l`, `15.6-inch`) is none: it would meet the model number `15L`."""
    return [_bare(match) for match in _code_texts(text) if not _is_measure(match)]


def identifiers(text: str) -> list[str]:
    """The codes of a text that is known to hold identifiers, whatever they look like."""
    return [_bare(match) for match in _code_texts(text)]


def _code_texts(text: str) -> list[str]:
    """What looks like a code. Longer texts without a space are none; the search for digits ahead
    would also take time that grows with the square of their length."""
    if text.isascii() and not _DIGIT.search(text):
        return []
    short = (part for part in normalize(text).split() if len(part) <= _LONGEST_CODE)
    return [match for part in short for match in _CODE.findall(part)]


def _bare(code: str) -> str:
    return re.sub(r"[^a-z0-9]", "", code)


def _is_measure(code: str) -> bool:
    match = _MEASURE.fullmatch(code)
    return match is not None and find_unit(match.group(1)) is not None
