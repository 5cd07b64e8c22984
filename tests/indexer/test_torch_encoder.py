"""Torch encodes a catalogue as the ONNX export would, and is chosen by the settings."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from indexer import catalogue_encoder as module
from indexer import encoder_export
from indexer.catalogue_encoder import CachedCatalogueEncoder, catalogue_encoder
from indexer.encoder_export import PackagedModel
from indexer.progress import silent
from indexer.torch_encoder import TorchEncoder, torch_sees_gpu
from search.encoder import OnnxEncoder
from search.errors import EncoderUnavailable
from search.settings import MeaningSettings, Settings
from search.types import Product, Vectors

MODEL = "all-MiniLM-L6-v2"
TEXTS = ["red kettle", "kids' bicycle, 16 inch", "Stainless steel kettle, 1.7 l " * 40]
ODD_TEXTS = ["", "\ud800"]
PRODUCTS = [Product(id=str(row), title=f"garden chair number {row}") for row in range(20)]

LIGHT = """
import sys
from indexer.torch_encoder import torch_sees_gpu
torch_sees_gpu("no-such-driver.so")
print("torch" in sys.modules)
"""


class Counting:
    """Encodes with another encoder, and counts the texts."""

    def __init__(self, encoder: OnnxEncoder) -> None:
        self._encoder = encoder
        self.name, self.dimensions = encoder.name, encoder.dimensions
        self.encoded = 0

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.encoded += len(texts)
        return self._encoder.encode(texts)


def meaning(data: Path, encode_with: str) -> Settings:
    chosen = MeaningSettings.model_validate({"encode_with": encode_with})
    return Settings(data=data, threads=1, meaning=chosen)


@pytest.mark.slow
def test_torch_and_the_export_give_the_same_vectors(encoder: OnnxEncoder) -> None:
    torch_encoder = TorchEncoder(MODEL, encoder)
    assert (torch_encoder.name, torch_encoder.dimensions) == (encoder.name, encoder.dimensions)
    texts = TEXTS + ODD_TEXTS
    vectors = torch_encoder.encode(texts)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(texts), encoder.dimensions)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    cosines = (vectors * encoder.encode(texts)).sum(axis=1)
    assert cosines[: len(TEXTS)].min() > 0.998
    assert cosines.min() > 0.99  # a text of no word is nearly all rounding
    assert torch_encoder.encode([]).shape == (0, encoder.dimensions)


@pytest.mark.slow
def test_what_torch_encoded_the_export_finds_in_the_cache(
    encoder: OnnxEncoder, tmp_path: Path
) -> None:
    cache, count = tmp_path / "cache", len(PRODUCTS)
    with_torch = CachedCatalogueEncoder(TorchEncoder(MODEL, encoder), cache, queries=encoder)
    vectors = np.array(with_torch.encode(PRODUCTS, count, tmp_path / "torch.npy", silent))
    export = Counting(encoder)
    again = CachedCatalogueEncoder(export, cache).encode(
        PRODUCTS, count, tmp_path / "onnx.npy", silent
    )
    assert export.encoded == 0
    np.testing.assert_array_equal(again, vectors)


@pytest.mark.parametrize(
    ("encode_with", "gpu", "through_torch"),
    [
        ("auto", True, True),
        ("auto", False, False),
        ("onnx", True, False),
        ("torch", False, True),
    ],
)
def test_the_settings_choose_and_queries_always_use_the_export(
    encoder_data: Path,
    encoder: OnnxEncoder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    encode_with: str,
    gpu: bool,
    through_torch: bool,
) -> None:
    asked: list[str] = []

    class Recording(TorchEncoder):
        def encode(self, texts: Sequence[str]) -> Vectors:
            asked.extend(texts)
            return encoder.encode(texts)

    monkeypatch.setattr(module, "TorchEncoder", Recording)
    chosen = catalogue_encoder(meaning(encoder_data, encode_with), has_gpu=lambda: gpu)
    assert chosen is not None
    assert chosen.name == encoder.name
    queries = chosen.encode_queries(["kettle"])
    np.testing.assert_array_equal(queries, encoder.encode(["kettle"]))
    assert asked == []
    product = Product(id="1", title=f"kettle of {tmp_path}")  # no earlier run has cached it
    chosen.encode([product], 1, tmp_path / "vectors.npy", silent)
    assert bool(asked) == through_torch


def test_weights_that_are_missing_are_named_before_any_work(
    encoder: OnnxEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = PackagedModel("no_such_package", "model", {"model.safetensors": "0" * 64})
    monkeypatch.setitem(encoder_export.MODELS, "other", absent)
    with pytest.raises(EncoderUnavailable, match="`index` extra"):
        TorchEncoder("other", encoder)


def test_without_a_driver_torch_is_not_even_imported() -> None:
    assert not torch_sees_gpu("no-such-driver.so")
    command = [sys.executable, "-c", LIGHT]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "False\n"
