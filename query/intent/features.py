"""The signs by which the kinds of query are told apart, as numbers of one fixed order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from query.intent import known as kinds
from query.intent.dictionary import LONGEST
from query.intent.keys import covered, find, key, span_masks, spans
from query.intent.known import Known
from query.stem import stems
from query.text import Token, codes, tokens
from search.types import Query

MOST_WORDS = 16
"""Words of a query that are looked at; longer ones are titles or noise."""
RARE = 5.5
"""Log of titles per title with the word, from which on a word with digits can be a model number."""
_MEASURE = re.compile(r"\d+(?:[.,/]\d+)*(?:[a-z]{1,3})?|[smlx]{1,4}|\d+x\d+(?:x\d+)?")
_CONDITION = re.compile(
    r"\$ ?\d|\d ?(?:dollars|usd)|\b(?:under|below|over|above|less than|without|cheap|best)\b"
)
_SIZE = frozenset("smlx")
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
    """The words of a query by what they are: masks, bit i for the i-th word. `every` has them all,
    `digits` those with a digit. `keys` are those of every stretch of words, `singles` of the words
    and `pairs` of neighbors, `whole` of all words; `rarity` and `heads` what the dictionary says of
    each word, None and 0 where it does not know it."""

    words: Sequence[str]
    every: int
    brand: int
    type: int
    value: int
    measure: int
    code: int
    function: int
    support: int
    occasion: int
    audience: int
    digits: int
    pairs: Sequence[int]
    whole: int
    rarity: Sequence[float | None]
    heads: Sequence[float]

    @property
    def unexplained(self) -> int:
        """Words that are nothing the dictionary knows: names, or words of another shop."""
        explained = self.brand | self.type | self.value | self.measure | self.function
        return self.every & ~(explained | self.audience)

    def share(self, mask: int) -> float:
        """The share of the words in a mask."""
        return mask.bit_count() / len(self.words)

    def all(self, mask: int) -> float:
        """Whether there are words in a mask and no others but function words: 1 or 0."""
        return float(bool(mask) and not self.every & ~(self.function | mask))

    def first(self, mask: int) -> float:
        """Whether the first word is in a mask: 1 or 0."""
        return float(mask & 1)

    def last(self, mask: int) -> float:
        """Whether the last word is in a mask: 1 or 0."""
        return float(mask >> (len(self.words) - 1) & 1)


def kind_features(query: Query, known: Known) -> NDArray[np.float32]:
    """The features of a query, float32, shape (len(NAMES),); all 0 but the constant without
    words."""
    typed = tokens(query.corrected)[:MOST_WORDS]
    if not typed:
        values = np.zeros(len(NAMES), np.float32)
        values[0] = 1
        return values
    read = _read(query, typed, known)
    signs = {"constant": 1.0} | _shape(read) | _kinds(read, query) | _title(query, read, known)
    signs |= _wishes(read)
    return np.array([signs[name] for name in NAMES], np.float32)


def _read(query: Query, typed: Sequence[Token], known: Known) -> _Read:
    found = [token.text for token in typed]
    stemmed, count = stems(found), len(found)
    keys = [key(stemmed[start:end]) for start, end in spans(count, LONGEST)]
    of_span = list(zip(known.kinds(keys), span_masks(count, LONGEST), strict=True))

    def inside(kind: int) -> int:
        return covered(mask for own, mask in of_span if own & kind)

    dictionary = known.dictionary
    at = find(dictionary.words, keys[-count:])
    rarity = [float(dictionary.rarity[i]) if i >= 0 else None for i in at]
    brand, kind, value = _by_entities(query, typed)
    audience = inside(kinds.AUDIENCE)
    digits = _mask(any(map(str.isdigit, word)) for word in found)
    return _Read(
        words=found,
        every=(1 << count) - 1,
        brand=inside(kinds.BRAND) | brand,
        type=(inside(kinds.TYPE | kinds.CATEGORY) | kind) & ~audience,
        value=inside(kinds.VALUE) | value,
        measure=_mask(_is_measure(word) for word in found),
        code=digits and _mask(map(_is_code, found, rarity)),
        function=_mask(word in known.function for word in found),
        support=inside(kinds.SUPPORT),
        occasion=inside(kinds.OCCASION),
        audience=audience,
        digits=digits,
        pairs=keys[1 - 2 * count : -count],
        whole=keys[0] if count <= LONGEST else key(stemmed),
        rarity=rarity,
        heads=[float(dictionary.heads[i]) if i >= 0 else 0.0 for i in at],
    )


def _mask(flags: Iterable[bool]) -> int:
    """Flags as bits, the first lowest."""
    mask, bit = 0, 1
    for flag in flags:
        if flag:
            mask |= bit
        bit <<= 1
    return mask


def _is_measure(word: str) -> bool:
    # Hardly any word has digits or none but the letters of sizes: those need no closer look.
    return (not word.isalpha() or _SIZE.issuperset(word)) and bool(_MEASURE.fullmatch(word))


def _is_code(word: str, rarity: float | None) -> bool:
    return (rarity is None or rarity > RARE) and bool(_MIXED.fullmatch(word))


def _by_entities(query: Query, typed: Sequence[Token]) -> tuple[int, int, int]:
    """The words of brands, of kinds of product, and of other values that were recognized."""
    brand = kind = value = 0
    for entity in query.entities:
        if entity.probability < 0.5:
            continue
        mask = _mask(entity.start <= token.start < entity.end for token in typed)
        if entity.type == "brand":
            brand |= mask
        elif entity.type in ("product_type", "category"):
            kind |= mask
        else:
            value |= mask
    return brand, kind, value


def _shape(read: _Read) -> dict[str, float]:
    n = len(read.words)
    return {
        "length": min(n, 10) / 10,
        "one_word": float(n == 1),
        "two_words": float(n == 2),
        "plain_word": float(n == 1 and read.words[0].isalpha()),
        "five_words": float(n >= 5),
        "nine_words": float(n >= 9),
        "function": read.share(read.function),
        "function_first": read.first(read.function),
        "number_last": float(read.words[-1][-1].isdigit()),
    }


def _kinds(read: _Read, query: Query) -> dict[str, float]:
    types = read.type & ~read.brand
    beside = (read.value | read.measure) & ~types
    strange = read.unexplained
    return {
        "brand": read.share(read.brand),
        "brand_all": read.all(read.brand),
        "brand_and_type": float(bool(read.brand and types)),
        "type": read.share(read.type),
        "type_all": read.all(read.type),
        "type_last": read.last(read.type),
        "value": read.share(beside),
        "name_and_number": float(bool(read.digits) and _is_numbered(read)),
        "measure": read.share(read.measure),
        "value_beside_type": float(bool(types and beside)),
        "condition": float(
            bool(query.price or query.negations or _CONDITION.search(query.corrected))
        ),
        "described_type": float(
            bool(types) and types != read.every and not strange and not read.support
        ),
        "explained_all": float(not strange),
        "unexplained": read.share(strange),
    }


def _is_numbered(read: _Read) -> bool:
    """Whether a number stands right after a word that is no type (`charge 3`, not `shoes 8`)."""
    return any(
        b.isdigit() and len(b) < 5 and a.isalpha() and a != "size" and not read.type >> i & 1
        for i, (a, b) in enumerate(pairwise(read.words))
    )


def _title(query: Query, read: _Read, known: Known) -> dict[str, float]:
    dictionary, strange = known.dictionary, read.unexplained
    rarity = [each / 10 for each in read.rarity if each is not None]
    unsure = [each for i, each in enumerate(read.pairs) if strange >> i & 3]
    pairs = sum(at >= 0 for at in find(dictionary.rare_pairs, unsure))
    coded = [code for code in codes(query.corrected) if len(code) >= 4]
    known_code = any(i >= 0 for i in find(dictionary.codes, [key([code]) for code in coded]))
    return {
        "category_all": float(bool(known.kinds([read.whole])[0] & kinds.CATEGORY)),
        "code": read.share(read.code),
        "digits": read.share(read.digits),
        "long_number": float(
            bool(read.digits) and any(word.isdigit() and len(word) > 3 for word in read.words)
        ),
        "known_code": float(known_code),
        "known_code_all": float(
            known_code and sum(map(len, coded)) >= len("".join(read.words)) - 1
        ),
        "title": float(find(dictionary.titles, [read.whole])[0] >= 0),
        "rare_pairs": min(pairs, 3) / 3,
        "name_beside_brand": float(bool(read.brand and strange)),
        "rarity": sum(rarity) / max(1, len(rarity)),
        "rarest": max(rarity, default=1.0),
        "unknown": read.rarity.count(None) / len(read.rarity),
        "head": max(read.heads),
    }


def _wishes(read: _Read) -> dict[str, float]:
    return {
        "support": read.share(read.support),
        "support_all": read.all(read.support | read.function),
        "support_and_type": float(bool(read.support and read.type & ~read.support)),
        "support_first": read.first(read.support),
        "support_last": read.last(read.support),
        "occasion": read.share(read.occasion),
        "occasion_all": float(bool(read.occasion and read.all(read.occasion | read.audience))),
        "occasion_no_type": float(bool(read.occasion and not read.type & ~read.support)),
        "audience": read.share(read.audience),
        "audience_and_type": float(bool(read.audience and read.type)),
    }
