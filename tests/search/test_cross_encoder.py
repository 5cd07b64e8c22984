"""A query and a text read together: tokens, scores, and directories that hold no cross-encoder."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from search.cross_encoder import HEAD, CrossEncoder, open_cross_encoder, pair_tokens
from search.encoder import MANIFEST, TOKENIZER, OnnxEncoder, sha256
from search.errors import EncoderUnavailable
from search.wordpieces import WordPieces, printable
from tests.search.cross_encoders import make_cross_encoder, write_head

QUERY = "red kettle"
TEXTS = ["Red steel kettle 1.7 l", "", "Cordless drill", "Kettle " * 200, "Kids' bicycle, red"]
START, END = 101, 102


@pytest.fixture(scope="module")
def pieces(encoder: OnnxEncoder) -> WordPieces:
    return WordPieces(encoder.directory / TOKENIZER, 128)


@pytest.fixture(scope="module")
def library(encoder: OnnxEncoder) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(encoder.directory / TOKENIZER))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


@pytest.fixture(scope="module")
def directory(encoder: OnnxEncoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_cross_encoder(encoder, tmp_path_factory.mktemp("data"), "red")


@pytest.fixture(scope="module")
def reads(directory: Path) -> CrossEncoder:
    return CrossEncoder(directory)


WRITTEN = st.lists(st.sampled_from(["Red", "kettle", "1.7l", "usb-c", "ünder", "'s"])).map(" ".join)


@settings(max_examples=200)
@given(WRITTEN | st.text(max_size=80), WRITTEN | st.text(max_size=80), st.integers(4, 80))
def test_a_pair_is_the_librarys_and_cut_in_its_halves(
    pieces: WordPieces, library: Tokenizer, query: str, text: str, most: int
) -> None:
    tokens = pair_tokens(pieces, query, text, most)
    whole = library.encode(printable(query), printable(text)).ids
    alone = library.encode(printable(query)).ids
    assert len(tokens) == min(len(whole), most) or len(alone) > most // 2
    assert len(tokens) <= most
    assert (tokens[0], tokens[-1]) == (START, END)
    kept = min(len(alone), most // 2)
    assert tokens[kept - 1] == END
    assert tokens[: kept - 1] == alone[: kept - 1]
    if len(whole) <= most and len(alone) <= most // 2:
        assert tokens == whole


def test_texts_are_scored_as_the_head_likes_them(reads: CrossEncoder) -> None:
    red, _, drill, _, bicycle = reads.scores("toys", TEXTS)
    assert min(red, bicycle) > drill
    assert (reads.weight, reads.spread, reads.name) == (1.0, 0.1, "cross")


def test_scores_are_those_of_both_texts_as_one(
    reads: CrossEncoder, encoder: OnnxEncoder, directory: Path
) -> None:
    together = encoder.encode([f"{QUERY} [SEP] {TEXTS[0]}"])[0]
    head = np.load(directory / HEAD)
    np.testing.assert_allclose(reads.scores(QUERY, TEXTS[:1]), [together @ head], atol=1e-4)


def test_a_pair_has_one_score_whatever_it_is_scored_with(reads: CrossEncoder) -> None:
    together = reads.scores(QUERY, TEXTS * 4)
    assert together.dtype == np.float32
    alone = [reads.scores(QUERY, [text])[0] for text in TEXTS]
    np.testing.assert_allclose(together, alone * 4, atol=1e-4)
    assert reads.scores(QUERY, []).shape == (0,)


def test_threads_do_not_disturb_each_other(directory: Path) -> None:
    reads = CrossEncoder(directory, threads=2)
    alone = reads.scores(QUERY, TEXTS)
    with ThreadPoolExecutor(4) as pool:
        for scores in pool.map(lambda _: reads.scores(QUERY, TEXTS), range(12)):
            np.testing.assert_array_equal(scores, alone)


def test_an_encoder_of_single_texts_is_refused_with_what_to_do(encoder: OnnxEncoder) -> None:
    with pytest.raises(EncoderUnavailable, match=r"single texts.*aisle train cross-encoder"):
        CrossEncoder(encoder.directory)


def test_one_that_is_not_there_or_altered_is_refused_with_what_to_do(
    directory: Path, tmp_path: Path
) -> None:
    with pytest.raises(EncoderUnavailable, match=r"no such directory.*aisle train cross-encoder"):
        open_cross_encoder(tmp_path, "gone")
    made = shutil.copytree(directory, tmp_path / "encoders" / "altered")
    write_head(made, np.ones(384, np.float32))
    with pytest.raises(EncoderUnavailable, match=r"head.npy was altered.*train cross-encoder"):
        open_cross_encoder(tmp_path, "altered")


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        (HEAD, None, r"no usable cross-encoder .*\(head.npy is missing\)"),
        (MANIFEST, None, r"no usable cross-encoder .*\(encoder.json is missing\)"),
        (MANIFEST, "{", r"encoder.json is not JSON: .*line 1"),
        (MANIFEST, "{}", r"encoder.json lacks 'sha256'"),
        (MANIFEST, '{"sha256": 1}', "encoder.json has not the form it should"),
    ],
)
def test_what_is_wrong_with_a_directory_is_said_in_words(
    directory: Path, tmp_path: Path, file: str, content: str | None, said: str
) -> None:
    made = shutil.copytree(directory, tmp_path / "encoders" / "cross")
    (made / file).unlink() if content is None else (made / file).write_text(content)
    with pytest.raises(EncoderUnavailable, match=f"{said}.*aisle train cross-encoder"):
        open_cross_encoder(tmp_path, "cross")


@pytest.mark.parametrize(
    "head",
    [np.ones(383, np.float32), np.ones(384, np.float64), np.full(384, np.nan, np.float32)],
)
def test_a_head_that_does_not_fit_is_refused(
    encoder: OnnxEncoder, tmp_path: Path, head: np.ndarray
) -> None:
    made = make_cross_encoder(encoder, tmp_path, "red")
    write_head(made, head)
    manifest = orjson.loads((made / MANIFEST).read_bytes())
    manifest["sha256"][HEAD] = sha256(made / HEAD)
    (made / MANIFEST).write_bytes(orjson.dumps(manifest))
    with pytest.raises(EncoderUnavailable, match=r"head.npy does not hold 384"):
        CrossEncoder(made)


@pytest.mark.parametrize("wrong", [{"spread": 0}, {"weight": "nan"}, {"tokens": 3}, {"spread": {}}])
def test_measures_that_cannot_be_used_are_refused(
    encoder: OnnxEncoder, tmp_path: Path, wrong: dict[str, Any]
) -> None:
    made = make_cross_encoder(encoder, tmp_path, "red", **wrong)
    with pytest.raises(EncoderUnavailable, match="cannot be loaded"):
        CrossEncoder(made)
