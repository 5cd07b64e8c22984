"""The vector index: FAISS, memory-mapped.

Small catalogues are searched exactly, over 16-bit floats (the encoder's vectors are rounded to
them, so nothing is lost). Larger ones get an inverted file (Jégou et al., "Product Quantization for
Nearest Neighbor Search", 2011, without the product quantizer): k-means cells, vectors in them as
one byte per dimension, and `nprobe` of the cells searched per query. The build tunes `nprobe` to a
recall target on one half of the held-out queries and reports the recall measured on the other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import faiss as _faiss
import numpy as np
from numpy.typing import NDArray

from search.errors import IndexCorrupt, StorageFailed
from search.ordering import best_first
from search.types import Mask, Ordinals, Ranking, Vector, Vectors

if TYPE_CHECKING:
    from search.engines.local.vector_rows import VectorRows

faiss: Any = _faiss
"""Untyped: the library's stubs lack the keyword arguments its Python layer adds."""

Progress = Callable[[int], None]
"""Called with the number of vectors indexed so far."""

DEPTH = 300
"""How deep recall is measured: as many candidates as the dense retriever gives."""
CHUNK = 65_536
"""Vectors added at once; bounds the build's memory."""
SAMPLE_PER_CELL = 40
"""Training vectors per k-means cell; FAISS asks for at least 39."""
QUERIES = 400
"""Held-out queries: half tune the search effort, half measure recall."""
MARGIN = 0.01
"""How far above the target the tuning aims, against sampling error."""
EFFORT = (4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048)
"""The values of nprobe the tuning tries, in order."""
FILTER_EXPONENT = 0.6
"""With a fraction f of the documents allowed, nprobe grows by f to the minus this: the nearest
allowed documents lie as far away as the nearest DEPTH / f of all."""
SCORE_ALL = 2_000
"""Up to this many allowed documents each is scored; cells are not consulted."""


@dataclass(frozen=True, slots=True)
class VectorIndexReport:
    """What a build made, for the snapshot's manifest.

    `recall_at_300` is against exact search over all vectors, ties counted as equal, on queries
    that the search effort `nprobe` was not tuned on.
    """

    kind: Literal["exact", "inverted_file"]
    count: int
    dimensions: int
    bytes: int
    cells: int
    nprobe: int
    recall_at_300: float
    build_seconds: float


def build_vector_index(
    vectors: Vectors,
    path: Path,
    *,
    exact_below: int,
    recall_target: float,
    threads: int,
    queries: Vectors | None = None,
    progress: Progress | None = None,
) -> VectorIndexReport:
    """Builds the index of `vectors` (unit length, float32, shape (n, dimensions), may be a memmap;
    row = ordinal) and writes it to `path`.

    Exact up to `exact_below` vectors, an inverted file beyond. Recall is tuned and measured on
    held-out queries: half of them `queries`, vectors of what may be asked, half perturbed
    documents, which are all there is without `queries`.

    Raises:
        StorageFailed: the disk refused.
    """
    started = time.monotonic()
    faiss.omp_set_num_threads(threads)
    exact = len(vectors) <= exact_below
    index = (_exact_index if exact else _inverted_file)(vectors, progress)
    held_out = _held_out(vectors, queries)
    nprobe, recall = _tune(VectorIndex(index), vectors, held_out, recall_target)
    _write(index, path)
    return VectorIndexReport(
        kind="exact" if exact else "inverted_file",
        count=len(vectors),
        dimensions=vectors.shape[1],
        bytes=path.stat().st_size,
        cells=0 if exact else index.nlist,
        nprobe=nprobe,
        recall_at_300=round(recall, 4),
        build_seconds=round(time.monotonic() - started, 3),
    )


class VectorIndex:
    """A built index, searched. Safe to search from several threads at once."""

    def __init__(self, index: Any, nprobe: int = 0) -> None:
        self._index = index
        self.nprobe = nprobe
        self.count: int = index.ntotal
        self._cells: int = getattr(index, "nlist", 0)

    @staticmethod
    def open(path: Path, report: Mapping[str, Any]) -> VectorIndex:
        """Maps the index at `path` into memory; `report` is its `VectorIndexReport` as a mapping.

        Raises:
            IndexCorrupt: the file is not the index the report describes.
        """
        try:
            index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:
            raise IndexCorrupt(f"the vector index {path} cannot be read: {error}") from error
        if (index.ntotal, index.d) != (report["count"], report["dimensions"]):
            raise IndexCorrupt(
                f"the vector index {path} holds {index.ntotal} vectors of {index.d} dimensions, "
                f"its manifest says {report['count']} of {report['dimensions']}; index again"
            )
        return VectorIndex(index, int(report["nprobe"]))

    def search(self, vector: Vector, limit: int, mask: Mask | None = None) -> Ranking:
        """The `limit` nearest documents by inner product, ties by ordinal.

        `mask` holds one bool per ordinal, true where the document is allowed; None allows all.
        """
        faiss.omp_set_num_threads(1)  # it holds for the calling thread only
        allowed = self.count if mask is None else int(np.count_nonzero(mask))
        limit = min(limit, allowed)
        if limit == 0:
            return Ranking.empty()
        if mask is not None and self._cells and allowed <= SCORE_ALL:
            return self._score_all(vector, limit, np.flatnonzero(mask))
        bits = None if mask is None or allowed == self.count else _pack(mask)
        parameters = self._parameters(bits, allowed)
        scores, found = self._index.search(vector[np.newaxis], limit, params=parameters)
        kept = np.count_nonzero(found[0] >= 0)  # the others stand behind them
        return best_first(found[0, :kept], scores[0, :kept], limit)

    def vector(self, ordinal: int) -> Vector:
        """The vector of a document as the index holds it, float32, shape (dimensions,)."""
        vector: Vector = self._index.reconstruct(int(ordinal))
        return vector

    def vectors(self, ordinals: Ordinals) -> Vectors:
        """The vectors of documents as the index holds them, float32, shape (n, dimensions)."""
        return self._rows.of(ordinals)

    @cached_property
    def _rows(self) -> VectorRows:
        # Numba takes a second to import: only where vectors are read.
        from search.engines.local.vector_rows import VectorRows

        return VectorRows(self._index)

    def _score_all(self, vector: Vector, limit: int, allowed: NDArray[np.intp]) -> Ranking:
        scores = self._index.reconstruct_batch(allowed.astype(np.int64)) @ vector
        return best_first(allowed.astype(np.int32), scores, limit)

    def _parameters(self, bits: NDArray[np.uint8] | None, allowed: int) -> Any:
        # The parameters object keeps a reference to the selector, the selector one to the bits.
        selector = None if bits is None else faiss.IDSelectorBitmap(bits)
        if not self._cells:
            return faiss.SearchParameters(sel=selector)
        nprobe = self.nprobe * (allowed / self.count) ** -FILTER_EXPONENT
        return faiss.SearchParametersIVF(sel=selector, nprobe=min(round(nprobe), self._cells))


def _pack(mask: Mask) -> NDArray[np.uint8]:
    return np.packbits(mask, bitorder="little")


def _exact_index(vectors: Vectors, progress: Progress | None) -> Any:
    index = faiss.IndexScalarQuantizer(
        vectors.shape[1], faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    _add(index, vectors, progress)
    return index


def cells_for(count: int) -> int:
    """Number of k-means cells: the power of two nearest to 4 · sqrt(count)."""
    return int(2 ** round(np.log2(4 * np.sqrt(count))))


def _inverted_file(vectors: Vectors, progress: Progress | None) -> Any:
    cells = min(cells_for(len(vectors)), len(vectors))
    specification = f"IVF{cells},SQ8"
    plain = faiss.index_factory(vectors.shape[1], specification, faiss.METRIC_INNER_PRODUCT)
    index = to_gpus(plain)
    size = min(len(vectors), SAMPLE_PER_CELL * cells)
    rows = np.sort(np.random.default_rng(0).choice(len(vectors), size, replace=False))
    index.train(np.ascontiguousarray(vectors[rows]))
    _add(index, vectors, progress)
    return from_gpus(index)


def to_gpus(index: Any, library: Any = faiss) -> Any:
    """The index on every GPU there is; without one (or with faiss-cpu), itself."""
    return library.index_cpu_to_all_gpus(index) if library.get_num_gpus() > 0 else index


def from_gpus(index: Any, library: Any = faiss) -> Any:
    """Undoes `to_gpus`: only an index in main memory can be written."""
    return library.index_gpu_to_cpu(index) if library.get_num_gpus() > 0 else index


def _add(index: Any, vectors: Vectors, progress: Progress | None) -> None:
    for start in range(0, len(vectors), CHUNK):
        index.add(np.ascontiguousarray(vectors[start : start + CHUNK]))
        if progress is not None:
            progress(min(start + CHUNK, len(vectors)))


def _held_out(vectors: Vectors, queries: Vectors | None) -> Vectors:
    perturbed = _perturbed(vectors)
    if queries is None:
        return perturbed
    half = QUERIES // 2
    both = np.concatenate((queries[:half], perturbed[:half]))
    return np.ascontiguousarray(both[np.random.default_rng(2).permutation(len(both))])


def _perturbed(vectors: Vectors) -> Vectors:
    """Held-out queries when there are none: random documents, each moved by noise twice as long as
    itself. So moved they are as hard to answer as shoppers' real queries; see docs/meaning.md."""
    rng = np.random.default_rng(1)
    rows = np.sort(rng.choice(len(vectors), min(QUERIES, len(vectors)), replace=False))
    noise = rng.standard_normal((len(rows), vectors.shape[1])).astype(np.float32)
    moved = vectors[rows] + 2 * noise / np.linalg.norm(noise, axis=1, keepdims=True)
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), np.float32)


def _tune(
    index: VectorIndex, vectors: Vectors, queries: Vectors, target: float
) -> tuple[int, float]:
    """The least nprobe that reaches the target on every other query, and the recall it gives on
    the rest."""
    if len(queries) == 0:
        return 0, 1.0
    depth = min(DEPTH, len(vectors))
    floors = _nth_best(vectors, queries, depth)
    efforts = [effort for effort in EFFORT if effort <= index._cells] or [0]
    for index.nprobe in efforts:
        if _recall(index, vectors, queries[::2], floors[::2], depth) >= min(target + MARGIN, 1.0):
            break
    rest = slice(1, None, 2) if len(queries) > 1 else slice(None)
    return index.nprobe, _recall(index, vectors, queries[rest], floors[rest], depth)


def _nth_best(vectors: Vectors, queries: Vectors, depth: int) -> NDArray[np.float32]:
    """Each query's exact score at rank `depth`, over all vectors, chunk by chunk."""
    best = np.empty((len(queries), 0), np.float32)
    for start in range(0, len(vectors), CHUNK):
        scores = queries @ vectors[start : start + CHUNK].T
        best = np.concatenate((best, scores), axis=1)
        if best.shape[1] > depth:
            best = -np.partition(-best, depth - 1, axis=1)[:, :depth]
    return np.asarray(best.min(axis=1), np.float32)


def _recall(
    index: VectorIndex,
    vectors: Vectors,
    queries: Vectors,
    floors: NDArray[np.float32],
    depth: int,
) -> float:
    """Share of the exact best `depth` that the index finds, by true score: of two documents with
    equal scores either will do."""
    found = 0
    for query, floor in zip(queries, floors, strict=True):
        ordinals: Ordinals = index.search(query, depth).ordinals
        found += int(np.count_nonzero(vectors[np.sort(ordinals)] @ query >= floor - 1e-6))
    return found / (len(queries) * depth)


def _write(index: Any, path: Path) -> None:
    if hasattr(index, "nlist"):
        index.make_direct_map()  # ordinal to place in its cell, for reconstruction
    try:
        faiss.write_index(index, str(path))
    except RuntimeError as error:
        raise StorageFailed(f"cannot write the vector index {path}: {error}") from error
