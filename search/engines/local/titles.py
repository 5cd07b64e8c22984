"""Titles as rows of stems, to find adjacent words in them.

A word that the title itself negates (`sugar-free`, `without lid`) is marked, so that it is another
word than the one that is not; a phrase is marked the same way, so that `sugar free gum` is found.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search.engines.local.arrays import gather, load
from search.engines.local.layout import stamp
from search.engines.local.strings import StringTable, write_strings
from search.types import Mask, Ordinals

_NEGATED = "_"
"""Begins a negated word; no normalized word begins with it."""
_BEFORE = frozenset({"without", "no", "non"})
_BETWEEN = frozenset({"a", "an", "the", "any", "added"})
_AFTER = "free"


def mark_negated(words: Sequence[str]) -> list[str]:
    """The words, those marked that are negated: after `without`, `w/o`, `no` and `non` (an article
    between them is marked too), and before `free`."""
    marked = list(words)
    for place, word in enumerate(words):
        if word in _BEFORE or (word == "o" and place and words[place - 1] == "w"):
            _mark_after(marked, place + 1)
        elif word == _AFTER and place:
            _mark(marked, place - 1)
    return marked


def _mark_after(words: list[str], place: int) -> None:
    while place < len(words):
        between = words[place] in _BETWEEN
        _mark(words, place)
        if not between:
            break
        place += 1


def _mark(words: list[str], place: int) -> None:
    words[place] = _NEGATED + words[place].removeprefix(_NEGATED)


class TitlesWriter:
    """Collects the titles of a snapshot; 4 bytes a word until `finish`, which takes 30."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}
        self._stems, self._offsets = array("i"), array("q", [0])

    def add(self, stems: Sequence[str]) -> None:
        """Appends the next ordinal's title."""
        known = self._known
        self._stems.extend([known.setdefault(stem, len(known)) for stem in stems])
        self._offsets.append(len(self._stems))

    def finish(self, directory: Path, version: str) -> None:
        """Writes everything into `directory`, which must not exist."""
        directory.mkdir(parents=True)
        ascending = sorted(self._known)
        codes = np.empty(len(ascending), np.int32)
        codes[[self._known[stem] for stem in ascending]] = np.arange(len(ascending))
        stems = codes[np.frombuffer(self._stems, np.int32)]
        offsets = np.frombuffer(self._offsets, np.int64)
        rows = np.repeat(np.arange(len(offsets) - 1, dtype=np.int32), np.diff(offsets))
        order = np.argsort(stems, kind="stable")
        starts = np.zeros(len(ascending) + 1, np.int64)
        np.cumsum(np.bincount(stems, minlength=len(ascending)), out=starts[1:])
        np.save(directory / "stems.npy", stems)
        np.save(directory / "offsets.npy", offsets)
        np.save(directory / "places.npy", order.astype(np.int32))
        np.save(directory / "rows.npy", rows[order])
        np.save(directory / "starts.npy", starts)
        write_strings(directory / "known", ascending)
        stamp(directory, version)


class TitleStore:
    """The titles of a snapshot's own products: the stems of one title after another, and of each
    stem, where it stands and in which titles."""

    def __init__(self, directory: Path) -> None:
        self._known = StringTable.open(directory / "known")
        self._stems: NDArray[np.int32] = load(directory / "stems.npy")
        self._offsets: NDArray[np.int64] = load(directory / "offsets.npy")
        self._places: NDArray[np.int32] = load(directory / "places.npy")
        self._rows: NDArray[np.int32] = load(directory / "rows.npy")
        self._starts: NDArray[np.int64] = load(directory / "starts.npy")

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def with_phrase(self, phrases: Sequence[Sequence[str]], rows: Ordinals | None = None) -> Mask:
        """Which titles have one of the phrases (stems, adjacent): of all, or of `rows` alone, each
        less than `len(self)`. Bool of shape (len(self),) or (len(rows),)."""
        coded = [codes for phrase in phrases if (codes := self._codes(phrase))]
        if rows is not None:
            return self._rows_with(coded, rows)
        found = np.zeros(len(self), np.bool_)
        for phrase in coded:
            rarest = min(range(len(phrase)), key=lambda i: np.diff(self._run(phrase[i])))
            here = slice(*self._run(phrase[rarest]).tolist())
            places, within = self._places[here], self._rows[here]
            found[_narrowed(places, within, phrase, rarest, self._stems, self._offsets)] = True
        return found

    def _codes(self, phrase: Sequence[str]) -> list[int]:
        """The codes of a phrase's stems; none when one of them occurs nowhere."""
        codes = [code for stem in phrase if (code := self._known.code(stem)) is not None]
        return codes if len(codes) == len(phrase) else []

    def _run(self, code: int) -> NDArray[np.int64]:
        return self._starts[code : code + 2]

    def _rows_with(self, phrases: Sequence[Sequence[int]], rows: Ordinals) -> Mask:
        stems, owners = gather(self._stems, self._offsets, rows)
        found = np.zeros(len(rows), np.bool_)
        for phrase in phrases:
            here = stems == phrase[0]
            for step, code in enumerate(phrase[1:], 1):
                here[-step:] = False
                here[:-step] &= (stems[step:] == code) & (owners[step:] == owners[:-step])
            found[owners[here]] = True
        return found


def _narrowed(
    places: NDArray[np.signedinteger],
    rows: NDArray[np.signedinteger],
    phrase: Sequence[int],
    anchor: int,
    stems: NDArray[np.int32],
    offsets: NDArray[np.int64],
) -> NDArray[np.signedinteger]:
    """Of the places and rows where one word of a phrase (its `anchor`-th) stands, the rows in which
    the others stand around it."""
    for step, code in enumerate(phrase, -anchor):
        if step:
            at = places + step
            inside = (at >= np.take(offsets, rows)) & (at < np.take(offsets, rows + 1))
            same = inside & (np.take(stems, at, mode="clip") == code)
            places, rows = places[same], rows[same]
    return rows
