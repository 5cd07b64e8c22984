"""Encodes a catalogue's texts with the model itself, in torch: where there is a GPU, far faster
than the ONNX export on the CPU. Queries never come here."""

from __future__ import annotations

import ctypes
import importlib.util
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from indexer.encoder_export import load_transformer, packaged_files
from search.errors import BadInput, EncoderUnavailable
from search.seams import Encoder
from search.types import Vectors
from search.wordpieces import printable

CUDA_DRIVER = "libcuda.so.1"
BATCH = {"cuda": 512, "cpu": 32}
"""Texts at once, by device; none is longer than 128 tokens, so a GPU of 4 GB suffices."""


class TorchEncoder:
    """The model that `export` was made from, on the first GPU, or without one on the CPU.

    Its vectors stand for the export's, and it bears the export's name: between the two the cosine
    is about .9995 (see docs/meaning.md). The model is loaded at the first text.
    """

    def __init__(self, model: str, export: Encoder, source: Path | None = None) -> None:
        """Finds the weights of `model`, one of `indexer.encoder_export.MODELS`; those of any other
        are the files in `source`.

        Raises:
            EncoderUnavailable: torch or the weights are not installed, or not the published ones.
        """
        self._source = source or packaged_files(model)
        if importlib.util.find_spec("sentence_transformers") is None:
            raise EncoderUnavailable(
                "sentence-transformers is not installed; install the `index` extra, "
                'or set meaning.encode_with to "onnx"'
            )
        self.name = export.name
        self.dimensions = export.dimensions
        self._lock = Lock()  # the model's tokenizer keeps state of the batch it is at

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of `texts`, float32, shape (len(texts), dimensions), in their order."""
        if not texts:
            return np.empty((0, self.dimensions), np.float32)
        with self._lock:
            vectors: Vectors = self._transformer.encode(
                [printable(text) for text in texts],
                batch_size=BATCH[self._transformer.device.type],
                normalize_embeddings=True,
                show_progress_bar=False,
            )
        return vectors

    @cached_property
    def _transformer(self) -> Any:
        return load_transformer(self._source, "cuda" if torch_sees_gpu() else "cpu")


def torch_sees_gpu(driver: str = CUDA_DRIVER) -> bool:
    """Whether torch is installed and sees a CUDA device."""
    try:
        ctypes.CDLL(driver)  # importing torch takes seconds: not where the driver is absent
    except OSError:
        return False
    if importlib.util.find_spec("torch") is None:
        return False
    import torch

    return torch.cuda.is_available()


def device_for(wanted: str) -> str:
    """What torch calls the device that is wanted for learning: of "auto", a GPU where there is one.

    Raises:
        EncoderUnavailable: sentence-transformers is not installed.
        BadInput: a GPU is wanted and there is none.
    """
    if importlib.util.find_spec("sentence_transformers") is None:
        raise EncoderUnavailable(
            "sentence-transformers is not installed; install the `index` extra to train encoders"
        )
    if wanted == "cpu" or (wanted == "auto" and not torch_sees_gpu()):
        return "cpu"
    if not torch_sees_gpu():
        raise BadInput(
            "torch sees no CUDA device; leave --device out to run on the CPU", field="device"
        )
    return "cuda"
