"""Encoding a catalogue: resumable, cached, and never trusting a damaged cache."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer import encoder_export
from indexer.encoder_export import PackagedModel, ensure_encoder
from indexer.encoding import encode_texts, sample_queries
from search.encoder import MODEL, OnnxEncoder
from search.errors import BadInput, EncoderUnavailable, StorageFailed
from search.types import Vectors

TEXTS = [f"product number {number % 4500} for the garden" for number in range(5000)]


class Counting:
    """A quick encoder that counts the texts it was given: vectors drawn from the text's hash."""

    name = "counting"
    dimensions = 8

    def __init__(self) -> None:
        self.encoded = 0

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.encoded += len(texts)
        draws = [np.random.default_rng(list(t.encode())).standard_normal(8) for t in texts]
        vectors = np.array(draws).reshape(-1, 8)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def encode(texts: list[str], folder: Path, **options: Any) -> tuple[Vectors, int]:
    """The vectors, and how many texts had to be encoded."""
    encoder = Counting()
    vectors = encode_texts(
        iter(texts), len(texts), encoder, folder / "cache", folder / "v.npy", **options
    )
    return np.array(vectors), encoder.encoded


def test_vectors_are_the_encoders_in_the_texts_order(tmp_path: Path) -> None:
    vectors, encoded = encode(TEXTS, tmp_path)
    np.testing.assert_allclose(vectors, Counting().encode(TEXTS), atol=1e-3)
    np.testing.assert_array_equal(np.load(tmp_path / "v.npy"), vectors)
    assert encoded <= 5000


def test_what_is_unchanged_is_not_encoded_again(tmp_path: Path) -> None:
    first, _ = encode(TEXTS, tmp_path)
    again, encoded = encode([*TEXTS[::-1], "new"], tmp_path)
    assert encoded == 1
    np.testing.assert_array_equal(again[:-1], first[::-1])


def test_progress_counts_every_text_cached_or_not(tmp_path: Path) -> None:
    for _ in range(2):
        seen: list[int] = []
        encode(TEXTS, tmp_path, progress=seen.append)
        assert seen == sorted(seen)
        assert seen[-1] == len(TEXTS)


@pytest.mark.parametrize("damage", ["flipped", "cut", "empty"])
def test_a_damaged_chunk_is_encoded_again(tmp_path: Path, damage: str) -> None:
    first, _ = encode(TEXTS, tmp_path)
    chunk = sorted((tmp_path / "cache").glob("*.vectors"))[0]
    content = bytearray(chunk.read_bytes())
    content[len(content) // 2] ^= 1
    damaged = {"flipped": content, "cut": content[:-100], "empty": bytearray()}
    chunk.write_bytes(damaged[damage])
    again, encoded = encode(TEXTS, tmp_path)
    np.testing.assert_array_equal(again, first)
    assert 0 < encoded < len(TEXTS)
    assert encode(TEXTS, tmp_path)[1] == 0


@pytest.mark.parametrize("announced", [4, 6])
def test_a_wrong_count_is_an_error(tmp_path: Path, announced: int) -> None:
    with pytest.raises(ValueError, match="announced"):
        encode_texts(TEXTS[:5], announced, Counting(), tmp_path / "c", tmp_path / "v.npy")


def test_no_texts_give_an_empty_array(tmp_path: Path) -> None:
    assert encode([], tmp_path)[0].shape == (0, 8)


def test_a_full_disk_is_named_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    encoder = Counting()
    with pytest.raises(StorageFailed, match=r"v\.npy.*disk is full"):
        encode_texts(TEXTS, len(TEXTS), encoder, tmp_path / "c", tmp_path / "v.npy")
    assert encoder.encoded == 0


KILLED = """
import sys
from pathlib import Path
from indexer import encoding
from tests.indexer.test_encoding import TEXTS, Counting
folder = Path(sys.argv[1])
encoding.CHUNK = 200
class Slow(Counting):
    def encode(self, texts):
        import time
        time.sleep(0.05)
        return super().encode(texts)
encoding.encode_texts(TEXTS, len(TEXTS), Slow(), folder / "cache", folder / "v.npy")
"""


def test_a_killed_run_resumes_and_gives_the_same_vectors(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)])
    cache = tmp_path / "cache"
    deadline = time.monotonic() + 60
    while len(list(cache.glob("*.vectors"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    vectors, encoded = encode(TEXTS, tmp_path)
    assert 0 < encoded <= 4500 - 3 * 200
    (tmp_path / "whole").mkdir()
    np.testing.assert_array_equal(vectors, encode(TEXTS, tmp_path / "whole")[0])


def test_sampled_queries_are_pieces_of_the_texts() -> None:
    queries = list(sample_queries(["one two three four five six", "single", ""], 3))
    assert len(queries) == 2
    assert 2 <= len(queries[0].split()) <= 4
    assert queries[0] in "one two three four five six"


def test_an_export_is_reused(encoder_data: Path, encoder: OnnxEncoder) -> None:
    before = (encoder.directory / MODEL).stat().st_mtime_ns
    again = ensure_encoder(encoder_data)
    assert again.name == encoder.name
    assert (again.directory / MODEL).stat().st_mtime_ns == before


@pytest.mark.slow
def test_a_damaged_export_is_replaced(encoder: OnnxEncoder, tmp_path: Path) -> None:
    broken = tmp_path / "encoders" / encoder.name
    shutil.copytree(encoder.directory, broken)
    os.truncate(broken / MODEL, 1000)
    (tmp_path / "encoders" / ".export-dead").mkdir()
    mended = ensure_encoder(tmp_path)
    assert mended.name == encoder.name
    np.testing.assert_array_equal(mended.encode(["kettle"]), encoder.encode(["kettle"]))
    assert sorted(p.name for p in (tmp_path / "encoders").iterdir()) == [encoder.name, "lock"]


def test_weights_that_are_not_the_published_ones_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "weights_package" / "model").mkdir(parents=True)
    (tmp_path / "weights_package" / "__init__.py").touch()
    (tmp_path / "weights_package" / "model" / "model.safetensors").write_bytes(b"other weights")
    monkeypatch.syspath_prepend(str(tmp_path))
    other = PackagedModel("weights_package", "model", {"model.safetensors": "0" * 64})
    monkeypatch.setitem(encoder_export.MODELS, "other", other)
    with pytest.raises(EncoderUnavailable, match="not the published file"):
        ensure_encoder(tmp_path / "data", "other")
    absent = PackagedModel("no_such_package", "model", {"model.safetensors": "0" * 64})
    monkeypatch.setitem(encoder_export.MODELS, "other", absent)
    with pytest.raises(EncoderUnavailable, match="not installed"):
        ensure_encoder(tmp_path / "data", "other")


def test_an_unknown_encoder_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="all-MiniLM-L6-v2"):
        ensure_encoder(tmp_path, "no-such-model")
