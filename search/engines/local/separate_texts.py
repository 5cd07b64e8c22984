"""The texts of a snapshot with files of its own for each field: what a build collects before it
writes rows (see `text_rows`), and what snapshots of earlier builds have instead of them.

`<field>.codes.npy` holds the codes of all products one after another, `<field>.offsets.npy` where
each begins and the last ends, and of bags of words `<field>.counts.npy` how often each code occurs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from search.engines.local.arrays import GrowingArray, gather, load
from search.errors import IndexCorrupt
from search.types import Ordinals, Text

FIELDS: tuple[Text, ...] = get_args(Text)
ORDERED: frozenset[Text] = frozenset({"title", "kind"})
"""The fields whose words keep their order."""
NO_COUNTS: NDArray[np.uint8] = np.empty(0, np.uint8)
Copied = tuple[NDArray[np.int32], NDArray[np.uint8], NDArray[np.int64]]
"""`codes`, `counts` and `spans` of a field of some products (see `search.types.TextRows`)."""
_Part = tuple[NDArray[np.int32], NDArray[np.uint8], NDArray[np.int64]]
"""The codes of all products one after another, their counts, and where each begins."""


@dataclass(frozen=True, slots=True)
class Codes:
    """One field of some products: all codes, one product's after another's, how often each occurs
    (of bags of words alone), and how many each product has."""

    codes: NDArray[np.int32]
    counts: NDArray[np.uint8]
    lengths: NDArray[np.int64]


class SeparateField:
    """The files of one field."""

    def __init__(self, directory: Path, name: Text) -> None:
        names = ["codes", "offsets"] if name in ORDERED else ["codes", "offsets", "counts"]
        self._paths = [directory / f"{name}.{part}.npy" for part in names]
        self.codes: NDArray[np.int32] = load(self._paths[0])
        self.offsets: NDArray[np.int64] = load(self._paths[1])
        self.counts: NDArray[np.uint8] = NO_COUNTS if name in ORDERED else load(self._paths[2])

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def between(self, start: int, stop: int) -> Codes:
        """The codes of the products from `start` to before `stop`."""
        offsets = self.offsets[start : stop + 1]
        here = slice(int(offsets[0]), int(offsets[-1]))
        return Codes(self.codes[here], self.counts[here], np.diff(offsets))

    def remove(self) -> None:
        """Deletes the files."""
        for path in self._paths:
            path.unlink()


class _Appended:
    """A field of a snapshot's own products, and of those appended by live changes."""

    def __init__(self, own: SeparateField) -> None:
        self.own = own
        self._codes = GrowingArray(np.empty(0, np.int32))
        self._counts = GrowingArray(np.empty(0, np.uint8))
        self._offsets = GrowingArray(np.zeros(1, np.int64))

    def append(self, added: Codes) -> None:
        end = len(self._codes)
        self._codes.append(added.codes)
        self._counts.append(added.counts)
        self._offsets.append(end + np.cumsum(added.lengths))

    def view(self) -> FieldView:
        later = (
            self._codes.rows(len(self._codes)),
            self._counts.rows(len(self._counts)),
            self._offsets.rows(len(self._offsets)),
        )
        return FieldView((self.own.codes, self.own.counts, self.own.offsets), later)


@dataclass(frozen=True, slots=True)
class FieldView:
    """One field of one view: the snapshot's own rows, and those of live changes."""

    own: _Part
    later: _Part

    def of(self, ordinals: Ordinals) -> Copied:
        """The field of some products."""
        base = len(self.own[2]) - 1
        first = ordinals < base
        parts = [_taken(self.own, ordinals[first]), _taken(self.later, ordinals[~first] - base)]
        places = np.flatnonzero(first), np.flatnonzero(~first)
        owners = np.concatenate([places[0][parts[0][2]], places[1][parts[1][2]]])
        order = np.argsort(owners, kind="stable")
        ends = np.cumsum(np.bincount(owners, minlength=len(ordinals)))
        starts = np.concatenate([np.zeros(1, np.int64), ends])[:-1]
        codes = np.concatenate([part[0] for part in parts])[order]
        counts = np.concatenate([part[1] for part in parts])
        spans = np.array([starts, ends, starts])
        return codes, counts[order] if len(counts) else counts, spans


def _taken(
    field: _Part, rows: Ordinals
) -> tuple[NDArray[np.int32], NDArray[np.uint8], NDArray[np.intp]]:
    """Codes and counts of some rows, and whose each is."""
    codes, counts, offsets = field
    found, owners = gather(codes, offsets, rows)
    return found, gather(counts, offsets, rows)[0] if len(counts) else counts, owners


class SeparateTexts:
    """The texts of a snapshot of an earlier build, and of live changes: slower than rows."""

    def __init__(self, directory: Path) -> None:
        """Maps the files.

        Raises:
            IndexCorrupt: the fields hold different numbers of texts.
        """
        self._fields = {name: _Appended(SeparateField(directory, name)) for name in FIELDS}
        if len({len(field.own) for field in self._fields.values()}) != 1:
            raise IndexCorrupt(f"{directory} holds fields of different lengths: index again")

    def __len__(self) -> int:
        return len(self._fields[FIELDS[0]].own)

    def append(self, added: Mapping[Text, Codes]) -> None:
        """Adds the texts of new ordinals; earlier views do not change."""
        for name, field in self._fields.items():
            field.append(added[name])

    def view(self) -> SeparateView:
        """All there are at this moment."""
        return SeparateView({name: field.view() for name, field in self._fields.items()})


@dataclass(frozen=True, slots=True)
class SeparateView:
    """The texts of one view."""

    fields: Mapping[Text, FieldView]

    def of(self, ordinals: Ordinals) -> list[Copied]:
        """The fields of some products, in the order of `FIELDS`."""
        return [field.of(ordinals) for field in self.fields.values()]
