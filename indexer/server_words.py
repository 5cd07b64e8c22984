"""The words of live changes on a server: documents of their own for new products, and marks on
those that have ended, so that what was opened earlier goes on as it was."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from indexer.analysis import index_fields
from indexer.given_up import forestalled, give_up, given_up
from indexer.measures import product_measures
from search.engines.local.changes import Batch
from search.engines.local.manifest import Manifest
from search.engines.server.asking import whole
from search.engines.server.blocking import BlockingServer
from search.engines.server.loading import Item, send
from search.engines.server.mapping import server_document
from search.engines.server.naming import index_name
from search.engines.server.nearest import FIELD
from search.engines.server.verifying import mappings_of
from search.engines.server.writer import with_checksum
from search.errors import EngineUnavailable
from search.resilience import remaining, within
from search.settings import Settings
from search.types import Product, Vector

_PAGE = 10_000
"""Left-over documents looked at in one request."""
_NEVER = 2**31 - 1
"""`born` of what holds a place: in no state, and of a later version than what may yet arrive."""
_ITEM_SECONDS = 0.01
"""What each product adds to the time in which a batch must be taken, also those to take back."""
_MENDING_SECONDS = 60.0
"""At most; a batch's own time holds as well."""


class Changing(Protocol):
    """The index that is changed: `indexer.live_index.LiveIndex`."""

    manifest: Manifest
    documents: Any
    live: Path
    dead: set[int]

    def product(self, ordinal: int) -> Product:
        """The stored product."""
        ...

    def vector(self, ordinal: int) -> Vector | None:
        """The stored embedding, None when there is none."""
        ...

    def birth(self, ordinal: int) -> int | None:
        """The batch that added a product; None for the snapshot's own."""
        ...


class ServerWords:
    """Writes batches into the index of one snapshot; one writer at a time."""

    def __init__(self, settings: Settings, version: str) -> None:
        """Connects to nothing yet; each batch has a connection of its own, so that a writer that is
        let go of leaves none."""
        self._settings = settings
        self._index = index_name(settings.server.prefix, version)
        self._sure = False
        """Whether no attempt that died can have left anything."""
        self._dense: bool | None = None
        """Whether the index holds vectors; None while that is unknown."""
        self._version = 0
        """Of what is sent now, in microseconds since 1970."""

    def write(self, index: Changing, batch: Batch, products: Sequence[Product]) -> None:
        """Makes a batch findable: `products` are those it adds, whose ordinals follow.

        Raises:
            EngineUnavailable, StorageFailed: the server did not take all of it.
        """
        late = given_up(index.live)
        items = len(batch.entries) + len(late)
        patience = self._settings.server.change_seconds + _ITEM_SECONDS * items
        self._version = time.time_ns() // 1000
        with within(patience), BlockingServer(self._settings) as server:
            if self._dense is None:
                self._dense = holds_vectors(server, self._index)
            if late or not self._sure:
                self._mend(server, index, batch.sequence, late)
            self._sure = False
            sent = self._items(index, batch, products)
            try:
                send(server, self._index, sent, visible=True, patience=remaining(patience))
            except BaseException:
                give_up(index.live, (item.ordinal for item in sent))
                raise
            self._sure = True

    def _mend(self, server: BlockingServer, index: Changing, sequence: int, late: set[int]) -> None:
        """Takes back what a batch left that was begun under the same number and withdrawn, and
        forestalls what of it may yet arrive: the server refuses what is older than it holds."""
        found = late - index.dead | self._left(server, sequence)
        while found:
            items = [self._present(index, each) for each in sorted(found)]
            seconds = remaining(_MENDING_SECONDS)
            send(server, self._index, items, visible=True, patience=seconds)
            found = self._left(server, sequence)
        forestalled(index.live)

    def _present(self, index: Changing, ordinal: int) -> Item:
        """What belongs at an ordinal: its product as it was, or nothing yet."""
        if ordinal >= len(index.documents):
            return Item.of({"ord": ordinal, "born": _NEVER}, self._version)
        vector, marks = index.vector(ordinal), _born(index, ordinal)
        return self._item(index, ordinal, index.product(ordinal), vector, marks)

    def _left(self, server: BlockingServer, sequence: int) -> set[int]:
        later = {"gte": sequence, "lt": _NEVER}
        marks = [{"range": {name: later}} for name in ("born", "died")]
        body = {
            "size": _PAGE,
            "_source": False,
            "sort": [{"ord": "asc"}],
            "query": {"bool": {"should": marks}},
        }
        self._ask(server, "_refresh", None, None)
        path = "timed_out,_shards.failed,hits.hits.sort"
        found = self._ask(server, "_search", body, {"filter_path": path})
        if "_shards" not in found or not whole(found):
            raise EngineUnavailable(f"a part of {self._index} does not answer; try again")
        return {hit["sort"][0] for hit in found.get("hits", {}).get("hits", [])}

    def _ask(
        self, server: BlockingServer, action: str, body: Mapping[str, Any] | None, params: Any
    ) -> Any:
        seconds = server.settings.change_seconds
        return server.request("POST", f"/{self._index}/{action}", body, params, seconds)

    def _items(self, index: Changing, batch: Batch, products: Sequence[Product]) -> list[Item]:
        """The new documents, and the old ones with their marks."""
        first, born = len(index.documents), {"born": batch.sequence}
        vectors = [None] * len(products) if batch.vectors is None else batch.vectors
        pairs = enumerate(zip(products, vectors, strict=True), first)
        items = [self._item(index, place, *pair, born) for place, pair in pairs]
        for each in batch.dead:
            marks = _born(index, each) | {"died": batch.sequence}
            items.append(self._item(index, each, index.product(each), index.vector(each), marks))
        return items

    def _item(
        self,
        index: Changing,
        ordinal: int,
        product: Product,
        vector: Vector | None,
        marks: Mapping[str, int],
    ) -> Item:
        fields = index_fields(product, index.manifest.weights)
        held = vector if self._dense else None
        made = server_document(ordinal, product, fields, product_measures(product), held)
        return Item.of({**with_checksum(made), **marks}, self._version)


def _born(index: Changing, ordinal: int) -> dict[str, int]:
    birth = index.birth(ordinal)
    return {} if birth is None else {"born": birth}


def holds_vectors(server: BlockingServer, index: str) -> bool:
    """Whether an index holds vectors."""
    found = server.request("GET", f"/{index}/_mapping")
    return FIELD in mappings_of(server.server.product, found).get("properties", {})
