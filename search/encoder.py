"""The text encoder at serving time: an ONNX model and its tokenizer, nothing of torch.

`indexer.encoder_export` writes the directory this module reads. The graph takes token ids and
returns unit vectors (mean pooling and L2 normalization are inside it), and its arithmetic treats
each text on its own: a text's vector does not depend on what it is batched with. It is computed by
our own kernel where the processor allows it (`search.transformer`), else by ONNX Runtime.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import orjson
from numpy.typing import NDArray

from search.errors import EncoderUnavailable
from search.transformer import runs_here
from search.types import Vectors
from search.wordpieces import WordPieces

if TYPE_CHECKING:
    from search.transformer.network import Network

MANIFEST = "encoder.json"
MODEL = "model.onnx"
TOKENIZER = "tokenizer.json"
BATCH_TOKENS = 2048
"""Token slots (padding included) given to the model at once; larger batches gain nothing on a CPU
and cost memory."""

Tokens = Sequence[Sequence[int]]
"""The numbers of texts' tokens."""


class OnnxEncoder:
    """Encodes texts with an exported model. Safe to call from several threads at once.

    Texts longer than the model's `max_tokens` are cut. `name` is the directory's name and ends in
    a hash of its files.
    """

    def __init__(self, directory: Path, threads: int = 1) -> None:
        """Opens `directory` and checks its files against their recorded SHA-256.

        Raises:
            EncoderUnavailable: a file is missing, altered, or not a model this machine can run.
        """
        manifest = read_manifest(directory)
        self.directory = directory
        self.name: str = directory.name
        self.dimensions: int = manifest["dimensions"]
        try:
            self._pieces = WordPieces(directory / TOKENIZER, manifest["max_tokens"])
            self._vectors_of = open_model(directory / MODEL, self.dimensions, threads)
        except Exception as error:  # both libraries raise bare exceptions of their own
            raise EncoderUnavailable(
                f"the text encoder in {directory} cannot be loaded ({error}); "
                "remove the directory and run `aisle index` again"
            ) from error

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of `texts`, float32, shape (len(texts), dimensions), in their order."""
        return self._vectors_of([self._pieces.tokens(text) for text in texts])


def open_encoder(data: Path, name: str, threads: int = 1) -> OnnxEncoder:
    """Opens the encoder a snapshot's manifest names, from `data`/encoders/`name`.

    Raises:
        EncoderUnavailable: there is no such encoder, or it is not sound.
    """
    return OnnxEncoder(data / "encoders" / name, threads)


def read_manifest(directory: Path, remedy: str = "", kind: str = "text encoder") -> dict[str, Any]:
    """The encoder's manifest, after checking every file it names. `remedy` is what helps where that
    is not to index again, `kind` what the directory should hold.

    Raises:
        EncoderUnavailable: a file is missing or altered; the message names it.
    """
    try:
        manifest: dict[str, Any] = orjson.loads((directory / MANIFEST).read_bytes())
        for file, expected in manifest["sha256"].items():
            if sha256(directory / file) != expected:
                raise EncoderUnavailable(
                    f"{directory / file} was altered (its SHA-256 is not the one in {MANIFEST}); "
                    + (remedy or "run `aisle index` again: it exports the encoder anew")
                )
        return manifest
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise EncoderUnavailable(
            f"no usable {kind} in {directory} ({_wrong(directory, error)}); "
            + (remedy or "run `aisle index` with the `index` extra installed to export it")
        ) from error


def _wrong(directory: Path, error: Exception) -> str:
    """What is wrong with a directory, in words."""
    match error:
        case FileNotFoundError():
            here = directory.is_dir()
            return (
                f"{Path(error.filename).name} is missing" if here else "there is no such directory"
            )
        case OSError():
            return f"{error.filename}: {error.strerror}"
        case orjson.JSONDecodeError():
            return f"{MANIFEST} is not JSON: {error}"
        case KeyError():
            return f"{MANIFEST} lacks {error}"
    return f"{MANIFEST} has not the form it should"


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_model(
    path: Path, dimensions: int, threads: int, *, kernel: bool = True
) -> Callable[[Tokens], Vectors]:
    """What gives texts' vectors: our own kernel where it can and may, else ONNX Runtime."""
    if kernel and runs_here():
        from search.transformer.network import Network, UnknownGraph

        with suppress(UnknownGraph):
            return partial(_one_by_one, Network(path), dimensions, threads)
    return partial(_in_batches, _open_session(path, threads), dimensions)


def _one_by_one(network: Network, dimensions: int, threads: int, texts: Tokens) -> Vectors:
    vectors = np.empty((len(texts), dimensions), np.float32)
    with ThreadPoolExecutor(threads) if threads > 1 < len(texts) else nullcontext() as pool:
        encoded = (pool.map if pool else map)(network.vector, texts)
        for row, vector in enumerate(encoded):
            vectors[row] = vector
    return vectors


def _in_batches(session: onnxruntime.InferenceSession, dimensions: int, texts: Tokens) -> Vectors:
    vectors = np.empty((len(texts), dimensions), np.float32)
    for rows in _batches([len(ids) for ids in texts]):
        ids, mask = _pad([texts[row] for row in rows])
        vectors[rows] = session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
    return vectors


def _open_session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Spinning threads would take the cores from the other retriever while they wait.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _batches(lengths: Sequence[int]) -> Iterator[NDArray[np.intp]]:
    """Row numbers batch by batch, longest texts first, so that equals share a batch and little
    is padded."""
    order = np.argsort(-np.asarray(lengths, np.intp), kind="stable")
    start = 0
    while start < len(order):
        size = max(1, BATCH_TOKENS // lengths[order[start]])
        yield order[start : start + size]
        start += size


def _pad(tokens: Tokens) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Token ids and attention mask, int64, shape (texts, longest)."""
    ids = np.zeros((len(tokens), max(map(len, tokens))), np.int64)
    mask = np.zeros_like(ids)
    for row, text in enumerate(tokens):
        ids[row, : len(text)] = text
        mask[row, : len(text)] = 1
    return ids, mask
