"""The encoder at serving time: unit vectors, the same whatever else is encoded, without torch."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.encoder import MANIFEST, MODEL, OnnxEncoder, open_encoder
from search.errors import EncoderUnavailable

TEXTS = ["red kettle", "a", "", "Stainless steel electric kettle with 1.7 l " * 3, "kids' bicycle"]

WITHOUT_TORCH = """
import sys
from pathlib import Path
from search.encoder import open_encoder
open_encoder(Path(sys.argv[1]), sys.argv[2]).encode(["kettle"])
print(sorted({"torch", "transformers", "sentence_transformers", "onnx"} & set(sys.modules)))
"""


def test_encoding_a_query_imports_nothing_of_torch(
    encoder_data: Path, encoder: OnnxEncoder
) -> None:
    command = [sys.executable, "-c", WITHOUT_TORCH, str(encoder_data), encoder.name]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "[]\n"


def test_related_texts_are_nearer_than_unrelated_ones(encoder: OnnxEncoder) -> None:
    kettle, teapot, drill = encoder.encode(["electric kettle", "water boiler", "cordless drill"])
    assert kettle @ teapot > kettle @ drill + 0.1


def test_a_text_has_one_vector_whatever_it_is_batched_with(encoder: OnnxEncoder) -> None:
    together = encoder.encode(TEXTS * 20)
    for row, text in enumerate(TEXTS):
        np.testing.assert_allclose(encoder.encode([text])[0], together[row], atol=1e-4)


@settings(max_examples=30)
@given(st.lists(st.text(max_size=300), max_size=4))
def test_any_text_becomes_a_unit_vector(encoder: OnnxEncoder, texts: list[str]) -> None:
    vectors = encoder.encode([*texts, "\ud800", "\x00\n"])
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(texts) + 2, encoder.dimensions)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)


def test_no_texts_give_no_vectors(encoder: OnnxEncoder) -> None:
    assert encoder.encode([]).shape == (0, 384)


def test_a_long_text_is_cut_not_refused(encoder: OnnxEncoder) -> None:
    long = "kettle " * 5000
    cut, longer = encoder.encode([long, long + "drill"])
    np.testing.assert_allclose(cut, longer, atol=1e-4)


def test_threads_do_not_disturb_each_other(encoder: OnnxEncoder) -> None:
    alone = encoder.encode(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        for vectors in pool.map(encoder.encode, [TEXTS] * 24):
            np.testing.assert_array_equal(vectors, alone)


def test_the_products_of_matrices_run_in_integers(encoder: OnnxEncoder) -> None:
    graph = onnx.load(str(encoder.directory / MODEL)).graph
    products = [node for node in graph.node if node.op_type == "MatMulNBits"]
    levels = [{a.name: a.i for a in node.attribute}["accuracy_level"] for node in products]
    assert levels == [4] * 36
    assert not [node for node in graph.node if node.op_type in {"MatMul", "Gemm"}]


def test_an_absent_encoder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EncoderUnavailable, match="aisle index"):
        open_encoder(tmp_path, "all-MiniLM-L6-v2-000000000000")


def test_an_altered_model_is_refused_by_name(encoder: OnnxEncoder, tmp_path: Path) -> None:
    copy = tmp_path / encoder.name
    shutil.copytree(encoder.directory, copy)
    with (copy / MODEL).open("r+b") as file:
        file.seek(1_000_000)
        file.write(b"\x00\x01\x02")
    with pytest.raises(EncoderUnavailable, match=r"model\.onnx was altered"):
        OnnxEncoder(copy)
    (copy / MANIFEST).write_text("{}")
    with pytest.raises(EncoderUnavailable, match="no usable text encoder"):
        OnnxEncoder(copy)


def test_no_telemetry_is_prepared(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("ORT_", "XDG_"))}
    # A build server is recognized by the runtime itself, which would hide a mistake here.
    environment.pop("CI", None)
    subprocess.run(
        [sys.executable, "-c", "import search.encoder"],
        env=environment | {"HOME": str(tmp_path)},
        check=True,
    )
    assert list(tmp_path.iterdir()) == []
