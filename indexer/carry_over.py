"""Changes accepted while a new snapshot was made, brought into it before it is served."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from indexer.analysis import encoder_text
from indexer.live import apply_changes, recover
from indexer.live_index import LiveIndex
from indexer.publish import served_version
from indexer.reading import save_positions
from search.encoder import open_encoder
from search.engines.local.changes import Batch
from search.engines.local.documents import decode_product
from search.engines.local.layout import DataLayout
from search.engines.local.live import UNCHANGED, LiveState, load_live, read_state
from search.engines.local.manifest import read_manifest
from search.engines.local.positions import ANY, UNREAD, Position
from search.seams import Encoder
from search.settings import Settings
from search.types import Change, Delete, Patch, Product, Upsert


class CarryOver:
    """Applies to the snapshot `target` what is applied to `base` after `since`, and up to `until`
    where that is given.

    Upserts and deletes count as they are; a patch changes the target's own product, so that a
    price accepted during a full index does not bring an old title back. Streams that the base
    followed go on where it is; with `reread` (seconds since 1970) they are read again from then.
    """

    def __init__(
        self,
        settings: Settings,
        base: str | None,
        since: LiveState,
        reread: float | None = None,
        until: LiveState | None = None,
    ) -> None:
        self._settings, self._base, self._done = settings, base, since
        self._reread, self._until = reread, until
        self._target: LiveIndex | None = None
        self.batches = 0
        """How many were brought over."""

    def __call__(self, target: str) -> None:
        """Brings `target`, which is not yet served, up to the base's present state."""
        self._carry(target)
        layout = DataLayout(self._settings.data)
        positions = read_state(layout.live(self._base)).positions if self._base else {}
        if self._reread is not None:
            positions = {ANY: Position(UNREAD, self._reread)}
        if positions:
            save_positions(layout.live(target), positions)

    def _carry(self, target: str) -> None:
        if self._base is None:
            return
        update = load_live(self._settings.data, self._base, self._done)
        if update is None:
            return
        if self._target is None:
            self._target = LiveIndex(self._settings.data, target, self._settings)
            recover(self._target)  # it may have been served, and changed, before
        for batch in update.batches:
            if self._until is None or batch.sequence <= self._until.sequence:
                self._apply(self._target, batch)
                self.batches += 1
        self._done = update.state

    def _apply(self, target: LiveIndex, batch: Batch) -> None:
        products = [decode_product(content) for content in batch.products]
        known = {}
        if batch.vectors is not None and target.manifest.encoder == self._base_encoder():
            known = dict(zip(map(encoder_text, products), batch.vectors, strict=True))
        apply_changes(target, dict(_changes(batch, products)), self._open_encoder, known)

    def _base_encoder(self) -> str | None:
        layout = DataLayout(self._settings.data)
        return read_manifest(layout.snapshot(self._base or "").root).encoder

    def _open_encoder(self) -> Encoder:
        name = (self._target and self._target.manifest.encoder) or ""
        return open_encoder(self._settings.data, name, self._settings.threads)


def _changes(batch: Batch, products: Sequence[Product]) -> Iterator[tuple[str, Change]]:
    following = iter(products)
    for entry in batch.entries:
        if entry.kind == "delete":
            yield entry.id, Delete(entry.id)
            continue
        product = next(following)
        patch = entry.kind == "patch"
        yield entry.id, Patch(entry.id, entry.fields or {}) if patch else Upsert(product)


def changes_from_now(settings: Settings, reread: float | None = None) -> CarryOver:
    """Carries over what is applied to the snapshot being served from this moment on."""
    base = served_version(settings.data)
    state = read_state(DataLayout(settings.data).live(base)) if base else UNCHANGED
    return CarryOver(settings, base, state, reread)
