"""The kernel computes what ONNX Runtime computes from the same file, one text at a time."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import onnx
import orjson
import pytest

from search.encoder import MANIFEST, MODEL, OnnxEncoder, sha256
from search.transformer import runs_here
from search.transformer.graph import read_graph

if not runs_here():
    pytest.skip("this processor lacks AVX-512 VNNI", allow_module_level=True)

from search.transformer.kernels import _gelu, _multiply, _round, _softmax
from search.transformer.layout import BLOCK, LANES, Product, Room, pack
from search.transformer.network import Network, UnknownGraph

TITLE = "Stainless steel electric kettle, 1.7 l, 2200 W, brushed silver, with auto shut-off "
TEXTS = ["", "a", "red kettle", "usb-c to hdmi cable 2m", TITLE, TITLE * 2, TITLE * 20]


@pytest.fixture
def by_runtime(encoder: OnnxEncoder, monkeypatch: pytest.MonkeyPatch) -> OnnxEncoder:
    """The same files by ONNX Runtime, as on other processors."""
    monkeypatch.setattr("search.encoder.runs_here", lambda: False)
    return OnnxEncoder(encoder.directory)


def test_vectors_are_those_of_the_runtime(encoder: OnnxEncoder, by_runtime: OnnxEncoder) -> None:
    """As near as a rounding of sums lets 8-bit arithmetic come: four times nearer than either is
    to the 32-bit model."""
    texts = [*TEXTS, *(" ".join(TITLE.split()[i : i + 3]) for i in range(10))]
    cosine = (encoder.encode(texts) * by_runtime.encode(texts)).sum(axis=1)
    assert cosine.min() > 0.999
    assert cosine.mean() > 0.9998


def test_a_vector_is_the_same_to_the_bit_in_any_company(encoder: OnnxEncoder) -> None:
    together = OnnxEncoder(encoder.directory, threads=2).encode(TEXTS * 3)
    for row, text in enumerate(TEXTS * 3):
        np.testing.assert_array_equal(encoder.encode([text])[0], together[row])


@pytest.mark.parametrize("tokens", [*range(1, 10), 128])
def test_products_are_exact_in_their_integers(tokens: int) -> None:
    rng = np.random.default_rng(tokens)
    inner, columns = 2 * BLOCK, 128
    weights = rng.integers(0, 256, (columns, inner), np.uint8)
    scales = rng.random((columns, 2), np.float32)
    bias = rng.random(columns, np.float32)
    packed, packed_scales = pack(weights, scales)
    product = Product(packed[np.newaxis], packed_scales[np.newaxis], bias[np.newaxis])
    where, rows = _room(tokens, inner), rng.standard_normal((tokens, inner)).astype(np.float32)
    rows[0, :BLOCK] = 0
    _round(rows, where)
    made = np.empty((tokens, columns), np.float32)
    _multiply(inner, product, 0, made, where)

    blocks = rows.reshape(tokens, 2, BLOCK)
    steps = np.abs(blocks).max(axis=2, keepdims=True) / np.float32(127)
    rounded = np.rint(np.divide(blocks, steps, out=np.zeros_like(blocks), where=steps > 0))
    whole = (weights.reshape(columns, 2, BLOCK).astype(np.float64) - 128) * scales[..., np.newaxis]
    expected = np.einsum("tbk,cbk->tc", rounded * steps, whole) + bias
    np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-2)


def test_functions_are_those_of_mathematics() -> None:
    numbers = np.linspace(-9, 9, 4 * BLOCK, dtype=np.float32)
    curved = numbers.reshape(4, BLOCK).copy()
    _gelu(curved)
    errors = np.array([float(x) / 2 * (1 + math.erf(float(x) / math.sqrt(2))) for x in numbers])
    np.testing.assert_allclose(curved.reshape(-1), errors, atol=2e-6)
    shares = numbers.copy()
    _softmax(shares, np.empty(LANES, np.int32))
    powers = np.exp(numbers.astype(np.float64))
    np.testing.assert_allclose(shares, powers / powers.sum(), rtol=2e-6)


def test_a_graph_of_other_parts_is_left_to_the_runtime(
    encoder: OnnxEncoder, tmp_path: Path
) -> None:
    copy = tmp_path / encoder.name
    shutil.copytree(encoder.directory, copy)
    model = onnx.load(str(copy / MODEL))
    gelu = next(node for node in model.graph.node if node.op_type == "BiasGelu")
    gelu.op_type = "FastGelu"
    onnx.save(model, str(copy / MODEL))
    manifest = orjson.loads((copy / MANIFEST).read_bytes())
    manifest["sha256"][MODEL] = sha256(copy / MODEL)
    (copy / MANIFEST).write_bytes(orjson.dumps(manifest))
    with pytest.raises(UnknownGraph, match="other operators"):
        Network(copy / MODEL)
    (kettle,), (known,) = OnnxEncoder(copy).encode(["kettle"]), encoder.encode(["kettle"])
    assert 0.99 < kettle @ known < 0.999999


def test_weights_are_read_as_onnx_reads_them(encoder: OnnxEncoder) -> None:
    graph = read_graph(encoder.directory / MODEL)
    expected = onnx.load(str(encoder.directory / MODEL)).graph
    assert [node.operator for node in graph.nodes] == [node.op_type for node in expected.node]
    for tensor in expected.initializer:
        np.testing.assert_array_equal(
            graph.tensors[tensor.name], onnx.numpy_helper.to_array(tensor)
        )


@pytest.mark.parametrize("content", [b"", b"\xff" * 20, b"kettle", b"\x3a\x05\x0a\x7f"])
def test_what_is_no_model_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / MODEL).write_bytes(content)
    with pytest.raises(UnknownGraph, match=r"model\.onnx"):
        Network(tmp_path / MODEL)


def _room(tokens: int, inner: int) -> Room:
    """Room for rounded rows alone."""
    nothing = np.empty((0, 0), np.float32)
    return Room(
        rows=nothing,
        wide=nothing,
        threes=nothing,
        scores=nothing,
        keys=nothing,
        powers=np.empty(0, np.int32),
        bytes=np.empty(tokens * inner, np.int8),
        steps=np.empty(tokens * inner // BLOCK, np.float32),
        corrections=np.empty(tokens * inner // BLOCK, np.int32),
    )
