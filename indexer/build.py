"""A full index: a catalogue in, one published snapshot out.

The catalogue is read once, into a spool on disk; every part is written from there. Nothing of a
build can be seen before `publish` replaces `CURRENT`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from indexer.carry_over import CarryOver, changes_from_now
from indexer.catalogue import Location
from indexer.catalogue_encoder import catalogue_encoder
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
from indexer.rejects import Rejection, RejectsFile
from indexer.server_indices import check_indices
from indexer.snapshot import CatalogueEncoder, measured_recall, write_snapshot
from indexer.spool import Duplicate, Spool
from indexer.storage import storage_errors
from indexer.understanding import check_understanding
from search.engines.local.layout import DataLayout
from search.settings import Settings
from search.types import Product

_REPORT_EVERY = 1_000


class Source(Protocol):
    """What a build reads: `indexer.catalogue.Catalogue` for files, `Products` for the rest."""

    @property
    def read(self) -> int:
        """Rows read so far."""
        ...

    @property
    def rejected(self) -> int:
        """Rows that gave no product so far."""
        ...

    @property
    def rejects(self) -> RejectsFile | None:
        """Where rejected rows are reported; the build makes a file of its own when None."""
        ...

    def __iter__(self) -> Iterator[tuple[Product, Location]]: ...


class Products:
    """A catalogue made of products at hand, for generated shops."""

    rejected = 0
    rejects = None

    def __init__(self, products: Iterable[Product], name: str = "products") -> None:
        self.read = 0
        self._products, self._name = products, name

    def __iter__(self) -> Iterator[tuple[Product, Location]]:
        for product in self._products:
            self.read += 1
            yield product, Location(self._name, self.read)


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build made of a catalogue.

    `read` = `indexed` + `rejected`, always. `rejected` includes the `duplicates`: rows that a
    later row with the same id replaced. `rejects` is the file that lists them. `bytes` is the
    snapshot's size on disk, `recall` the vector index's measured recall@300 against exact search
    (None without vectors).
    """

    version: str
    read: int
    indexed: int
    rejected: int
    duplicates: int
    seconds: float
    bytes: int
    recall: float | None
    rejects: Path


def build_index(
    catalogue: Source,
    settings: Settings,
    *,
    progress: Progress | None = None,
    encoder: CatalogueEncoder | None = None,
    changes_since: float | None = None,
) -> BuildReport:
    """Indexes a catalogue into `settings.data` and publishes it. `encoder` replaces the one that
    `settings.meaning.encoder` names ("none": no vectors).

    Changes that `LiveWriter` accepts while this runs are kept: they are applied again, on top of
    the new catalogue, before it is served. Streams that are followed go on where they were, or are
    read again from the moment `changes_since` (seconds since 1970), when the catalogue was written.

    Raises:
        IndexBusy: another build is running here.
        StorageFailed: the disk refused; what was being served is unchanged.
        BadInput: the catalogue cannot be read, or has too many bad rows; the query log or one of
            the shop's lists cannot be used, which is found out first.
        EncoderUnavailable: the text encoder cannot be made.
        EngineUnavailable: the server of the words does not answer.
    """
    started = time.perf_counter()
    check_understanding(settings)
    check_indices(settings, known_versions(settings.data))
    with build_lock(settings.data), storage_errors(settings.data):
        remove_begun(settings)
        version = fresh_version(settings.data)
        try:
            carry_over = changes_from_now(settings, changes_since)
            return _build(
                version, catalogue, settings, progress or silent, encoder, started, carry_over
            )
        finally:
            if served_version(settings.data) != version:
                abandon(settings, version)


def _build(
    version: str,
    catalogue: Source,
    settings: Settings,
    progress: Progress,
    encoder: CatalogueEncoder | None,
    started: float,
    carry_over: CarryOver,
) -> BuildReport:
    layout = DataLayout(settings.data)
    building = layout.building(version)
    building.root.mkdir(parents=True)
    if encoder is None:
        progress("encoder", 0, 1)  # its export takes half a minute the first time
        encoder = catalogue_encoder(settings)
        progress("encoder", 1, 1)
    with Spool(building.root.with_suffix(".rows")) as spool:
        rejects = read_catalogue(catalogue, spool, layout.rejects(version), progress)
        manifest = write_snapshot(building, version, spool, encoder, settings, progress)
    publish(settings, version, carry_over, progress)
    duplicates = len(spool) - spool.count
    return BuildReport(
        version=version,
        read=catalogue.read,
        indexed=spool.count,
        rejected=catalogue.rejected + duplicates,
        duplicates=duplicates,
        seconds=time.perf_counter() - started,
        bytes=sum(part.size for part in manifest.parts.values()),
        recall=measured_recall(manifest),
        rejects=rejects,
    )


def read_catalogue(catalogue: Source, spool: Spool, rejects_path: Path, progress: Progress) -> Path:
    """Spools the whole catalogue and reports its duplicates; returns the rejects file's path."""
    progress("read", 0, None)
    for product, place in catalogue:
        spool.add(product, place)
        if len(spool) % _REPORT_EVERY == 0:
            progress("read", catalogue.read, None)
    rejects = catalogue.rejects or RejectsFile(rejects_path)
    for duplicate in spool.finish():
        rejects.add(_rejection(duplicate))
    rejects.flush()
    if rejects is not catalogue.rejects:
        rejects.close()
    elif rejects.path.parent == rejects_path.parent:
        # One in the data directory is kept as long as the snapshot it belongs to.
        rejects.path.rename(rejects_path)
    else:
        rejects_path = rejects.path
    progress("read", catalogue.read, catalogue.read)
    return rejects_path


def _rejection(duplicate: Duplicate) -> Rejection:
    return Rejection(
        source=duplicate.place.source,
        line=duplicate.place.line,
        id=duplicate.id,
        field="id",
        reason=f"duplicate id: line {duplicate.place.line} of {duplicate.place.source} and line "
        f"{duplicate.kept.line} of {duplicate.kept.source}",
        remedy="the last one was indexed; keep one row per id",
    )
