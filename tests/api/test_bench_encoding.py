"""`aisle bench encoding`: our own kernel beside ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.bench import encoding
from api.bench.encoding import LENGTHS, encoding_table, measure_encoding
from search.encoder import OnnxEncoder
from search.errors import BadInput
from search.transformer import runs_here


@pytest.mark.skipif(not runs_here(), reason="this processor has none of the kernel's instructions")
def test_both_give_the_same_vectors(encoder_data: Path, encoder: OnnxEncoder) -> None:
    found = measure_encoding(encoder_data, rounds=5)
    assert len(found["cases"]) == len(LENGTHS) + 1
    assert all(case["cosine"] > 0.999 for case in found["cases"])
    assert all(case["ratio"] > 0 for case in found["cases"])
    assert "20 pairs of 25 tokens" in encoding_table(found)


def test_without_a_kernel_there_is_nothing_to_compare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "layouts_here", list)
    with pytest.raises(BadInput, match="AVX2"):
        measure_encoding(tmp_path)
