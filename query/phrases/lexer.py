"""A normalized query taken apart into numbers, units, signs and words.

A spaCy vocabulary keeps every string it ever saw. So a token carries a `symbol` out of a closed
set, which is what the grammar sees; what a shopper typed stays outside.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from query.phrases.units import NUMBER_PATTERN, UNIT_PATTERN, UNITS, find_unit
from query.phrases.vocabulary import CURRENCIES, MINUS, WORDS

Tag = Literal["number", "unit", "currency", "code", "word", "sign"]
OTHER = "_"
"""The symbol of everything that the grammar does not tell apart."""
_LONGEST = 512
"""Characters of a query that are looked at."""
_TOKEN = re.compile(
    rf"({NUMBER_PATTERN})|({UNIT_PATTERN.rpartition('|')[0]})"
    r"|([^\W\d_]+(?:'[^\W\d_]+)*)|(\S)"
)
_TAIL = re.compile(r"([^\W\d_]*[²]?)(\d?)")
_CODE = re.compile(r"[^\W_]+(?:[-./][^\W_]+)*")
_LETTER_FOLLOWS = re.compile(r"(?!x\.?\d)[^\W\d_]")
_CODE_FOLLOWS = re.compile(r"[-./]?\d")


@dataclass(frozen=True, slots=True)
class Lexeme:
    """`text` at `start` to `end` of the query, `symbol` and `tag` for the grammar."""

    text: str
    start: int
    end: int
    symbol: str
    tag: Tag


def lex(text: str, pounds_are_money: bool = False) -> list[Lexeme]:
    """The lexemes of a normalized text, in order."""
    found: list[Lexeme] = []
    place = 0
    text = text[:_LONGEST]
    while match := _TOKEN.search(text, place):
        lexeme = _lexeme(match, text, found[-1] if found else None, pounds_are_money)
        found.append(lexeme)
        place = lexeme.end
    return found


def _lexeme(
    match: re.Match[str], text: str, before: Lexeme | None, pounds_are_money: bool
) -> Lexeme:
    number, unit, word, _ = match.groups()
    start, end = match.span()
    if number:
        if _is_number(number, text, end):
            return Lexeme(number, start, end, "0", "number")
        return _code(text, start)
    if unit:
        return _unit(unit, start, end, text, before)
    if word:
        after_number = before is not None and before.tag == "number" and before.end == start
        after_side = before is not None and before.tag in ("number", "unit") and before.end == start
        if word == "x" and after_side:
            return Lexeme(word, start, end, "x", "sign")
        if _CODE_FOLLOWS.match(text, end) and not after_number:
            return _code(text, start)
        return _word(word, start, end, pounds_are_money)
    return _sign(match.group(), start, end, text)


def _is_number(number: str, text: str, end: int) -> bool:
    """Whether a number stands alone or touches nothing but a unit, a currency or `x` and a
    number."""
    tail = _TAIL.match(text, end)
    letters, digit = tail.groups() if tail else ("", "")
    if not letters:
        return True
    if digit:
        return letters == "x" or (letters[-1] == "x" and letters[:-1] in UNITS)
    return letters in CURRENCIES or find_unit(letters, number) is not None


def _code(text: str, start: int) -> Lexeme:
    match = _CODE.match(text, start)
    end = match.end() if match else start + 1
    return Lexeme(text[start:end], start, end, OTHER, "code")


def _unit(unit: str, start: int, end: int, text: str, before: Lexeme | None) -> Lexeme:
    touches = before is not None and before.tag == "number" and before.end == start
    if unit in ('"', "'", "''") and not touches:
        return Lexeme(unit, start, end, OTHER, "sign")
    if unit == "'" and _LETTER_FOLLOWS.match(text, end):
        return Lexeme(unit, start, end, OTHER, "sign")
    return Lexeme(unit, start, end, OTHER, "unit")


def _word(word: str, start: int, end: int, pounds_are_money: bool) -> Lexeme:
    symbol = word if word in WORDS else OTHER
    if word in CURRENCIES or (pounds_are_money and word in ("pound", "pounds")):
        return Lexeme(word, start, end, symbol, "currency")
    return Lexeme(word, start, end, symbol, "unit" if word in UNITS or word == "k" else "word")


def _sign(sign: str, start: int, end: int, text: str) -> Lexeme:
    if sign in CURRENCIES:
        return Lexeme(sign, start, end, OTHER, "currency")
    if sign == "-" and text[start - 1 : start] in ("", " ") and text[end : end + 1].isalpha():
        return Lexeme(sign, start, end, MINUS, "sign")
    return Lexeme(sign, start, end, sign if sign in WORDS else OTHER, "sign")
