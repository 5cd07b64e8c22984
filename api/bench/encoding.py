"""How fast texts are encoded and pairs are read, by our own kernel beside ONNX Runtime, in turns on
one core."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from api.bench.latency import Percentiles
from api.bench.tables import table
from indexer.encoder_export import ensure_encoder
from search.encoder import MODEL, Tokens, open_model
from search.errors import BadInput
from search.transformer import layouts_here
from search.types import Vectors

LENGTHS = (3, 6, 10, 25, 40, 128)
"""Tokens of a text: short and long queries, titles, the longest."""
PAIRS, PAIR = 20, 25
"""What a cross-encoder reads for a search: so many pairs of about so many tokens."""
_FIRST, _LAST = 1996, 29_000
"""The numbers of BERT's tokens that are whole words or parts of words."""
_WARM = 5


def measure_encoding(data: Path, rounds: int = 60) -> dict[str, Any]:
    """Milliseconds to encode a text of each of `LENGTHS`, and `PAIRS` of `PAIR` tokens, with the
    encoder of `data`, which is exported first where it is missing.

    Raises:
        BadInput: the kernel does not run on this processor.
    """
    layouts = layouts_here()
    if not layouts:
        raise BadInput("our own kernel needs AVX2 and FMA, or AVX-512 VNNI; nothing to compare")
    encoder = ensure_encoder(data)
    path = encoder.directory / MODEL
    ours, theirs = (
        open_model(path, encoder.dimensions, 1, kernel=kernel) for kernel in (True, False)
    )
    texts = {f"{length} tokens": _texts(1, length) for length in LENGTHS}
    texts[f"{PAIRS} pairs of {PAIR} tokens"] = _texts(PAIRS, PAIR)
    cases = [_compare(name, tokens, ours, theirs, rounds) for name, tokens in texts.items()]
    return {"layout": layouts[0].name, "rounds": rounds, "cases": cases}


def _texts(count: int, tokens: int) -> Tokens:
    rng = np.random.default_rng(tokens)
    return [[101, *rng.integers(_FIRST, _LAST, tokens - 2).tolist(), 102] for _ in range(count)]


def _compare(
    name: str,
    tokens: Tokens,
    ours: Callable[[Tokens], Vectors],
    theirs: Callable[[Tokens], Vectors],
    rounds: int,
) -> dict[str, Any]:
    spent: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + _WARM):
        for encode, into in zip((ours, theirs), spent, strict=True):
            started = time.perf_counter()
            encode(tokens)
            if number >= _WARM:
                into.append((time.perf_counter() - started) * 1000)
    cosine = (ours(tokens) * theirs(tokens)).sum(axis=1)
    return {
        "case": name,
        "kernel": _spent(spent[0]),
        "onnxruntime": _spent(spent[1]),
        "ratio": round(float(np.median(spent[1]) / np.median(spent[0])), 2),
        "cosine": round(float(cosine.min()), 5),
    }


def _spent(milliseconds: Sequence[float]) -> dict[str, float]:
    found = Percentiles.of(list(milliseconds))
    return {"p50": found.p50, "least": round(min(milliseconds), 3)}


def encoding_table(result: dict[str, Any]) -> str:
    """The kernel beside ONNX Runtime."""
    rows = [
        [
            case["case"],
            *(case[by][name] for by in ("kernel", "onnxruntime") for name in ("p50", "least")),
            f"{case['ratio']:.1f}",
            case["cosine"],
        ]
        for case in result["cases"]
    ]
    head = ["text", "kernel p50", "least", "ONNX Runtime p50", "least", "times as fast", "cosine"]
    title = f"kernel for {result['layout']}, one core, {result['rounds']} rounds in turns"
    return f"### Encoding, milliseconds ({title})\n\n{table(head, rows)}"
