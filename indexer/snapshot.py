"""Writes the parts of one snapshot from products in ordinal order."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from indexer.analysis import index_fields
from indexer.encoding import sample_queries
from indexer.joint import Joint, Stopped
from indexer.measures import product_measures
from indexer.progress import Progress
from indexer.storage import replace_file
from indexer.understanding import UnderstandingLearner
from search.engines.embedded.schema import open_words
from search.engines.local.columns import ColumnStore
from search.engines.local.dense import build_vector_index
from search.engines.local.documents import DocumentStore
from search.engines.local.layout import SnapshotLayout, stamp
from search.engines.local.manifest import Manifest, encode_manifest, measure_parts
from search.engines.local.writer import PartsWriter
from search.engines.server.writer import ServerWordsWriter
from search.errors import IndexCorrupt
from search.settings import Settings
from search.types import Product, Vectors

_REPORT_EVERY = 500
_SAMPLE_QUERIES = 400
_SMALLEST_HEAP, _LARGEST_HEAP = 64_000_000, 4_000_000_000
_HEAP_PER_BYTE = 3
"""Bytes of tantivy's heap per byte of product JSON: enough for one segment."""


class ProductSource(Protocol):
    """Products that can be read several times; their positions become the ordinals."""

    @property
    def count(self) -> int:
        """How many there are."""
        ...

    @property
    def size(self) -> int:
        """About how many bytes they are as JSON."""
        ...

    def products(self) -> Iterator[Product]:
        """All of them, in the same order each time; safe from several threads at once."""
        ...


class Journal(Protocol):
    """What of a snapshot an attempt that died has finished, and what this one finishes."""

    resumed: bool
    """Whether there was such an attempt."""

    def facts(self, stage: str) -> Mapping[str, Any] | None:
        """What a finished stage said; None when it has to be done."""
        ...

    def finished(self, stage: str, facts: Mapping[str, Any], wrote: Sequence[Path]) -> None:
        """Notes, durably, that a stage is done and all that it wrote is there."""
        ...


class NoJournal:
    """Remembers nothing; implements `Journal`."""

    resumed = False

    def facts(self, stage: str) -> None:
        """Nothing is finished."""

    def finished(self, stage: str, facts: Mapping[str, Any], wrote: Sequence[Path]) -> None:
        """Nobody is told."""


PRODUCTS, MEANING = "products", "meaning"
"""The stages that a journal keeps."""


class CatalogueEncoder(Protocol):
    """Gives every product of a catalogue its vector."""

    @property
    def name(self) -> str:
        """The encoder that queries must use, a directory of `DATA/encoders`."""
        ...

    @property
    def dimensions(self) -> int:
        """The length of its vectors."""
        ...

    def encode(
        self, products: Iterable[Product], count: int, out: Path, progress: Progress
    ) -> Vectors:
        """Unit vectors, float32 of shape (count, dimensions), in the products' order. `out` is a
        file it may write them to; the caller removes it."""
        ...

    def encode_queries(self, texts: Sequence[str]) -> Vectors | None:
        """Unit vectors of queries, as searching will encode them; None when that cannot be done
        here."""
        ...


def write_snapshot(
    layout: SnapshotLayout,
    version: str,
    source: ProductSource,
    encoder: CatalogueEncoder | None,
    settings: Settings,
    progress: Progress,
    journal: Journal | None = None,
) -> Manifest:
    """Writes every part and, last, the manifest, into an existing directory. With a `journal`,
    the stages that it knows to be finished are not done again.

    One thread writes words and columns while another encodes, and learns to understand queries
    while the other builds the vector index: of the two, one spends its time outside Python.
    """
    joint, kept = Joint(progress), journal or NoJournal()
    learner = UnderstandingLearner(settings, source.count)
    sample: Future[Vectors | None] = Future()
    with ThreadPoolExecutor(1) as pool:
        making = _Making(layout, version, source, settings, learner, kept)
        meaning = pool.submit(joint.run, _write_meaning, making, encoder, sample)
        with suppress(Stopped):
            joint.run(_write_products, making)
            joint.run(_learn, layout, version, encoder, learner, sample)
        vectors = meaning.result()
    _check(layout, source.count)
    progress("manifest", 0, 1)
    manifest = Manifest(
        version=version,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        counts={"products": source.count},
        weights=settings.index.weights,
        parts=measure_parts(layout.root),
        engine=settings.engine,
        **vectors,
    )
    replace_file(layout.manifest, encode_manifest(manifest))
    progress("manifest", 1, 1)
    return manifest


@dataclass(frozen=True, slots=True)
class _Making:
    """What the stages of one snapshot share."""

    layout: SnapshotLayout
    version: str
    source: ProductSource
    settings: Settings
    learner: UnderstandingLearner
    journal: Journal
    vectors: Future[Vectors | None] = field(default_factory=Future)
    """Of all products, once they are encoded; None without an encoder."""


def _write_products(progress: Progress, making: _Making) -> None:
    source, weights = making.source, making.settings.index.weights
    if making.journal.facts(PRODUCTS) is not None:
        for product in _told(source, progress):
            making.learner.add(product)
        return
    words = _server_words(making)
    heap = min(max(source.size * _HEAP_PER_BYTE, _SMALLEST_HEAP), _LARGEST_HEAP, _memory() // 3)
    writer = PartsWriter(making.layout, making.version, heap_bytes=heap, words=words)
    try:
        progress("words", 0, source.count)
        for product in _told(source, progress):
            writer.add(product, index_fields(product, weights), product_measures(product))
            making.learner.add(product)
        writer.finish()
    except BaseException:
        writer.abort()
        raise
    progress("words", source.count, source.count)
    spared = {} if words is None else {"spared": words.spared}
    wrote = [part for part in making.layout.parts if part != making.layout.meaning]
    making.journal.finished(PRODUCTS, {"count": source.count, **spared}, wrote)


def _server_words(making: _Making) -> ServerWordsWriter | None:
    settings = making.settings
    if settings.engine == "embedded":
        return None
    return ServerWordsWriter(
        settings,
        making.version,
        settings.index.weights,
        resume=making.journal.resumed,
        vectors=making.vectors.result() if settings.server.dense == "server" else None,
    )


def _told(source: ProductSource, progress: Progress) -> Iterator[Product]:
    """The products, with a report now and then."""
    for i, product in enumerate(source.products(), 1):
        yield product
        if i % _REPORT_EVERY == 0:
            progress("words", i, source.count)


def _check(layout: SnapshotLayout, count: int) -> None:
    """A last look before anything is published: every part opens and has as many products."""
    counts = {
        layout.documents: len(DocumentStore(layout.documents)),
        layout.columns: len(ColumnStore(layout.columns)),
    }
    if layout.words.is_dir():  # on a server, its writer has counted them
        counts[layout.words] = open_words(layout.words).searcher().num_docs
    for part, found in counts.items():
        if found != count:
            raise IndexCorrupt(f"{part} was written with {found} products instead of {count}")


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _write_meaning(
    progress: Progress,
    making: _Making,
    encoder: CatalogueEncoder | None,
    sample: Future[Vectors | None],
) -> dict[str, Any]:
    """Encodes the products and builds the vector index; what the manifest says about it. In
    between, `sample` is given the vectors that understanding is learned from."""
    if encoder is None:
        making.vectors.set_result(None)
        sample.set_result(None)
        return {}
    layout, source, settings = making.layout, making.source, making.settings
    known, scratch = making.journal.facts(MEANING), vectors_file(layout)
    if known is not None and scratch.is_file():
        encoded: Vectors = np.load(scratch, mmap_mode="r")
        making.vectors.set_result(encoded)
        sample.set_result(making.learner.sample_rows(encoded))
        return dict(known)
    try:
        vectors, queries = _encoded(progress, layout, source, encoder, settings)
        making.vectors.set_result(vectors)
        sample.set_result(making.learner.sample_rows(vectors))
    except BaseException:
        for waited in (making.vectors, sample):
            if not waited.done():
                waited.set_exception(Stopped())
        raise
    progress("vectors", 0, source.count)
    layout.meaning.mkdir()
    report = build_vector_index(
        vectors,
        layout.vectors,
        exact_below=settings.meaning.exact_below,
        recall_target=settings.meaning.recall_target,
        threads=settings.threads,
        queries=queries,
        progress=lambda done: progress("vectors", done, source.count),
    )
    stamp(layout.meaning, making.version)
    made = {
        "encoder": encoder.name,
        "dimensions": encoder.dimensions,
        "vectors": asdict(report),
    }
    making.journal.finished(MEANING, made, [layout.meaning, vectors_file(layout)])
    return made


def vectors_file(layout: SnapshotLayout) -> Path:
    """Where the vectors of all products are while a snapshot is made."""
    return layout.root.with_suffix(".vectors.npy")


def _encoded(
    progress: Progress,
    layout: SnapshotLayout,
    source: ProductSource,
    encoder: CatalogueEncoder,
    settings: Settings,
) -> tuple[Vectors, Vectors | None]:
    """The vectors of all products, and where the index is tuned, those of what may be asked."""
    vectors = np.empty((0, encoder.dimensions), np.float32)
    if source.count:
        vectors = encoder.encode(source.products(), source.count, vectors_file(layout), progress)
    if source.count <= settings.meaning.exact_below:
        return vectors, None
    return vectors, encoder.encode_queries(_sample_queries(source))


def _learn(
    progress: Progress,
    layout: SnapshotLayout,
    version: str,
    encoder: CatalogueEncoder | None,
    learner: UnderstandingLearner,
    sample: Future[Vectors | None],
) -> None:
    """Waits for the vectors of the sample, then learns to understand queries."""
    encode = encoder.encode_queries if encoder is not None else _no_vectors
    learner.write(layout, version, sample.result(), encode, progress)


def _no_vectors(texts: Sequence[str]) -> Vectors | None:
    return None


def _sample_queries(source: ProductSource) -> list[str]:
    """Stand-ins for what shoppers will ask: a few words of titles spread over the catalogue."""
    step = max(1, source.count // _SAMPLE_QUERIES)
    titles = (product.title for product in islice(source.products(), 0, None, step))
    return list(sample_queries(titles, _SAMPLE_QUERIES))


def measured_recall(manifest: Manifest) -> float | None:
    """The vector index's recall@300 as its build measured it, None without vectors."""
    recall = (manifest.vectors or {}).get("recall_at_300")
    return recall if isinstance(recall, float) else None
