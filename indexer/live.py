"""Live changes: accepted batches are durable, and visible to every process at once.

A batch is resolved to whole products, encoded, appended to the log and synced; then the words of
the next state are written into a directory of their own; then `state.json` is replaced, which is
the moment readers see it. Whatever dies in between, the next writer completes or cuts off.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from indexer.live_index import LiveIndex
from indexer.live_words import prune_words, write_words
from indexer.lock import change_lock
from indexer.patching import collapse
from indexer.reading import Reading, save_positions
from indexer.resolve import KnownVectors, resolve
from indexer.storage import replace_file, storage_errors, sync
from search.encoder import open_encoder
from search.engines.local.changes import Batch, encode_batch, read_tail
from search.engines.local.documents import decode_product
from search.engines.local.layout import read_current
from search.engines.local.live import LiveState, encode_state, live_version, read_state, words_of
from search.engines.local.positions import Positions, advanced
from search.errors import EncoderUnavailable, IndexCorrupt
from search.seams import Encoder
from search.settings import Settings
from search.types import Applied, Change, Product


class LiveWriter:
    """Applies batches of changes to the index in `settings.data`; implements
    `search.seams.CatalogueWriter`. Safe to use from several threads and processes: batches take
    turns."""

    def __init__(self, settings: Settings, encoder: Encoder | None = None) -> None:
        """Opens nothing yet. `encoder` is one already loaded, to be used when it is the index's;
        keep the writer: what it has opened, it need not open again."""
        self._settings = settings
        self._index: LiveIndex | None = None
        self._encoder = encoder

    def apply(self, changes: Sequence[Change], reading: Reading | None = None) -> Applied:
        """Applies a batch as one. Several changes of one id count as one, equal to all of them in
        order. Blocks; call it from a thread. `reading` says what stream they were read from: how
        far it was read becomes part of the index together with them.

        Raises:
            PositionsMoved: the index does not stand where the reading began; nothing is applied.
            BadInput: a change cannot be made; nothing of the batch is applied.
            IndexMissing, IndexCorrupt: there is no (sound) index to change.
            EncoderUnavailable: a text cannot be encoded; nothing of the batch is applied.
            StorageFailed: the disk refused; nothing of the batch is applied.
        """
        collapsed = collapse(changes)
        data = self._settings.data
        read_current(data)  # before a lock is made in a directory without an index
        with change_lock(data), storage_errors(data / "live"):
            index = self._open()
            if reading is not None:
                reading.check(index.state.positions)
            positions = reading.after if reading else None
            return apply_changes(
                index, collapsed, lambda: self._open_encoder(index), positions=positions
            )

    def positions(self) -> Positions:
        """Where the streams stand that this index has followed.

        Raises:
            IndexMissing, IndexCorrupt: there is no (sound) index.
        """
        read_current(self._settings.data)
        with change_lock(self._settings.data), storage_errors(self._settings.data / "live"):
            return self._open().state.positions

    def unknown(self, ids: Iterable[str], reading: Reading) -> set[str]:
        """Those of some ids that no product has where a reading of a stream begins.

        Raises:
            PositionsMoved: the index does not stand there.
            IndexMissing, IndexCorrupt: there is no (sound) index.
        """
        read_current(self._settings.data)
        with change_lock(self._settings.data), storage_errors(self._settings.data / "live"):
            index = self._open()
            reading.check(index.state.positions)
            return {each for each in ids if index.find(each) is None}

    def changed(self) -> int:
        """How many products the live changes of the present snapshot added or ended.

        Raises:
            IndexMissing, IndexCorrupt: there is no (sound) index.
        """
        read_current(self._settings.data)
        with change_lock(self._settings.data):
            return self._open().changed

    def _open(self) -> LiveIndex:
        version = read_current(self._settings.data)
        if self._index is None or self._index.version != version:
            self._index = LiveIndex(self._settings.data, version, self._settings)
        try:
            recover(self._index)
        except BaseException:
            self._index = None
            raise
        return self._index

    def _open_encoder(self, index: LiveIndex) -> Encoder:
        name = index.manifest.encoder
        if name is None:
            raise EncoderUnavailable("this index holds no vectors; index again with an encoder")
        if self._encoder is None or self._encoder.name != name:
            self._encoder = open_encoder(self._settings.data, name, self._settings.threads)
        return self._encoder


def apply_changes(
    index: LiveIndex,
    changes: Mapping[str, Change],
    encoder: Callable[[], Encoder],
    known: KnownVectors | None = None,
    positions: Positions | None = None,
) -> Applied:
    """Applies changes, one per id, as one batch, and with them the positions they were read up to;
    the caller holds the change lock, or is the only one who knows the snapshot."""
    resolved = resolve(index, changes, encoder, known or {})
    if resolved.batch.entries:
        batch = replace(resolved.batch, positions=positions or {})
        end = _append(index, batch)
        try:
            _commit(index, batch, resolved.products, end)
        except BaseException:
            _withdraw(index)
            raise
    elif positions:
        index.state = save_positions(index.live, advanced(index.state.positions, positions))
    kinds = Counter(entry.kind for entry in resolved.batch.entries)
    return Applied(
        version=live_version(index.version, index.state),
        upserted=kinds["upsert"],
        patched=kinds["patch"],
        deleted=kinds["delete"],
        missing=resolved.missing,
    )


def recover(index: LiveIndex) -> None:
    """Brings the index to the log's end: takes in what others applied, completes batches that
    were logged but not applied, and cuts off a torn one, which nobody was told about."""
    index.follow()
    size = index.log.stat().st_size if index.log.exists() else 0
    if size < index.state.offset:
        raise IndexCorrupt(
            f"{index.log} is cut off: restore it from a backup, or delete {index.live} to go back "
            "to the snapshot without its live changes"
        )
    if size == index.state.offset:
        return
    for batch, end in read_tail(index.log, index.state.offset):
        _commit(index, batch, [decode_product(content) for content in batch.products], end)
    os.truncate(index.log, index.state.offset)
    sync(index.log)


def _append(index: LiveIndex, batch: Batch) -> int:
    """Makes the batch durable; the offset where it ends."""
    record = encode_batch(batch)
    new = not index.log.exists()
    index.live.mkdir(parents=True, exist_ok=True)
    try:
        with index.log.open("ab") as log:
            log.write(record)
            log.flush()
            os.fsync(log.fileno())
    except BaseException:
        _withdraw(index)
        raise
    if new:
        sync(index.live)
        sync(index.live.parent)
    return index.state.offset + len(record)


def _withdraw(index: LiveIndex) -> None:
    """Cuts a batch that could not be applied off the log again: its sender is told so."""
    if index.log.exists():
        os.truncate(index.log, index.state.offset)
        sync(index.log)


def _commit(index: LiveIndex, batch: Batch, products: Sequence[Product], end: int) -> None:
    """Writes the words of the next state, then names it. Replacing the words or the state of an
    attempt that died is harmless: readers follow the state alone."""
    positions = advanced(index.state.positions, batch.positions)
    state = LiveState(batch.sequence, end, positions)
    target = words_of(index.live, state)
    try:
        _write(index, batch, products, target)
        replace_file(index.live / "state.json", encode_state(state))
    except BaseException:
        if read_state(index.live) != state:  # else it was named before something else failed
            shutil.rmtree(target, ignore_errors=True)
            raise
    index.absorb(batch)
    index.state = state
    if target.parent.is_dir():
        prune_words(target.parent, state.sequence)


def _write(index: LiveIndex, batch: Batch, products: Sequence[Product], target: Path) -> None:
    """Lets the words of a batch be found by who knows of its state."""
    if index.manifest.engine != "embedded":
        index.server_words.write(index, batch, products)
        return
    write_words(
        index.words,
        target,
        removed=[entry.id for entry in batch.entries],
        added=products,
        first=len(index.documents),
        weights=index.manifest.weights,
    )
