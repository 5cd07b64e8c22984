"""The merge of live changes into a new snapshot, without reading the source or encoding again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from indexer.carry_over import CarryOver
from indexer.live_index import LiveIndex
from indexer.lock import build_lock
from indexer.progress import Progress, silent
from indexer.publish import (
    abandon,
    fresh_version,
    known_versions,
    publish,
    remove_begun,
    served_version,
)
from indexer.server_indices import check_indices
from indexer.snapshot import CatalogueEncoder, write_snapshot
from indexer.storage import storage_errors
from search.encoder import open_encoder
from search.engines.local.layout import DataLayout, read_current
from search.errors import EncoderUnavailable, IndexCorrupt
from search.settings import Settings
from search.types import Product, Vectors

_REPORT_EVERY = 5_000
_COMPRESSION = 4
"""Bytes of JSON per byte stored, at most."""


class MergeSource:
    """The present products of an index, in ordinal order."""

    def __init__(self, index: LiveIndex) -> None:
        self.index = index
        self.count = index.count
        stored = index.manifest.parts.get("documents/products.bin")
        self.size = _COMPRESSION * stored.size if stored else 0

    def products(self) -> Iterator[Product]:
        """See `ProductSource`."""
        return map(self.index.product, self.index.alive())


class StoredVectors:
    """Gives products the vectors the index holds of them.

    Those of a large index are kept as one byte per dimension; reading and writing them again
    moves them by less than that byte's step.
    """

    def __init__(self, index: LiveIndex, data: Path, name: str, dimensions: int) -> None:
        self._index, self._data = index, data
        self.name, self.dimensions = name, dimensions

    def encode(
        self, products: Iterable[Product], count: int, out: Path, progress: Progress
    ) -> Vectors:
        """See `CatalogueEncoder`; the products are not looked at."""
        vectors: Vectors = np.lib.format.open_memmap(
            out, mode="w+", dtype=np.float32, shape=(count, self.dimensions)
        )
        for row, ordinal in enumerate(self._index.alive()):
            vectors[row] = self._index.vector(ordinal)
            if row % _REPORT_EVERY == 0:
                progress("encode", row, count)
        return vectors

    def encode_queries(self, texts: Sequence[str]) -> Vectors | None:
        """See `CatalogueEncoder`; None when the encoder itself is gone."""
        try:
            return open_encoder(self._data, self.name).encode(texts)
        except EncoderUnavailable:
            return None


def fold(settings: Settings, progress: Progress | None = None) -> str | None:
    """Makes a new snapshot of the present one and its live changes, and publishes it. Changes that
    arrive meanwhile are brought into it before it is served; a kill at any moment loses nothing.

    Returns the new version, None when there is nothing to fold.

    Raises:
        IndexBusy: a build or another merge is running here.
        IndexMissing, IndexCorrupt: there is no (sound) index of the engine that the settings name.
        StorageFailed: the disk refused; what was being served is unchanged.
    """
    data = settings.data
    read_current(data)
    with build_lock(data), storage_errors(data):
        remove_begun(settings)
        base = LiveIndex(data, read_current(data))
        base.follow()
        if base.state.sequence == 0:
            return None
        _check_engine(base, settings)
        check_indices(settings, known_versions(data))
        version = fresh_version(data)
        try:
            _fold(version, base, settings, progress or silent)
        finally:
            if served_version(data) != version:
                abandon(settings, version)
        return version


def _check_engine(base: LiveIndex, settings: Settings) -> None:
    if base.manifest.engine != settings.engine:
        raise IndexCorrupt(
            f"snapshot {base.version} was made for engine {base.manifest.engine!r}, and the "
            f"settings say {settings.engine!r}: run `aisle reindex`, or set engine back"
        )


def _fold(version: str, base: LiveIndex, settings: Settings, progress: Progress) -> None:
    building = DataLayout(settings.data).building(version)
    building.root.mkdir(parents=True)
    carry_over = CarryOver(settings, base.version, base.state)
    # What a full index was made with stays until the next full index.
    weights = dict(base.manifest.weights)
    kept = settings.model_copy(
        update={"index": settings.index.model_copy(update={"weights": weights})}
    )
    write_snapshot(
        building, version, MergeSource(base), _vectors_of(base, settings.data), kept, progress
    )
    publish(settings, version, carry_over, progress)


def _vectors_of(base: LiveIndex, data: Path) -> CatalogueEncoder | None:
    name, dimensions = base.manifest.encoder, base.manifest.dimensions
    if name is None or dimensions is None:
        return None
    return StoredVectors(base, data, name, dimensions)
