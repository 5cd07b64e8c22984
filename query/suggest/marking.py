"""The typed part of a suggestion, marked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from query.text import normalize

_WORD = re.compile(r"[^\W_]+(?:[.'’][^\W_]+)*")


def mark_typed(text: str, typed: Sequence[str]) -> str:
    """The text as HTML with the beginnings of its words that were typed in `<mark>`; everything
    else of it is escaped. `typed` are normalized words."""
    parts, end = [], 0
    for match in _WORD.finditer(text):
        length = _marked_length(match.group(), typed)
        if length:
            parts.append(escape(text[end : match.start()]))
            parts.append(f"<mark>{escape(match.group()[:length])}</mark>")
            end = match.start() + length
    parts.append(escape(text[end:]))
    return "".join(parts)


def _marked_length(word: str, typed: Sequence[str]) -> int:
    """How many characters of a word were typed: the longest beginning; all of a word whose
    normalized form has another length."""
    plain = normalize(word).replace("'", "")
    longest = max((len(each) for each in typed if each and plain.startswith(each)), default=0)
    return longest if longest == 0 or len(plain) == len(word) else len(word)
