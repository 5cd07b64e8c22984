"""A query as codes of the index: what kernels compare with the words of products.

Every distinct word to search for is a slot, a bit of a mask. Several codes can fill a slot: the
word's own stem, and those of words that may stand for it, at their weight. Refused words have
slots of their own behind the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from itertools import pairwise
from operator import or_
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.seams import Facts
from search.types import Ordinals, Query, shape_of

MOST_WORDS, MOST_SLOTS = 32, 56
"""Words of a query beyond these are not looked at; nor are refused words beyond these slots."""
CONTENT, NUMBER, CODE, PURPOSE = 1, 2, 4, 8
"""What a word is: no mere function word; a number; part of a model number; what it is for."""
FUNCTION_WORDS = frozenset(
    """a an and are as at be but by for from if in into is it its no non not of on or that the their
    this to w with without""".split()  # noqa: SIM905 - a list would take thirty lines
)
QUERY_MARKERS = ("for", "with", "without", "compatible", "fits", "fit", "including", "includes")
"""Words of a query after which it says what for, or with what."""
MARKERS = (*QUERY_MARKERS, "w", "by")
"""Words that end the part of a title that says what a product is: `case for kettle`, `kettle by
Acme`."""
_REFUSING, _ARTICLES, _FREE = ("without", "no", "non"), ("a", "an", "the", "any", "added"), "free"
"""Around what a title says that it has not: `without a lid`, `sugar-free`."""
_NEGATING = frozenset((*_REFUSING, _FREE))
ACCESSORIES = tuple(
    """accessory adapter band battery bracket cable cartridge case charger cleaner compatible cover
    decal filter guard holder hook kit mount organizer pad part pouch protector rack refill remote
    replacement screw skin sleeve stand sticker strap tray wrap""".split()  # noqa: SIM905
)
"""What goes with a product rather than being it, when a query does not ask for it."""
_NONE = np.empty(0, np.int64)
_VERSIONS = 8
"""Versions of the index whose codes of these words are kept."""


class CodedQuery(NamedTuple):
    """A query for kernels.

    `keys` (ascending, int32), `slots` (int32) and `weights` (float32) run in parallel: a text word
    `keys[i]` fills `slots[i]` at `weights[i]`. `sequence` (int32) names the slot of every word in
    order, `size` is the number of slots, `roles` (uint8) tells what the word of each slot is, and
    `kinds` all that there are. The mask `lenient` has the slots of words that the query itself
    negates (`sugar free gum`). `head` and `first` are the slots of the head noun and of the first
    word that says something, -1 without. `refused` (int64) has a mask for every refusal, of the
    slots of its words. `markers`, `refusing` and `articles` (int32) and `free` are the codes of
    words that say something about those beside them, `accessories` (int32) those of what goes with
    a product. `figures` (int32) are the slots of numbers and of words with letters and digits, and
    `shapes` (int32) their shapes (`search.types.shape_of`).
    """

    keys: NDArray[np.int32]
    slots: NDArray[np.int32]
    weights: NDArray[np.float32]
    sequence: NDArray[np.int32]
    size: int
    roles: NDArray[np.uint8]
    kinds: int
    lenient: int
    head: int
    first: int
    refused: NDArray[np.int64]
    markers: NDArray[np.int32]
    refusing: NDArray[np.int32]
    articles: NDArray[np.int32]
    free: int
    accessories: NDArray[np.int32]
    figures: NDArray[np.int32]
    shapes: NDArray[np.int32]


def code(query: Query, facts: Facts) -> CodedQuery:
    """Looks every word of a query up once."""
    terms = query.terms[:MOST_WORDS]
    places = {term: slot for slot, term in enumerate(dict.fromkeys(terms))}
    refused, more = _refusals(query, len(places))
    keys = [(term, slot, 1.0) for term, slot in places.items()]
    keys += [*_instead(query, places), *more]
    codes = facts.codes([word for word, _, _ in keys])
    # A stable order: the same query gives the same bits.
    known = sorted((c, s, w) for c, (_, s, w) in zip(codes.tolist(), keys, strict=True) if c >= 0)
    roles = _roles(terms, places, query.codes)
    head, first = _head(terms, places, roles)
    shaped = [(slot, shape) for term, slot in places.items() if (shape := shape_of(term))]
    key_codes, slots, sequence, figures, shapes = _packed(
        [c for c, _, _ in known],
        [s for _, s, _ in known],
        [places[term] for term in terms],
        [slot for slot, _ in shaped],
        [shape for _, shape in shaped],
    )
    helpers = _known(facts)
    return CodedQuery(
        keys=key_codes,
        slots=slots,
        weights=np.array([w for _, _, w in known], np.float32),
        sequence=sequence,
        size=1 + max((slot for _, slot, _ in keys), default=-1),
        roles=np.array(roles, np.uint8),
        kinds=reduce(or_, roles, 0),
        lenient=_lenient(terms, places),
        head=head,
        first=first,
        refused=refused,
        markers=helpers.markers,
        refusing=helpers.refusing,
        articles=helpers.articles,
        free=helpers.free,
        accessories=helpers.accessories,
        figures=figures,
        shapes=shapes,
    )


def _packed(*parts: list[int]) -> Iterator[Ordinals]:
    """Each part as int32, all in one array: making one costs as much as slicing six times."""
    whole = np.array([number for part in parts for number in part], np.int32)
    end = 0
    for part in parts:
        start, end = end, end + len(part)
        yield whole[start:end]


class _Helpers(NamedTuple):
    """The codes of words that say something about those beside them, and of accessories: the same
    for every query."""

    markers: Ordinals
    refusing: Ordinals
    articles: Ordinals
    free: int
    accessories: Ordinals


def _known(facts: Facts) -> _Helpers:
    found = _codes.get(facts.version)
    if found is None:
        markers, refusing, articles = map(facts.codes, (MARKERS, _REFUSING, _ARTICLES))
        free = int(facts.codes([_FREE])[0])
        found = _Helpers(markers, refusing, articles, free, facts.codes(ACCESSORIES))
        while len(_codes) >= _VERSIONS:
            _codes.pop(next(iter(_codes)), None)
        _codes[facts.version] = found
    return found


_codes: dict[str, _Helpers] = {}
"""Those of the latest versions; threads may look the same up twice, and find the same."""
Key = tuple[str, int, float]
"""A word, the slot it fills, and its weight."""


def _lenient(terms: tuple[str, ...], places: dict[str, int]) -> int:
    """Words that the query itself negates match those that a title does, too."""
    if places.keys().isdisjoint(_NEGATING):
        return 0
    slots = [places[before] for before, after in pairwise(terms) if after == _FREE]
    slots += [places[after] for before, after in pairwise(terms) if before in _REFUSING]
    return sum(1 << slot for slot in set(slots))


def _instead(query: Query, places: dict[str, int]) -> Iterator[Key]:
    """Single words that may stand for one or more of the query's, the spelling that was offered,
    and model numbers written as one word."""
    for each in query.alternatives:
        if len(each.instead) == 1:
            yield from (
                (each.instead[0], places[w], each.weight) for w in each.words if w in places
            )
    if query.spelling.outcome == "suggested":
        for typed, meant in query.spelling.edits:
            if typed in places and " " not in meant:
                yield meant, places[typed], query.spelling.confidence
    for whole in query.codes:
        if whole not in places:
            yield from ((whole, slot, 1.0) for term, slot in places.items() if _part(term, whole))


def _part(term: str, whole: str) -> bool:
    bare = "".join(c for c in term if c.isalnum())
    return bare in whole and (len(bare) > 1 or bare.isdecimal())


def _refusals(query: Query, start: int) -> tuple[NDArray[np.int64], list[Key]]:
    """A mask for every refusal, of slots from `start` on, and the words of these."""
    if not query.negations:
        return _NONE, []
    masks, keys, slot = [], [], start
    for negation in query.negations:
        words = negation.text.split()
        if words and slot + len(words) <= MOST_SLOTS:
            masks.append(sum(1 << (slot + i) for i in range(len(words))))
            keys += [(word, slot + i, 1.0) for i, word in enumerate(words)]
            slot += len(words)
    return np.array(masks, np.int64), keys


def _roles(terms: tuple[str, ...], places: dict[str, int], codes: tuple[str, ...]) -> list[int]:
    roles = [0] * len(places)
    purpose = _purpose(terms)
    for term in [term for term in places if term not in FUNCTION_WORDS] or places:
        role = CONTENT
        if term[0].isdecimal() and term.replace(".", "", 1).isdecimal():
            role |= NUMBER
        if any(_part(term, whole) for whole in codes):
            role |= CODE
        if term in purpose:
            role |= PURPOSE
        roles[places[term]] = role
    return roles


def _purpose(terms: tuple[str, ...]) -> set[str]:
    """The words after the first `for` or `with`."""
    place = next((i for i, term in enumerate(terms) if i and term in QUERY_MARKERS), len(terms))
    return set(terms[place + 1 :]) - set(terms[:place])


def _head(terms: tuple[str, ...], places: dict[str, int], roles: list[int]) -> tuple[int, int]:
    """The head noun, the last telling word before `for` or `with`, and the first telling word."""
    telling = [slot for term in terms if roles[slot := places[term]]]
    before = [slot for slot in telling if not roles[slot] & PURPOSE]
    return (before or telling or [-1])[-1], (telling or [-1])[0]
