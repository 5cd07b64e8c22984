"""The signs by which the kinds of query are told apart, as numbers of one fixed order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from query.intent.dictionary import LONGEST, Dictionary
from query.intent.keys import covered, find, key, spans
from query.intent.phrases import Phrases
from query.stem import stems
from query.text import codes, tokens
from search.types import Query

MOST_WORDS = 16
"""Words of a query that are looked at; longer ones are titles or noise."""
RARE = 5.5
"""Log of titles per title with the word, from which on a word with digits can be a model number."""
_MEASURE = re.compile(r"\d+(?:[.,/]\d+)*(?:[a-z]{1,3})?|[smlx]{1,4}|\d+x\d+(?:x\d+)?")
_CONDITION = re.compile(
    r"\$ ?\d|\d ?(?:dollars|usd)|\b(?:under|below|over|above|less than|without|cheap|best)\b"
)
_MIXED = re.compile(r"(?=.*[a-z].*[a-z0-9]).*\d.*\d.*")

NAMES: Final = (
    *("constant", "length", "one_word", "two_words", "five_words", "nine_words"),
    *("brand", "brand_all", "brand_and_type", "type", "type_all", "type_last", "category_all"),
    *("value", "measure", "value_beside_type", "condition", "number_last"),
    *("code", "known_code", "known_code_all", "title", "rare_pairs", "name_beside_brand"),
    *("rarity", "rarest", "unknown", "unexplained", "head", "function", "function_first"),
    *("support", "support_all", "occasion", "occasion_all", "audience", "occasion_no_type"),
    *("support_and_type", "support_last", "support_first", "explained_all"),
    *(
        "audience_and_type",
        "name_and_number",
        "digits",
        "long_number",
        "plain_word",
        "described_type",
    ),
)
"""What each feature says; shares are of the query's words."""


@dataclass(frozen=True, slots=True)
class _Read:
    """The words of a query by what they are: flags by word."""

    words: list[str]
    brand: list[bool]
    type: list[bool]
    value: list[bool]
    measure: list[bool]
    code: list[bool]
    function: list[bool]
    support: list[bool]
    occasion: list[bool]
    audience: list[bool]


def kind_features(query: Query, dictionary: Dictionary, phrases: Phrases) -> NDArray[np.float32]:
    """The features of a query, float32, shape (len(NAMES),); all 0 but the constant without
    words."""
    found = [token.text for token in tokens(query.corrected)][:MOST_WORDS]
    values = np.zeros(len(NAMES), np.float32)
    values[0] = 1
    if found:
        stemmed = stems(found)
        read = _read(query, found, stemmed, dictionary, phrases)
        signs = _shape(read) | _kinds(read, query) | _title(query, stemmed, read, dictionary)
        signs |= _wishes(read)
        for place, name in enumerate(NAMES[1:], 1):
            values[place] = signs[name]
    return values


def _read(
    query: Query, found: list[str], stemmed: list[str], dictionary: Dictionary, phrases: Phrases
) -> _Read:
    every = spans(len(found), LONGEST)
    keys = [key(stemmed[start:end]) for start, end in every]

    def inside(*among: NDArray[np.uint32]) -> list[bool]:
        hits = [set(_hits(each, keys)) for each in among]
        return covered(len(found), (s for i, s in enumerate(every) if any(i in h for h in hits)))

    entities = _by_entities(query, len(found))
    audience = inside(phrases.audiences)
    at = find(dictionary.words, [key([stem]) for stem in stemmed])
    rare = [i < 0 or dictionary.rarity[i] > RARE for i in at]
    named = _either(inside(dictionary.types, dictionary.categories), entities["type"])
    brand = _either(inside(dictionary.brands), entities["brand"])
    return _Read(
        words=found,
        brand=brand,
        type=[a and not b for a, b in zip(named, audience, strict=True)],
        value=_either(inside(dictionary.values), entities["value"]),
        measure=[bool(_MEASURE.fullmatch(word)) for word in found],
        code=[bool(_MIXED.fullmatch(w)) and r for w, r in zip(found, rare, strict=True)],
        function=[word in phrases.function for word in found],
        support=inside(phrases.support),
        occasion=inside(phrases.occasions),
        audience=audience,
    )


def _hits(among: NDArray[np.uint32], keys: list[int]) -> list[int]:
    return [place for place, at in enumerate(find(among, keys)) if at >= 0]


def _by_entities(query: Query, length: int) -> dict[str, list[bool]]:
    flags = {name: [False] * length for name in ("brand", "type", "value")}
    if query.entities:
        places = [token.start for token in tokens(query.corrected)][:length]
        for entity in query.entities:
            name = {"brand": "brand", "product_type": "type", "category": "type"}
            flag = flags[name.get(entity.type, "value")]
            for place, start in enumerate(places):
                flag[place] |= entity.probability >= 0.5 and entity.start <= start < entity.end
    return flags


def _either(one: list[bool], other: list[bool]) -> list[bool]:
    return [a or b for a, b in zip(one, other, strict=True)]


def _share(flags: list[bool]) -> float:
    return sum(flags) / len(flags)


def _shape(read: _Read) -> dict[str, float]:
    n = len(read.words)
    return {
        "length": min(n, 10) / 10,
        "one_word": float(n == 1),
        "two_words": float(n == 2),
        "plain_word": float(n == 1 and read.words[0].isalpha()),
        "five_words": float(n >= 5),
        "nine_words": float(n >= 9),
        "function": _share(read.function),
        "function_first": float(read.function[0]),
        "number_last": float(read.words[-1][-1].isdigit()),
    }


def _kinds(read: _Read, query: Query) -> dict[str, float]:
    content = [not flag for flag in read.function]
    types = [a and not b for a, b in zip(read.type, read.brand, strict=True)]
    other = [a or b for a, b in zip(read.value, read.measure, strict=True)]
    beside = [a and not b for a, b in zip(other, types, strict=True)]
    return {
        "brand": _share(read.brand),
        "brand_all": float(_all(read.brand, content)),
        "brand_and_type": float(any(read.brand) and any(types)),
        "type": _share(read.type),
        "type_all": float(_all(read.type, content)),
        "type_last": float(read.type[-1]),
        "value": sum(beside) / len(beside),
        "name_and_number": float(_is_numbered(read)),
        "measure": _share(read.measure),
        "value_beside_type": float(any(types) and any(beside)),
        "condition": float(
            bool(query.price or query.negations or _CONDITION.search(query.corrected))
        ),
        "described_type": float(
            any(types) and not all(types) and not any(_unexplained(read)) and not any(read.support)
        ),
        "explained_all": float(not any(_unexplained(read))),
        "unexplained": _share(_unexplained(read)),
    }


def _is_numbered(read: _Read) -> bool:
    """Whether a number stands right after a word that is no type (`charge 3`, not `shoes 8`)."""
    pairs = zip(read.words, read.words[1:], read.type, strict=False)
    return any(
        b.isdigit() and len(b) < 5 and a.isalpha() and a != "size" and not kind
        for a, b, kind in pairs
    )


def _unexplained(read: _Read) -> list[bool]:
    """Words that are nothing the dictionary knows: names, or words of another shop."""
    known = zip(
        *(read.brand, read.type, read.value, read.measure, read.function, read.audience),
        strict=True,
    )
    return [not any(flags) for flags in known]


def _all(flags: list[bool], content: list[bool]) -> bool:
    return any(flags) and all(a or not b for a, b in zip(flags, content, strict=True))


def _title(
    query: Query, stemmed: list[str], read: _Read, dictionary: Dictionary
) -> dict[str, float]:
    at = find(dictionary.words, [key([stem]) for stem in stemmed])
    rarity = [float(dictionary.rarity[i]) / 10 for i in at if i >= 0]
    heads = [float(dictionary.heads[i]) if i >= 0 else 0.0 for i in at]
    strange = _unexplained(read)
    pairs = [
        key(pair)
        for place, pair in enumerate(pairwise(stemmed))
        if strange[place] or strange[place + 1]
    ]
    known = [i >= 0 for i in find(dictionary.rare_pairs, pairs)]
    coded = [code for code in codes(query.corrected) if len(code) >= 4]
    found = [key([code]) for code in coded]
    known_code = any(i >= 0 for i in find(dictionary.codes, found))
    whole = key(stemmed)
    return {
        "category_all": float(find(dictionary.categories, [whole])[0] >= 0),
        "code": _share(read.code),
        "digits": _share([any(c.isdigit() for c in word) for word in read.words]),
        "long_number": float(any(word.isdigit() and len(word) > 3 for word in read.words)),
        "known_code": float(known_code),
        "known_code_all": float(
            known_code and sum(map(len, coded)) >= len("".join(read.words)) - 1
        ),
        "title": float(find(dictionary.titles, [whole])[0] >= 0),
        "rare_pairs": min(sum(known), 3) / 3,
        "name_beside_brand": float(any(read.brand) and any(_unexplained(read))),
        "rarity": sum(rarity) / max(1, len(rarity)),
        "rarest": max(rarity, default=1.0),
        "unknown": sum(i < 0 for i in at) / len(at),
        "head": max(heads),
    }


def _wishes(read: _Read) -> dict[str, float]:
    content = [not flag for flag in read.function]
    types = any(a and not b for a, b in zip(read.type, read.support, strict=True))
    wish = _either(read.occasion, read.audience)
    return {
        "support": _share(read.support),
        "support_all": float(_all(_either(read.support, read.function), content)),
        "support_and_type": float(any(read.support) and types),
        "support_first": float(read.support[0]),
        "support_last": float(read.support[-1]),
        "occasion": _share(read.occasion),
        "occasion_all": float(any(read.occasion) and _all(wish, content)),
        "occasion_no_type": float(any(read.occasion) and not types),
        "audience": _share(read.audience),
        "audience_and_type": float(any(read.audience) and any(read.type)),
    }
