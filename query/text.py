"""Text analysis shared by indexing and querying: the same words from the same text on both sides.

`words` gives normalised words; the index stems them. `codes` gives identifiers and model numbers
whole, so that `WH-1000XM4`, `wh1000xm4` and `WH 1000 XM4` meet.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_WORD = re.compile(r"[^\W_]+(?:[.'’][^\W_]+)*")
_CODE = re.compile(r"(?=[\w./-]*\d)(?=[\w./-]*[a-z])[a-z0-9]+(?:[-./_][a-z0-9]+)*|\d{4,}")


@dataclass(frozen=True, slots=True)
class Token:
    """A normalized word and where it stands: `text[start:end]` of the normalized text."""

    text: str
    start: int
    end: int


def normalize(text: str) -> str:
    """NFKC, lower case, accents folded, apostrophes straightened, spaces collapsed."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text))
        text = "".join(c for c in text if not unicodedata.combining(c)).replace("’", "'")
    return " ".join(text.lower().split())


def words(text: str) -> list[str]:
    """Normalised words in order, duplicates kept."""
    return _WORD.findall(normalize(text))


def tokens(normalized: str) -> list[Token]:
    """The words of a text that `normalize` made, with their places."""
    return [Token(m.group(), m.start(), m.end()) for m in _WORD.finditer(normalized)]


def codes(text: str) -> list[str]:
    """Identifiers whole, punctuation removed: letters with digits, or four digits and more."""
    return [re.sub(r"[^a-z0-9]", "", match) for match in _CODE.findall(normalize(text))]
