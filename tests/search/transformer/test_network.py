"""The kernel computes what ONNX Runtime computes from the same file, one text at a time."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import orjson
import pytest
from numpy.typing import NDArray

from search.encoder import MANIFEST, MODEL, OnnxEncoder, sha256
from search.transformer import layouts_here
from search.transformer.graph import read_graph
from search.transformer.layout import BLOCK, LANES, LAYOUTS, Floats, Layout, Product, Room, pack

if not layouts_here():
    pytest.skip("this processor lacks AVX2 and AVX-512 VNNI", allow_module_level=True)

from search.transformer.kernels import _attend, _gelu, _multiply, _round, _softmax
from search.transformer.network import Network, UnknownGraph

TITLE = "Stainless steel electric kettle, 1.7 l, 2200 W, brushed silver, with auto shut-off "
TEXTS = ["", "a", "red kettle", "usb-c to hdmi cable 2m", TITLE, TITLE * 2, TITLE * 20]
in_every_layout = pytest.mark.parametrize(
    "layout",
    [
        pytest.param(
            each,
            id=each.name,
            marks=pytest.mark.skipif(
                each not in layouts_here(), reason=f"this processor lacks {each.name}"
            ),
        )
        for each in LAYOUTS
    ],
)
COMPILE_ALL = """
from search.transformer import layouts_here
from search.transformer.kernels import compiled
for layout in layouts_here():
    kernel = compiled(layout)
    code = "".join(kernel.inspect_asm().values())
    read = sum(kernel.stats.cache_hits.values())
    print(layout.name, "vpdpbusd" in code, "vpmaddwd" in code, read)
"""


@pytest.fixture
def kernel(encoder: OnnxEncoder, layout: Layout, monkeypatch: pytest.MonkeyPatch) -> OnnxEncoder:
    """The encoder as a processor computes it whose fastest layout is this."""
    monkeypatch.setattr("search.transformer.network.layouts_here", lambda: [layout])
    return OnnxEncoder(encoder.directory)


@pytest.fixture
def by_runtime(encoder: OnnxEncoder, monkeypatch: pytest.MonkeyPatch) -> OnnxEncoder:
    """The same files by ONNX Runtime, as on other processors."""
    monkeypatch.setattr("search.encoder.runs_here", lambda: False)
    return OnnxEncoder(encoder.directory)


@in_every_layout
def test_vectors_are_those_of_the_runtime(kernel: OnnxEncoder, by_runtime: OnnxEncoder) -> None:
    """As near as a rounding of sums lets 8-bit arithmetic come: four times nearer than either is
    to the 32-bit model."""
    texts = [*TEXTS, *(" ".join(TITLE.split()[i : i + 3]) for i in range(10))]
    cosine = (kernel.encode(texts) * by_runtime.encode(texts)).sum(axis=1)
    assert cosine.min() > 0.999
    assert cosine.mean() > 0.9998


@in_every_layout
def test_a_vector_is_the_same_to_the_bit_in_any_company(kernel: OnnxEncoder) -> None:
    together = OnnxEncoder(kernel.directory, threads=2).encode(TEXTS * 3)
    for row, text in enumerate(TEXTS * 3):
        np.testing.assert_array_equal(kernel.encode([text])[0], together[row])


@in_every_layout
@pytest.mark.parametrize("tokens", [*range(1, 10), 128])
def test_products_are_exact_in_their_integers(layout: Layout, tokens: int) -> None:
    rng = np.random.default_rng(tokens)
    inner, columns = 2 * BLOCK, 128
    weights = rng.integers(0, 256, (columns, inner), np.uint8)
    scales = rng.random((columns, 2), np.float32)
    bias = rng.random(columns, np.float32)
    rows = rng.standard_normal((tokens, inner)).astype(np.float32)
    rows[0, :BLOCK] = 0
    made, _ = _product(rows, weights, scales, bias, layout)

    blocks = rows.reshape(tokens, 2, BLOCK)
    steps = np.abs(blocks).max(axis=2, keepdims=True) / np.float32(127)
    rounded = np.rint(np.divide(blocks, steps, out=np.zeros_like(blocks), where=steps > 0))
    whole = (weights.reshape(columns, 2, BLOCK).astype(np.float64) - 128) * scales[..., np.newaxis]
    expected = np.einsum("tbk,cbk->tc", rounded * steps, whole) + bias
    np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-2)


@in_every_layout
@pytest.mark.parametrize("tokens", [1, 2, 3, 5, 8])
def test_products_are_the_same_to_the_bit_in_every_layout(layout: Layout, tokens: int) -> None:
    """Blocks added up in their order, each rounded once: so vectors of one processor stand for
    those of another. Weights and numbers are the largest there are."""
    rng = np.random.default_rng(tokens)
    blocks, columns = 3, 64
    weights = rng.choice(np.array([0, 1, 254, 255], np.uint8), (columns, blocks * BLOCK))
    scales = rng.random((columns, blocks), np.float32)
    bias = rng.random(columns, np.float32)
    rows = rng.choice(np.array([-1, 1, 0.99], np.float32), (tokens, blocks * BLOCK))
    made, where = _product(rows, weights, scales, bias, layout)

    largest = np.abs(rows).reshape(tokens, blocks, BLOCK).max(axis=2)
    rounded = np.rint(rows.reshape(tokens, blocks, BLOCK) * (127 / largest)[..., np.newaxis])
    np.testing.assert_array_equal(where.rounded, rounded.reshape(-1))
    whole = weights.reshape(columns, blocks, BLOCK).astype(np.int64) - 128
    expected = np.broadcast_to(bias, (tokens, columns))
    for block in range(blocks):
        dots = rounded[:, block].astype(np.int64) @ whole[:, block].T
        steps = (largest[:, block] / np.float32(127))[:, np.newaxis] * scales[:, block]
        expected = (dots * steps.astype(np.float64) + expected).astype(np.float32)
    np.testing.assert_array_equal(made, expected)


@pytest.mark.slow
def test_kernels_of_all_layouts_are_compiled_and_kept_apart(tmp_path: Path) -> None:
    """For a processor that has everything, whatever there is here: they are not run."""
    processor = {
        "NUMBA_CPU_NAME": "cascadelake",
        "NUMBA_CPU_FEATURES": ",".join(sorted(set().union(*(each.needs for each in LAYOUTS)))),
        "NUMBA_CACHE_DIR": str(tmp_path),
    }
    run = [sys.executable, "-W", "ignore", "-c", COMPILE_ALL]
    compiled, kept = (
        subprocess.run(
            run, env=os.environ | processor, capture_output=True, text=True, check=True
        ).stdout.splitlines()
        for _ in range(2)
    )
    assert compiled == ["AVX-512 VNNI True False 0", "AVX2 False True 0"]
    assert [each.split()[-1] for each in kept] == ["1", "1"]


@in_every_layout
@pytest.mark.parametrize("tokens", [*range(1, 10), 40])
def test_attention_is_that_of_mathematics(layout: Layout, tokens: int) -> None:
    heads, size, lanes = 3, 2 * LANES, -tokens % LANES + tokens
    width = heads * size
    threes = np.random.default_rng(tokens).standard_normal((tokens, 3 * width), np.float32)
    where = _room(tokens, BLOCK, layout)._replace(
        threes=threes,
        scores=np.empty((tokens, lanes), np.float32),
        keys=np.zeros((size, lanes), np.float32),
        powers=np.empty(LANES, np.int32),
    )
    made = np.empty((tokens, width), np.float32)
    _attend(heads, made, where)

    parts = threes.astype(np.float64).reshape(tokens, 3, heads, size)
    queries, keys, values = (parts[:, each] for each in range(3))
    powers = np.exp(np.einsum("qhs,khs->hqk", queries, keys) / math.sqrt(size))
    shares = powers / powers.sum(axis=2, keepdims=True)
    expected = np.einsum("hqk,khs->qhs", shares, values).reshape(tokens, width)
    np.testing.assert_allclose(made, expected, atol=2e-5)


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


def _product(
    rows: Floats, weights: NDArray[np.uint8], scales: Floats, bias: Floats, layout: Layout
) -> tuple[Floats, Room]:
    """A product, and where it was made."""
    packed, packed_scales = pack(weights, scales, layout)
    product = Product(packed[np.newaxis], packed_scales[np.newaxis], bias[np.newaxis])
    (tokens, inner), columns = rows.shape, len(bias)
    where, made = _room(tokens, inner, layout), np.empty((tokens, columns), np.float32)
    _round(rows, where)
    _multiply(inner, product, 0, made, where)
    return made, where


def _room(tokens: int, inner: int, layout: Layout) -> Room:
    """Room for rounded rows alone."""
    nothing = np.empty((0, 0), np.float32)
    return Room(
        rows=nothing,
        wide=nothing,
        threes=nothing,
        scores=nothing,
        keys=nothing,
        powers=np.empty(0, np.int32),
        rounded=np.empty(tokens * inner, layout.rounded),
        steps=np.empty(tokens * inner // BLOCK, np.float32),
        corrections=np.empty(tokens * inner // BLOCK, np.int32),
    )
