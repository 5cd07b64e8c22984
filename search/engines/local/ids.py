"""The ordinals of product ids, for engines whose words are not in this process.

`ids/` holds `hashes.npy` (uint64, ascending) and `ordinals.npy` (int32): 12 bytes a product. What
has the hash of an id is looked at before it is believed.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search.engines.local.arrays import load
from search.engines.local.layout import stamp
from search.types import Ordinals


def id_hash(product_id: str) -> int:
    """64 bits of an id."""
    return int.from_bytes(blake2b(product_id.encode(), digest_size=8).digest())


class IdsWriter:
    """Collects the ids of a snapshot in ordinal order; 8 bytes each until `finish`."""

    def __init__(self) -> None:
        self._hashes = array("Q")

    def add(self, product_id: str) -> None:
        """Notes the next ordinal's id."""
        self._hashes.append(id_hash(product_id))

    def finish(self, directory: Path, version: str) -> None:
        """Writes everything into `directory`, which must not exist."""
        directory.mkdir(parents=True)
        hashes = np.array(self._hashes, np.uint64)
        order = np.argsort(hashes, kind="stable")
        np.save(directory / "hashes.npy", hashes[order])
        np.save(directory / "ordinals.npy", order.astype(np.int32))
        stamp(directory, version)


class IdStore:
    """The ids of a snapshot and of the live changes on it."""

    def __init__(self, directory: Path, ids: Callable[[int, int], list[str]]) -> None:
        """`ids` gives those of the ordinals from one to before another."""
        self._hashes: NDArray[np.uint64] = load(directory / "hashes.npy")
        self._ordinals: NDArray[np.int32] = load(directory / "ordinals.npy")
        self._ids = ids
        self._later: dict[str, list[int]] = {}
        self.later = 0
        """How many ordinals of live changes it knows."""

    def __len__(self) -> int:
        return len(self._hashes)

    def append(self, first: int, ids: Iterable[str]) -> None:
        """Notes the ids of new ordinals, from `first` upward."""
        for ordinal, product_id in enumerate(ids, first):
            self._later.setdefault(product_id, []).append(ordinal)
            self.later += 1

    def candidates(self, product_id: str) -> list[int]:
        """Every ordinal that has been an id's, of which one at most can be found."""
        wanted = np.uint64(id_hash(product_id))
        low, high = (np.searchsorted(self._hashes, wanted, side) for side in ("left", "right"))
        own = [int(each) for each in self._ordinals[low:high]]
        own = [each for each in own if self._ids(each, each + 1) == [product_id]]
        return own + self._later.get(product_id, [])[:]

    def find(self, ids: Sequence[str], alive: NDArray[np.bool_]) -> Ordinals:
        """The ordinals of ids as far as they are alive, bool of shape (ordinals,)."""
        found = [each for product_id in ids for each in self.candidates(product_id)]
        known = np.array([each for each in found if each < len(alive)], np.int32)
        return known[alive[known]] if len(known) else known
