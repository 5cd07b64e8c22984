"""The cross-encoder at serving time: one encoder reads a query and a product's title together
(Nogueira & Cho 2019, arXiv 1901.04085).

Its directory is that of a text encoder (`search.encoder`) with a head beside it: the score of a
pair is the head times the unit vector of both texts as one sequence.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.encoder import MODEL, TOKENIZER, open_model, read_manifest
from search.errors import EncoderUnavailable
from search.wordpieces import WordPieces

HEAD = "head.npy"
_TRAIN = "train one with `aisle train cross-encoder`"


class CrossEncoder:
    """Scores how well texts answer a query. Safe to call from several threads at once.

    `name` is the directory's name. `weight` and `spread` say how much the scores count beside a
    ranking model's: `spread` is their standard deviation around a query's mean in training, and
    `weight` how many of the model's own spreads one of it moves a product.
    """

    def __init__(self, directory: Path, threads: int = 1) -> None:
        """Opens `directory` and checks its files against their recorded SHA-256.

        Raises:
            EncoderUnavailable: a file is missing, altered, or not a model this machine can run, or
                the directory is that of an encoder of single texts.
        """
        manifest = read_manifest(directory, _TRAIN, "cross-encoder")
        self.directory = directory
        self.name: str = directory.name
        if "cross" not in manifest or HEAD not in manifest["sha256"]:
            raise EncoderUnavailable(
                f"the encoder in {directory} reads single texts, not pairs; {_TRAIN}"
            )
        try:
            self.weight, self.spread, self._most = _measures(manifest["cross"])
            self._head = _head(directory / HEAD, manifest["dimensions"])
            self._pieces = WordPieces(directory / TOKENIZER, manifest["max_tokens"])
            self._vectors_of = open_model(directory / MODEL, manifest["dimensions"], threads)
        except Exception as error:  # both libraries raise bare exceptions of their own
            raise EncoderUnavailable(
                f"the cross-encoder in {directory} cannot be loaded ({error}); {_TRAIN}"
            ) from error

    def scores(self, query: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """How well each text answers the query, float32 of shape (len(texts),), higher is better.
        A pair's score does not depend on what it is scored with."""
        pairs = [pair_tokens(self._pieces, query, text, self._most) for text in texts]
        # Row by row: a product of matrices would round one pair's score by how many there are.
        scores: NDArray[np.float32] = (self._vectors_of(pairs) * self._head).sum(axis=1)
        return scores


def pair_tokens(pieces: WordPieces, query: str, text: str, most: int) -> list[int]:
    """The tokens of both as one sequence, [CLS] query [SEP] text [SEP], at most `most` of them (4
    or more): the query is cut where it would take more than half, and the text at the end."""
    first = _cut(pieces.tokens(query), most // 2)
    return first + _cut(pieces.tokens(text)[1:], most - len(first))


def open_cross_encoder(data: Path, name: str, threads: int = 1) -> CrossEncoder:
    """Opens the cross-encoder of this name, from `data`/encoders/`name`.

    Raises:
        EncoderUnavailable: there is no such cross-encoder, or it is not sound.
    """
    return CrossEncoder(data / "encoders" / name, threads)


def _cut(tokens: Sequence[int], most: int) -> list[int]:
    """At most so many tokens, the last of them the one a text ends with."""
    kept = list(tokens)
    return kept if len(kept) <= most else [*kept[: most - 1], kept[-1]]


def _measures(cross: Any) -> tuple[float, float, int]:
    """Weight, spread and the most tokens of a pair."""
    weight, spread, most = float(cross["weight"]), float(cross["spread"]), int(cross["tokens"])
    if not (np.isfinite([weight, spread]).all() and spread > 0 and most >= 4):
        raise ValueError(f"weight {weight}, spread {spread} or tokens {most} cannot be used")
    return weight, spread, most


def _head(path: Path, dimensions: int) -> NDArray[np.float32]:
    head = np.load(path, allow_pickle=False)
    if head.shape != (dimensions,) or head.dtype != np.float32 or not np.isfinite(head).all():
        raise ValueError(f"{path.name} does not hold {dimensions} finite float32 numbers")
    return np.asarray(head, np.float32)
