"""How words are made of letters and digits, which tells model numbers of one kind."""

from __future__ import annotations

import re

LETTERS, NUMBER = 0, 1
"""Shapes of words without a digit and of numbers (`3`, `1.5`); every other is that of a code."""
_RUNS = re.compile(r"[0-9]+|[^0-9]+")
_NUMBER = re.compile(r"[0-9]+\.[0-9]+")
_MOST = 120
"""Runs beyond these are not counted."""


def shape_of(word: str) -> int:
    """`LETTERS`, `NUMBER`, or a number above these, 255 at most, that is the same for codes with as
    many runs of letters and of digits that begin alike: `xm4` and `xm5`, `1000xm4` and `900wh2`."""
    if word.isalpha():
        return LETTERS
    if word.isdecimal() or _NUMBER.fullmatch(word):
        return NUMBER
    runs = _RUNS.findall(word)
    if len(runs) < 2:
        return LETTERS
    return NUMBER + 1 + 2 * min(len(runs) - 2, _MOST) + (word[0] in "0123456789")
