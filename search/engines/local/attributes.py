"""Postings of attribute values: which ordinals have a value, for filters.

A value is one term: the attribute's name, a kind and the value, so that all values of one
attribute, and all its numbers in ascending order, are neighbors in the sorted table of terms. The
values are indexed by tantivy too, one JSON path per attribute, so that both sides filter alike.
"""

from __future__ import annotations

import math
import re
import struct
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search.engines.local.arrays import load
from search.engines.local.layout import stamp
from search.engines.local.strings import StringTable, write_strings
from search.types import AttributeValue, Mask, Ordinals, Product

_END = "\x1f"
TEXT, NUMBER, FLAG = f"{_END}=", f"{_END}#", f"{_END}?"
"""What stands between name and value, by the value's kind."""
_DOUBLE, _UNSIGNED = struct.Struct(">d"), struct.Struct(">Q")
_SIGN = 1 << 63
_REMEMBERED = 32
"""Attributes of which it is remembered who has them."""
_SPECIAL = re.compile(r"[^\w ]")


def number_term(name: str, value: float) -> str:
    """The term of a number; terms of one name sort as their numbers do."""
    (bits,) = _UNSIGNED.unpack(_DOUBLE.pack(value + 0.0))
    return f"{name}{NUMBER}{bits ^ (_SIGN if bits < _SIGN else 2 * _SIGN - 1):016x}"


def term_number(term: str) -> float:
    """The number of a term that `number_term` made."""
    bits = int(term[-16:], 16)
    (value,) = _DOUBLE.unpack(_UNSIGNED.pack(bits ^ (_SIGN if bits >= _SIGN else 2 * _SIGN - 1)))
    return float(value)


def flag_term(name: str, value: bool) -> str:
    """The term of a yes or no."""
    return f"{name}{FLAG}{'true' if value else 'false'}"


def text_term(name: str, value: str) -> str:
    """The term of a text, or of one of several."""
    return f"{name}{TEXT}{value}"


def attribute_terms(product: Product) -> list[str]:
    """The distinct terms of a product's attributes; numbers that are not finite have none."""
    terms = [
        term for name, value in product.attributes.items() for term in _value_terms(name, value)
    ]
    return list(dict.fromkeys(terms))


def _value_terms(name: str, value: AttributeValue) -> Iterator[str]:
    if isinstance(value, bool):
        yield flag_term(name, value)
    elif isinstance(value, (int, float)):
        if math.isfinite(value):
            yield number_term(name, value)
    else:
        for text in (value,) if isinstance(value, str) else value:
            yield text_term(name, text)


def term_name(term: str) -> str:
    """The attribute a term belongs to."""
    return term.partition(_END)[0]


def term_value(term: str) -> str | float | bool:
    """The value a term stands for."""
    _, _, rest = term.partition(_END)
    if rest[0] == NUMBER[1]:
        return term_number(term)
    return rest[1:] == "true" if rest[0] == FLAG[1] else rest[1:]


def attribute_key(name: str) -> str:
    """An attribute's name without characters that mean something in a tantivy field path."""
    return _SPECIAL.sub(lambda found: f"%{ord(found[0]):x};", name)


class AttributesWriter:
    """Collects the postings of a snapshot; about 4 bytes a value until `finish`."""

    def __init__(self) -> None:
        self._postings: dict[str, array[int]] = {}

    def add(self, ordinal: int, product: Product) -> None:
        """Notes the values of a product."""
        for term in attribute_terms(product):
            self._postings.setdefault(term, array("i")).append(ordinal)

    def finish(self, directory: Path, version: str) -> None:
        """Writes everything into `directory`, which must not exist."""
        directory.mkdir(parents=True)
        ascending = sorted(self._postings)
        offsets = np.zeros(len(ascending) + 1, np.int64)
        np.cumsum([len(self._postings[term]) for term in ascending], out=offsets[1:])
        ordinals = np.empty(offsets[-1], np.int32)
        for i, term in enumerate(ascending):
            ordinals[offsets[i] : offsets[i + 1]] = self._postings[term]
        np.save(directory / "postings.npy", ordinals)
        np.save(directory / "postings.offsets.npy", offsets)
        write_strings(directory / "terms", ascending)
        names = dict.fromkeys(term_name(term) for term in ascending)
        write_strings(directory / "names", sorted(names))
        stamp(directory, version)


class AttributeStore:
    """A snapshot's attribute postings and those appended by live changes."""

    def __init__(self, directory: Path) -> None:
        self._terms = StringTable.open(directory / "terms")
        self._names = StringTable.open(directory / "names")
        self._ordinals: NDArray[np.int32] = load(directory / "postings.npy")
        self._offsets: NDArray[np.int64] = load(directory / "postings.offsets.npy")
        self._later: dict[str, dict[str, list[int]]] = {}
        self._masks: dict[str, Mask] = {}

    def append(self, first: int, products: Iterable[Product]) -> None:
        """Notes the values of new ordinals, from `first` upward; one thread at a time."""
        for ordinal, product in enumerate(products, first):
            for term in attribute_terms(product):
                terms = self._later.setdefault(term_name(term), {})
                terms.setdefault(term, []).append(ordinal)

    def names(self) -> list[str]:
        """Every attribute that some product has, in order."""
        return sorted({*self._names, *tuple(self._later)})

    def has_name(self, name: str) -> bool:
        """Whether some product has the attribute."""
        return name in self._later or self._names.code(name) is not None

    def present(self, terms: Iterable[str]) -> list[str]:
        """Those of some terms that some product has."""
        return [
            term
            for term in terms
            if term in self._later.get(term_name(term), {}) or self._terms.code(term) is not None
        ]

    def numbers_between(self, name: str, low: float, high: float) -> list[str]:
        """The terms of an attribute's numbers within bounds, both inclusive; bounds may be
        infinite."""
        first, last = number_term(name, low), number_term(name, high)
        base = self._terms[self._terms.place(first) : self._terms.place(last + "\x00")]
        return [*base, *(t for t in self._new_terms(name) if first <= t <= last)]

    def with_kind(self, name: str, kind: str) -> list[str]:
        """All terms of an attribute of one kind (`TEXT`, `NUMBER` or `FLAG`)."""
        codes = self._terms.prefixed(name + kind)
        base = self._terms[codes.start : codes.stop]
        return [*base, *(t for t in self._new_terms(name) if t.startswith(name + kind))]

    def _new_terms(self, name: str) -> list[str]:
        # Copied in one step, because a change may be adding terms meanwhile.
        later = list(self._later.get(name, {}))
        return [term for term in later if self._terms.code(term) is None]

    def having(self, terms: Sequence[str], rows: Ordinals) -> Mask:
        """Which of some ordinals have one of the terms, of which there are few."""
        found = np.zeros(len(rows), np.bool_)
        for term in terms:
            code = self._terms.code(term)
            if code is not None:
                found |= _among(rows, self._ordinals[slice(*self._offsets[code : code + 2])])
            later = self._later.get(term_name(term), {}).get(term)
            if later:
                found |= _among(rows, np.array(later[:], np.int32))
        return found

    def stated(self, name: str, rows: Ordinals) -> Mask:
        """Which of some ordinals have any value of an attribute."""
        mask = self._stated(name)
        found: Mask = np.take(mask, rows, mode="clip") & (rows < len(mask))
        for ordinals in list(self._later.get(name, {}).values()):
            found |= np.isin(rows, np.array(ordinals[:], np.int32))
        return found

    def _stated(self, name: str) -> Mask:
        """The same for the snapshot's own ordinals, a byte each, remembered for some names."""
        mask = self._masks.get(name)
        if mask is None:
            terms = self._terms.prefixed(name + _END)
            having = self._ordinals[self._offsets[terms.start] : self._offsets[terms.stop]]
            mask = np.zeros(having.max(initial=0) + 1, np.bool_)
            mask[having] = True
            while len(self._masks) >= _REMEMBERED:
                self._masks.pop(next(iter(self._masks)), None)
            self._masks[name] = mask
        return mask

    def mark(self, terms: Iterable[str], mask: NDArray[np.bool_]) -> None:
        """Sets the flag of every ordinal that has one of the terms."""
        for term in terms:
            code = self._terms.code(term)
            if code is not None:
                mask[self._ordinals[self._offsets[code] : self._offsets[code + 1]]] = True
            later = self._later.get(term_name(term), {}).get(term)
            if later:
                ordinals = np.array(later[:], np.int32)
                mask[ordinals[ordinals < len(mask)]] = True


def _among(rows: Ordinals, ascending: Ordinals) -> Mask:
    """Which of `rows` are in `ascending`, which is not empty."""
    found: Mask = ascending.take(ascending.searchsorted(rows), mode="clip") == rows
    return found
