"""`aisle reindex`: from files, or from the products that are there, to a snapshot that serves."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer.build import Source, read_catalogue
from indexer.carry_over import CarryOver
from indexer.catalogue import Catalogue
from indexer.catalogue_encoder import catalogue_encoder
from indexer.live_index import LiveIndex
from indexer.lock import build_lock
from indexer.merge import MergeSource, StoredVectors
from indexer.progress import Progress, silent
from indexer.publish import abandon, known_versions, publish, served_version
from indexer.reindexing.beginning import begin
from indexer.reindexing.inputs import files_source, inputs_of, present_source
from indexer.reindexing.plan import Plan
from indexer.reindexing.trial import Trial, trial
from indexer.server_indices import check_indices
from indexer.snapshot import (
    PRODUCTS,
    CatalogueEncoder,
    ProductSource,
    measured_recall,
    write_snapshot,
)
from indexer.spool import Spool
from indexer.storage import storage_errors
from indexer.understanding import check_understanding
from search.engines.local.layout import DataLayout, read_current
from search.engines.local.live import LiveState, load_live
from search.engines.local.manifest import Manifest, read_manifest
from search.errors import EngineUnavailable, IndexCorrupt
from search.settings import Settings

READ = "read"
"""The stage that a plan keeps beside those of `write_snapshot`."""


@dataclass(frozen=True, slots=True)
class Reindexed:
    """What a reindex did. `before` was served until then. `read`, `rejected` and `duplicates` are
    rows of files, or products of the index that was there; `rejects` is the file that lists them.
    `resumed` names the stages that an earlier attempt had finished, `spared` counts the documents
    that it had loaded into the server. `carried` counts the batches of changes that were accepted
    meanwhile. `bytes` and `recall` as in `BuildReport`."""

    version: str
    before: str | None
    engine: str
    products: int
    read: int
    rejected: int
    duplicates: int
    seconds: float
    bytes: int
    recall: float | None
    rejects: Path | None
    resumed: tuple[str, ...]
    spared: int
    carried: int


def reindex(
    settings: Settings,
    catalogue: Source | None = None,
    *,
    progress: Progress | None = None,
    encoder: CatalogueEncoder | None = None,
    changes_since: float | None = None,
    try_out: Trial | None = None,
    keep: int | None = None,
) -> Reindexed:
    """Makes a new snapshot as the settings say, of `catalogue` or else of the products that are
    served now, and lets it take their place; what was serving serves until then, and stays when
    anything fails or `try_out`, which is given a data directory where the new one serves, raises.
    `encoder`, `changes_since`: as `build_index`. `keep`: as `publish`.

    Killed, interrupted, or left by the server of its words, it is gone on with by the next call
    with the same inputs: what was read, encoded and loaded is not done again.

    Raises:
        IndexBusy, IndexMissing, IndexCorrupt, StorageFailed, BadInput, EncoderUnavailable: as
            `build_index`; without a catalogue there must be a sound index.
        EngineUnavailable: the server of the words does not answer.
    """
    data = settings.data
    if catalogue is None:
        read_current(data)
    check_understanding(settings)
    check_indices(settings, known_versions(data))
    with build_lock(data), storage_errors(data):
        chosen = encoder or _encoder(settings, progress or silent)
        run = _Run(settings, catalogue, chosen, changes_since, progress or silent)
        try:
            return run.done(try_out, keep)
        except (KeyboardInterrupt, EngineUnavailable):
            raise  # another attempt goes on here
        except BaseException:
            if served_version(data) != run.plan.version:
                abandon(settings, run.plan.version)
            raise


def _encoder(settings: Settings, progress: Progress) -> CatalogueEncoder | None:
    progress("encoder", 0, 1)
    encoder = catalogue_encoder(settings)
    progress("encoder", 1, 1)
    return encoder


class _Run:
    """One attempt; the caller holds the build lock."""

    def __init__(
        self,
        settings: Settings,
        catalogue: Source | None,
        encoder: CatalogueEncoder | None,
        reread: float | None,
        progress: Progress,
    ) -> None:
        self._started = time.perf_counter()
        self._settings, self._catalogue, self._progress = settings, catalogue, progress
        self._layout, self._encoder = DataLayout(settings.data), encoder
        self._base = served_version(settings.data)
        self._journal = begin(settings, self._base, self._inputs, reread)
        self.plan = self._journal.plan

    def _inputs(self, base: str | None, since: LiveState) -> str | None:
        """The digest of all that goes in; None when it cannot be read again."""
        source: list[object] | None = None
        if self._catalogue is None and base is not None:
            source = present_source(base, since)
        elif isinstance(self._catalogue, Catalogue):
            source = files_source(self._catalogue.paths, self._catalogue.mapping)
        name = self._encoder.name if self._encoder else None
        return None if source is None else inputs_of(self._settings, name, source)

    def done(self, try_out: Trial | None, keep: int | None) -> Reindexed:
        """Makes the snapshot and publishes it."""
        with ExitStack() as open_files:
            manifest = self._made() or self._make(open_files)
        carry_over = CarryOver(self._settings, self.plan.base, self.plan.since, self.plan.reread)
        publish(
            self._settings,
            self.plan.version,
            carry_over,
            self._progress,
            try_out=None if try_out is None else lambda: self._try(try_out),
            keep=keep,
        )
        return self._report(manifest, carry_over.batches)

    def _made(self) -> Manifest | None:
        """The snapshot, when an earlier attempt had made the whole of it."""
        layout = self._layout.building(self.plan.version)
        if not layout.manifest.is_file() or READ not in self._journal.found:
            return None
        return read_manifest(layout.root)

    def _make(self, open_files: ExitStack) -> Manifest:
        source, encoder = self._source(open_files), self._encoder
        if isinstance(source, MergeSource):
            encoder = self._stored_vectors(source.index)
        layout = self._layout.building(self.plan.version)
        layout.root.mkdir(parents=True, exist_ok=True)
        return write_snapshot(
            layout,
            self.plan.version,
            source,
            encoder,
            self._settings,
            self._progress,
            self._journal,
        )

    def _source(self, open_files: ExitStack) -> ProductSource:
        if self._catalogue is None:
            index = present(self._settings.data, self.plan)
            if self._journal.facts(READ) is None:
                told = {"read": index.count, "rejected": 0, "duplicates": 0, "rejects": None}
                self._journal.finished(READ, told)
            return MergeSource(index)
        rows = self._layout.building(self.plan.version).root.with_suffix(".rows")
        if self._journal.facts(READ) is not None:
            return open_files.enter_context(Spool.reopen(rows))
        spool = open_files.enter_context(Spool(rows))
        self._journal.finished(READ, self._read(self._catalogue, spool))
        return spool

    def _read(self, catalogue: Source, spool: Spool) -> Mapping[str, Any]:
        place = self._layout.rejects(self.plan.version)
        rejects = read_catalogue(catalogue, spool, place, self._progress)
        spool.keep()
        duplicates = len(spool) - spool.count
        return {
            "read": catalogue.read,
            "rejected": catalogue.rejected + duplicates,
            "duplicates": duplicates,
            "rejects": str(rejects),
        }

    def _stored_vectors(self, index: LiveIndex) -> CatalogueEncoder | None:
        """The vectors that the index holds, where they are of the encoder that is wanted."""
        name, dimensions = index.manifest.encoder, index.manifest.dimensions
        if self._encoder is None or self._encoder.name != name or dimensions is None:
            return self._encoder
        return StoredVectors(index, self._settings.data, name, dimensions)

    def _try(self, try_out: Trial) -> None:
        with trial(self._settings.data, self.plan.version) as root:
            try_out(root)

    def _report(self, manifest: Manifest, carried: int) -> Reindexed:
        told, loaded = self._journal.facts(READ) or {}, self._journal.facts(PRODUCTS) or {}
        return Reindexed(
            version=self.plan.version,
            before=self._base,
            engine=manifest.engine,
            products=manifest.counts["products"],
            read=told["read"],
            rejected=told["rejected"],
            duplicates=told["duplicates"],
            seconds=time.perf_counter() - self._started,
            bytes=sum(part.size for part in manifest.parts.values()),
            recall=measured_recall(manifest),
            rejects=Path(told["rejects"]) if told["rejects"] else None,
            resumed=tuple(sorted(self._journal.found)),
            spared=loaded.get("spared", 0),
            carried=carried,
        )


def present(data: Path, plan: Plan) -> LiveIndex:
    """The index as it was when the plan was made.

    Raises:
        IndexCorrupt: it cannot be used.
    """
    if plan.base is None:
        raise IndexCorrupt("there is no index to read products from")
    index = LiveIndex(data, plan.base)
    update = load_live(data, plan.base)
    for batch in update.batches if update else ():
        if batch.sequence <= plan.since.sequence:
            index.absorb(batch)
    index.state = plan.since
    return index
