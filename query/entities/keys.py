"""The form in which the words of a query and of a catalogue's values meet."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from query.text import normalize, tokens

IRREGULAR = {
    **{"men": "man", "women": "woman", "children": "child", "kids": "kid", "feet": "foot"},
    **{"mice": "mouse", "teeth": "tooth", "geese": "goose", "people": "person"},
    **{"knives": "knife", "shelves": "shelf", "scarves": "scarf", "wolves": "wolf"},
    **{"leaves": "leaf", "loaves": "loaf", "halves": "half", "calves": "calf"},
    **{"lenses": "lens", "gas": "gas", "bus": "bus", "mens": "man", "womens": "woman"},
    **{"dishes": "dish", "brushes": "brush", "watches": "watch", "batteries": "battery"},
}
"""Plurals that the rules below do not reach."""

VARIANTS = {
    **{"grey": "gray", "colour": "color", "colours": "color", "colored": "color"},
    **{"coloured": "color", "jewellery": "jewelry", "aluminium": "aluminum"},
    **{"multicolour": "multicolor", "multicoloured": "multicolor", "multicolored": "multicolor"},
    **{"fibre": "fiber", "metre": "meter", "litre": "liter", "tyre": "tire"},
    **{"pyjama": "pajama", "moulding": "molding", "mould": "mold", "gauge": "gage"},
}
"""British spellings, and what the catalogue may write instead."""

DROPPED = frozenset({"and"})
"""Words that `&` may stand for: left out of every key."""


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """A normalized word without its plural and possessive: Harman's S stemmer (Harman 1991, "How
    effective is suffixing?", JASIS 42), extended by sibilants and by the lists above."""
    word = word.replace("'", "")
    word = IRREGULAR.get(word, word)
    return VARIANTS.get(word, word) if not word.endswith("s") else _singular(word)


def _singular(word: str) -> str:
    if len(word) < 4 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4 and not word.endswith(("eies", "aies")):
        word = word[:-3] + "y"
    elif word.endswith(("sses", "shes", "ches", "xes", "zzes")):
        word = word[:-2]
    else:
        word = word[:-1]
    return VARIANTS.get(word, word)


def stems(text: str) -> tuple[str, ...]:
    """The stems of a text as typed, in order, without `and`."""
    return tuple(stem(t.text) for t in tokens(normalize(text)) if t.text not in DROPPED)


value_stems = lru_cache(maxsize=50_000)(stems)
"""The stems of a field's value: the same ones come again and again."""


def join(words: Iterable[str]) -> str:
    """One string for a sequence of stems."""
    return " ".join(words)


def key(text: str) -> str:
    """What two ways of writing one value have in common: `Wine Glasses` and `wine glass`."""
    return join(stems(text))
