"""Makes the index of a snapshot on a server, and marks it complete when all of it is there."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson

from search.engines.local.measures import Measures
from search.engines.server.blocking import BlockingServer
from search.engines.server.loading import BulkLoader
from search.engines.server.mapping import mapping, server_document, settings
from search.engines.server.naming import index_name, write_alias
from search.engines.server.nearest import field
from search.engines.server.resuming import Comparing, checksums, loaded
from search.errors import IndexCorrupt
from search.settings import Settings
from search.types import Product, Vectors

_LONG_SECONDS = 600.0
"""A merge of all segments takes minutes."""


class ServerWordsWriter:
    """Loads the words of a snapshot; implements `search.engines.local.writer.WordsSink`."""

    def __init__(
        self,
        chosen: Settings,
        version: str,
        weights: Mapping[str, int],
        *,
        resume: bool = False,
        vectors: Vectors | None = None,
    ) -> None:
        """Makes the empty index, in place of one of an attempt that died; or with `resume` goes on
        with what that had loaded. With `vectors` (float32, a row by ordinal) the server holds them
        too.

        Raises:
            BadInput, EngineUnavailable: the server cannot be reached or does not let Aisle in.
        """
        self._settings, self._version, self._weights = chosen.server, version, weights
        self.index = index_name(chosen.server.prefix, version)
        self._server = BlockingServer(chosen)
        self._vectors = vectors
        self._count = self._checksum = 0
        blocks = None
        try:
            if resume:
                there = vectors is not None
                blocks = loaded(self._server, self.index, version, weights, vectors=there)
            if blocks is None:
                self._create()
        except BaseException:
            self._server.close()
            raise
        self._loader = BulkLoader(self._server, self.index)
        self._comparing: Comparing | None = None
        if blocks:
            look = partial(checksums, self._server, self.index)
            self._comparing = Comparing(blocks, self._loader.add, look)

    @property
    def spared(self) -> int:
        """Documents that were there already."""
        return self._comparing.spared if self._comparing else 0

    def _create(self) -> None:
        params = {"ignore_unavailable": "true"}
        self._server.request("DELETE", f"/{self.index}", params=params)
        opensearch = self._server.server.product == "OpenSearch"
        graph = opensearch and self._vectors is not None
        body = {
            "settings": settings(self._settings.shards, graph=graph),
            "mappings": self._mapping(),
            "aliases": {write_alias(self.index): {}},
        }
        self._server.request("PUT", f"/{self.index}", body, seconds=_LONG_SECONDS)

    def _mapping(self, *, complete: bool = False) -> dict[str, Any]:
        vectors, product = self._vectors, self._server.server.product
        known = None if vectors is None else field(product, vectors.shape[1])
        return mapping(self._version, self._weights, complete=complete, vectors=known)

    def add(self, product: Product, fields: Mapping[str, str], measures: Measures) -> None:
        """Appends the next ordinal."""
        vector = None if self._vectors is None else self._vectors[self._count]
        made = server_document(self._count, product, fields, measures, vector)
        document = with_checksum(made)
        (self._comparing or self._loader).add(document)
        self._checksum += document["checksum"]
        self._count += 1

    def finish(self) -> None:
        """Waits for everything, counts it, and lets it be searched.

        Raises:
            IndexCorrupt: the server holds something else than was sent.
            EngineUnavailable, StorageFailed: something could not be loaded.
        """
        try:
            if self._comparing is not None:
                self._comparing.finish()
            self._loader.finish()
            self._request("POST", "_forcemerge", params={"max_num_segments": 1})
            self._request("POST", "_refresh")
            self._check()
            replicas = self._settings.replicas
            kept = {"index": {"refresh_interval": "1s", "number_of_replicas": replicas}}
            self._request("PUT", "_settings", kept)
            self._request("PUT", "_mapping", {"_meta": self._mapping(complete=True)["_meta"]})
        finally:
            self._server.close()

    def abort(self) -> None:
        """Stops loading; what is there stays, to go on with or to be removed."""
        self._loader.abort()
        self._server.close()

    def _check(self) -> None:
        sums = {"aggs": {name: {"sum": {"field": name}} for name in ("ord", "checksum")}}
        found = self._request("POST", "_search", {"size": 0, "track_total_hits": True, **sums})
        told = (
            found["hits"]["total"]["value"],
            found["aggregations"]["ord"]["value"],
            found["aggregations"]["checksum"]["value"],
        )
        sent = (self._count, self._count * (self._count - 1) / 2, self._checksum)
        if told != sent:
            raise IndexCorrupt(
                f"{self._server.server.product} holds {told[0]} products in {self.index} (sums "
                f"{told[1:]}) of {sent[0]} sent (sums {sent[1:]}): run `aisle reindex` again"
            )

    def _request(self, method: str, action: str, body: Any = None, params: Any = None) -> Any:
        path = f"/{self.index}/{action}"
        return self._server.request(method, path, body, params, _LONG_SECONDS)


def with_checksum(document: dict[str, Any]) -> dict[str, Any]:
    """A document with a checksum of the others of its values: 24 bits of their CRC-32, so that the
    server, which adds as floating-point numbers, sums those of 500 million exactly."""
    return {**document, "checksum": zlib.crc32(orjson.dumps(document)) & 0xFFFFFF}
