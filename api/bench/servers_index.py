"""The indexes that servers are compared on: one snapshot, its words loaded where each engine finds
them, so that everything else is the same files."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from api.bench.servers_measure import chosen
from indexer.analysis import index_fields
from indexer.measures import product_measures
from indexer.progress import Progress
from search.engines.local.dense import VectorIndex
from search.engines.local.documents import DocumentStore, decode_product
from search.engines.local.ids import IdsWriter
from search.engines.local.layout import DataLayout, SnapshotLayout, read_current
from search.engines.local.manifest import encode_manifest, measure_parts, read_manifest
from search.engines.server.writer import ServerWordsWriter
from search.errors import BadInput
from search.settings import Settings
from search.types import Product, Vectors

_REPORT_EVERY = 1_000


def adopt(source: Path, settings: Settings, progress: Progress) -> float:
    """Makes `settings.data`, anew, an index whose words are on the server of `settings` and whose
    other files are those of the embedded engine's in `source`; the seconds that the words took."""
    version = read_current(source)
    own, there = DataLayout(settings.data), DataLayout(source)
    shutil.rmtree(own.root, ignore_errors=True)
    _link(there.snapshot(version), own.snapshot(version))
    started = time.perf_counter()
    _load(own.snapshot(version), version, settings, progress)
    seconds = time.perf_counter() - started
    _seal(own.snapshot(version), settings.engine)
    for name in ("encoders", "model.json"):
        if (source / name).exists():
            (own.root / name).symlink_to((source / name).resolve())
    own.current.write_text(version)
    return seconds


def products(snapshot: SnapshotLayout) -> Iterator[Product]:
    """The products of a snapshot by ordinal."""
    documents = DocumentStore(snapshot.documents)
    return (decode_product(documents.json(ordinal)) for ordinal in range(len(documents)))


def snapshot_of(data: Path) -> SnapshotLayout:
    """The snapshot that a data directory serves."""
    return DataLayout(data).snapshot(read_current(data))


def settings_of(
    data: Path, engine: str, url: str, name: str | int, dense: str = "faiss"
) -> Settings:
    """The settings of an index on a server; `name` keeps it apart from others there."""
    prefix = f"aisle-bench-{name}"
    given = {"data": str(data), "engine": engine, "url": url, "prefix": prefix, "dense": dense}
    return chosen(given)


def vectors_of(snapshot: SnapshotLayout) -> tuple[Vectors, str]:
    """The vectors of a snapshot by ordinal, and their encoder's name.

    Raises:
        BadInput: it has none.
    """
    manifest = read_manifest(snapshot.root)
    if manifest.vectors is None or manifest.encoder is None:
        raise BadInput(f"{snapshot.root} holds no vectors; index it with an encoder")
    index = VectorIndex.open(snapshot.vectors, manifest.vectors)
    return index.vectors(np.arange(index.count, dtype=np.int32)), manifest.encoder


def _link(source: SnapshotLayout, target: SnapshotLayout) -> None:
    left_out = shutil.ignore_patterns(source.words.name, source.manifest.name)
    shutil.copytree(source.root, target.root, ignore=left_out, copy_function=_linked)
    shutil.copy(source.manifest, target.manifest)


def _linked(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy(source, target)


def _load(snapshot: SnapshotLayout, version: str, settings: Settings, progress: Progress) -> None:
    weights = read_manifest(snapshot.root).weights
    count = len(DocumentStore(snapshot.documents))
    vectors = vectors_of(snapshot)[0] if settings.server.dense == "server" else None
    writer, ids = ServerWordsWriter(settings, version, weights, vectors=vectors), IdsWriter()
    try:
        for number, product in enumerate(products(snapshot), 1):
            writer.add(product, index_fields(product, weights), product_measures(product))
            ids.add(product.id)
            if number % _REPORT_EVERY == 0:
                progress("words", number, count)
        writer.finish()
    except BaseException:
        writer.abort()
        raise
    progress("words", count, count)
    ids.finish(snapshot.ids, version)


def _seal(snapshot: SnapshotLayout, engine: str) -> None:
    """A manifest of the parts that there are now; those of `ids` alone have to be read."""
    manifest = read_manifest(snapshot.root)
    parts = {
        name: part
        for name, part in manifest.parts.items()
        if not name.startswith(f"{snapshot.words.name}/")
    }
    own = measure_parts(snapshot.ids)
    parts |= {f"{snapshot.ids.name}/{name}": part for name, part in own.items()}
    snapshot.manifest.write_bytes(encode_manifest(replace(manifest, parts=parts, engine=engine)))
