"""Vectors of many documents at once, against FAISS's own decoding of each."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from search.engines.local.dense import VectorIndex, build_vector_index, faiss
from search.engines.local.vector_rows import VectorRows
from search.types import Vectors
from tests.search.engines.shops import unit_vectors


def opened(vectors: Vectors, path: Path, exact_below: int) -> VectorIndex:
    report = build_vector_index(
        vectors, path, exact_below=exact_below, recall_target=0.9, threads=1
    )
    return VectorIndex.open(path, asdict(report))


@pytest.mark.parametrize("exact_below", [50_000, 100], ids=["exact", "inverted file"])
def test_vectors_are_what_the_index_decodes(tmp_path: Path, exact_below: int) -> None:
    vectors = unit_vectors(3000, 24)
    vectors[5, 3], vectors[6, 4] = 1e-7, 0.0  # half precision holds the first as a denormal number
    index = opened(vectors, tmp_path / "v", exact_below)
    ordinals = np.random.default_rng(1).permutation(3000).astype(np.int32)
    found = index.vectors(ordinals)
    assert found == pytest.approx(np.stack([index.vector(o) for o in ordinals]), abs=1e-6)
    assert found == pytest.approx(vectors[ordinals], abs=0.02)
    assert np.array_equal(
        index.vectors(np.array([7, 7], np.int32))[0],
        index.vectors(ordinals)[np.flatnonzero(ordinals == 7)[0]],
    )


def test_half_precision_loses_nothing(tmp_path: Path) -> None:
    halves = np.random.default_rng(2).integers(0, 0x7C00, 4000).astype(np.uint16).view(np.float16)
    vectors = np.concatenate([halves, -halves]).reshape(-1, 8).astype(np.float32)
    index = opened(vectors, tmp_path / "v", 50_000)
    assert np.array_equal(index.vectors(np.arange(len(vectors), dtype=np.int32)), vectors)


def test_an_inverted_file_without_residuals_is_read_too() -> None:
    vectors = unit_vectors(2000, 16)
    index = faiss.index_factory(16, "IVF8,SQ8", faiss.METRIC_INNER_PRODUCT)
    index.by_residual = False
    index.train(vectors)
    index.add(vectors)
    index.make_direct_map()
    ordinals = np.arange(2000, dtype=np.int32)
    expected = index.reconstruct_batch(ordinals.astype(np.int64))
    assert VectorRows(index).of(ordinals) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("exact_below", [50_000, 100])
def test_an_ordinal_beyond_the_index_is_an_error(tmp_path: Path, exact_below: int) -> None:
    index = opened(unit_vectors(500), tmp_path / "v", exact_below)
    for wrong in (-1, 500):
        with pytest.raises(IndexError, match="below 500"):
            index.vectors(np.array([0, wrong], np.int32))
    assert index.vectors(np.empty(0, np.int32)).shape == (0, 8)


def test_an_empty_index_has_no_vectors(tmp_path: Path) -> None:
    index = opened(np.empty((0, 8), np.float32), tmp_path / "v", 50_000)
    assert index.vectors(np.empty(0, np.int32)).shape == (0, 8)
