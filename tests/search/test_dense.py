"""The vector index against brute force: exact when small, at its stated recall when large."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search.engines.local.dense import (
    VectorIndex,
    VectorIndexReport,
    build_vector_index,
    from_gpus,
    to_gpus,
)
from search.errors import IndexCorrupt, StorageFailed
from search.types import Mask, Vector, Vectors


def unit(vectors: np.ndarray[Any, Any]) -> Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def clustered(count: int, dimensions: int, seed: int) -> Vectors:
    """Vectors around centers, as products lie around their categories."""
    rng = np.random.default_rng(seed)
    centers = rng.standard_normal((max(1, count // 100), dimensions))
    spread = rng.standard_normal((count, dimensions))
    return unit(centers[rng.integers(len(centers), size=count)] + 0.6 * spread)


def build(
    vectors: Vectors, path: Path, exact_below: int = 50_000, **options: Any
) -> tuple[VectorIndex, VectorIndexReport]:
    report = build_vector_index(
        vectors, path, exact_below=exact_below, recall_target=0.95, threads=1, **options
    )
    return VectorIndex.open(path, asdict(report)), report


def recall(
    index: VectorIndex, vectors: Vectors, query: Vector, limit: int, mask: Mask | None
) -> float:
    scores = vectors @ query if mask is None else np.where(mask, vectors @ query, -2)
    limit = min(limit, len(vectors) if mask is None else int(mask.sum()))
    floor = np.sort(scores)[-limit]
    found = index.search(query, limit, mask)
    return float(np.mean(scores[found.ordinals] >= floor - 1e-6) * len(found) / limit)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[VectorIndex, VectorIndexReport]:
    return build(LARGE, tmp_path_factory.mktemp("dense") / "large.faiss", exact_below=1000)


LARGE = clustered(20_000, 48, seed=1)


def test_a_small_index_gives_what_brute_force_gives(tmp_path: Path) -> None:
    vectors = clustered(800, 32, seed=2).astype(np.float16).astype(np.float32)
    index, report = build(vectors, tmp_path / "small.faiss")
    assert (report.kind, report.recall_at_300) == ("exact", 1.0)
    for query in clustered(20, 32, seed=3):
        scores = vectors @ query
        found = index.search(query, 50)
        assert found.ordinals.dtype == np.int32
        assert found.ordinals.tolist() == np.lexsort((np.arange(800), -scores))[:50].tolist()
        np.testing.assert_allclose(found.scores, scores[found.ordinals], atol=1e-5)


def test_equal_products_come_in_the_order_of_their_ordinals(tmp_path: Path) -> None:
    vectors: Vectors = np.repeat(clustered(5, 16, seed=4), 6, axis=0)
    index, _ = build(vectors, tmp_path / "ties.faiss")
    assert index.search(vectors[12], 6).ordinals.tolist() == [12, 13, 14, 15, 16, 17]


def test_a_large_index_reaches_the_recall_it_states(
    large: tuple[VectorIndex, VectorIndexReport],
) -> None:
    index, report = large
    assert report.kind == "inverted_file"
    assert report.recall_at_300 >= 0.95
    queries = clustered(20_050, 48, seed=1)[20_000:]
    measured = np.mean([recall(index, LARGE, query, 300, None) for query in queries])
    assert measured >= 0.93


@pytest.mark.parametrize("share", [0.5, 0.1, 0.01, 0.001])
def test_filters_do_not_cost_recall(
    large: tuple[VectorIndex, VectorIndexReport], share: float
) -> None:
    mask = np.random.default_rng(7).random(len(LARGE)) < share
    found = [recall(large[0], LARGE, query, 300, mask) for query in LARGE[:40]]
    assert np.mean(found) >= 0.95


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_only_allowed_documents_are_found_once_and_best_first(
    large: tuple[VectorIndex, VectorIndexReport], data: st.DataObject
) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    mask = rng.random(len(LARGE)) < data.draw(st.sampled_from([0, 0.0002, 0.05, 0.3, 0.9, 1.1]))
    limit = data.draw(st.integers(0, 400))
    found = large[0].search(LARGE[data.draw(st.integers(0, 19_999))], limit, mask)
    assert mask[found.ordinals].all()
    assert len(set(found.ordinals.tolist())) == len(found)
    assert (np.diff(found.scores) <= 0).all()
    if mask.sum() <= 2000:
        assert len(found) == min(limit, mask.sum())


@pytest.mark.parametrize("exact_below", [100_000, 1000])
def test_a_stored_vector_is_near_what_was_given(tmp_path: Path, exact_below: int) -> None:
    vectors = clustered(4000, 32, seed=8)
    index, _ = build(vectors, tmp_path / "index.faiss", exact_below=exact_below)
    for ordinal in (0, 17, 3999):
        assert index.vector(ordinal) @ vectors[ordinal] > 0.995


def test_effort_is_tuned_on_the_queries_given(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    centers = np.repeat(rng.standard_normal((5, 32)), 400, axis=0)
    crowds = unit(centers + 0.2 * rng.standard_normal(centers.shape))
    vectors: Vectors = np.concatenate((crowds, unit(rng.standard_normal((2000, 32)))))
    efforts = [
        build(vectors, tmp_path / "index.faiss", exact_below=1000, queries=queries)[1].nprobe
        for queries in (crowds[::10], unit(rng.standard_normal((200, 32))))
    ]
    assert efforts[0] < efforts[1]


@pytest.mark.parametrize("count", [0, 1, 7])
def test_the_smallest_catalogues_can_be_searched(tmp_path: Path, count: int) -> None:
    vectors = clustered(7, 16, seed=10)[:count]
    index, report = build(vectors, tmp_path / "tiny.faiss")
    assert report.recall_at_300 == 1.0
    assert len(index.search(clustered(1, 16, seed=11)[0], 10)) == count
    assert len(index.search(clustered(1, 16, seed=11)[0], 10, np.zeros(count, np.bool_))) == 0


def test_progress_counts_every_vector(tmp_path: Path) -> None:
    seen: list[int] = []
    build(LARGE, tmp_path / "p.faiss", progress=seen.append)
    assert seen[-1] == len(LARGE)


def test_a_damaged_or_foreign_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "index.faiss"
    _, report = build(clustered(50, 16, seed=12), path)
    with pytest.raises(IndexCorrupt, match="holds 50 vectors"):
        VectorIndex.open(path, {**asdict(report), "count": 51})
    path.write_bytes(b"not an index")
    with pytest.raises(IndexCorrupt, match=r"index\.faiss cannot be read"):
        VectorIndex.open(path, asdict(report))


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match="absent"):
        build(clustered(5, 16, seed=13), tmp_path / "absent" / "index.faiss")


class GraphicsLibrary:
    """FAISS's GPU functions over an index that only remembers where it is."""

    def __init__(self, gpus: int) -> None:
        self.gpus = gpus

    def get_num_gpus(self) -> int:
        return self.gpus

    def index_cpu_to_all_gpus(self, index: str) -> str:
        return f"{index} on {self.gpus} GPUs"

    def index_gpu_to_cpu(self, index: str) -> str:
        return index.partition(" on ")[0]


@pytest.mark.parametrize(("gpus", "where"), [(0, "index"), (2, "index on 2 GPUs")])
def test_a_build_uses_the_gpus_there_are(gpus: int, where: str) -> None:
    library = GraphicsLibrary(gpus)
    assert to_gpus("index", library) == where
    assert from_gpus(where, library) == "index"
