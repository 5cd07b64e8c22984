"""How good suggestions are: whether what was meant is among them, and how early.

A label is a typed prefix and what it was meant to become, several acceptable texts joined by "|".
Letter case, punctuation and plural do not matter: nobody types on because of them.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search.errors import BadInput

DEPTH = 10
_WORD = re.compile(r"[^\W_]+")
_SAMPLES = 2_000

Complete = Callable[[str], Sequence[str]]
"""The texts suggested for a typed prefix, best first."""


@dataclass(frozen=True, slots=True)
class SuggestLabel:
    """A typed prefix and the texts it may have been meant to become."""

    prefix: str
    expected: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean over labels with its 95% bootstrap interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class SuggestQuality:
    """One system: share of labels with what was meant among the first 1, 5 and 10 (`hit_1`, …),
    the mean reciprocal rank within 10, the share of prefixes with any suggestion, and the share of
    the meant text's characters that need not be typed, until it is among the first 10."""

    hit_1: Figure
    hit_5: Figure
    hit_10: Figure
    mrr_10: Figure
    answered: Figure
    keystrokes_saved: Figure


@dataclass(frozen=True, slots=True)
class SuggestReport:
    """Every system over the same labels. `without_results` are suggestions that found no product,
    of `suggestions` that were searched; `missed` are labels whose text was not among the first 10.
    """

    labels: int
    systems: Mapping[str, SuggestQuality]
    suggestions: int
    without_results: tuple[str, ...]
    missed: tuple[SuggestLabel, ...]


def load_suggest_labels(path: Path) -> tuple[SuggestLabel, ...]:
    """Labels from a CSV file with a header that names `prefix` and `expected`.

    Raises:
        BadInput: the file cannot be read, lacks a column or has a line without a value.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.DictReader(handle)
            missing = {"prefix", "expected"} - set(reader.fieldnames or ())
            if missing:
                raise BadInput(
                    f"{path} has no column {min(missing)}; its first line must be prefix,expected"
                )
            labels = tuple(_label(row, f"{path}, line {reader.line_num}") for row in reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path} cannot be read ({error}); it must be CSV in UTF-8") from error
    if not labels:
        raise BadInput(f"{path} holds no labels; add lines such as ket,kettle|kettles")
    return labels


def _label(row: Mapping[str, str | None], place: str) -> SuggestLabel:
    expected = tuple(text.strip() for text in (row["expected"] or "").split("|") if text.strip())
    prefix = row["prefix"] or ""
    if not prefix.strip() or not expected:
        raise BadInput(f"{place}: prefix or expected is empty; fill it or remove the line")
    return SuggestLabel(prefix, expected)


def same_text(text: str) -> str:
    """A form that texts share which a shopper would not tell apart."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("'", "").replace("’", "")
    return " ".join(w[:-1] if len(w) > 3 and w.endswith("s") else w for w in _WORD.findall(plain))


def rank_of(label: SuggestLabel, suggested: Sequence[str]) -> int | None:
    """The place from 1 of what was meant among the first 10, None when it is not."""
    wanted = {same_text(text) for text in label.expected}
    ranks = (i for i, text in enumerate(suggested[:DEPTH], 1) if same_text(text) in wanted)
    return next(ranks, None)


def saved_share(label: SuggestLabel, complete: Complete) -> float:
    """The share of the first meant text that need not be typed: until it is suggested, or all."""
    text = label.expected[0]
    meant = SuggestLabel(text, (text,))
    for typed in range(1, len(text)):
        if rank_of(meant, complete(text[:typed])) is not None:
            return 1 - typed / len(text)
    return 0.0


def evaluate_suggestions(
    labels: Sequence[SuggestLabel],
    systems: Mapping[str, Complete],
    *,
    suggestions: int = 0,
    without_results: Sequence[str] = (),
    seed: int = 0,
) -> SuggestReport:
    """Scores systems; the misses reported are the first system's."""
    scored = {name: _quality(labels, complete, seed) for name, complete in systems.items()}
    first = next(iter(systems.values()))
    missed = tuple(label for label in labels if rank_of(label, first(label.prefix)) is None)
    return SuggestReport(len(labels), scored, suggestions, tuple(without_results), missed)


def _quality(labels: Sequence[SuggestLabel], complete: Complete, seed: int) -> SuggestQuality:
    suggested = [complete(label.prefix) for label in labels]
    ranks = [rank_of(label, texts) for label, texts in zip(labels, suggested, strict=True)]
    saved = [saved_share(label, complete) for label in labels]

    def within(depth: int) -> Figure:
        return figure([rank is not None and rank <= depth for rank in ranks], seed)

    return SuggestQuality(
        hit_1=within(1),
        hit_5=within(5),
        hit_10=within(DEPTH),
        mrr_10=figure([1 / rank if rank else 0.0 for rank in ranks], seed),
        answered=figure([bool(texts) for texts in suggested], seed),
        keystrokes_saved=figure(saved, seed),
    )


def figure(values: Sequence[float], seed: int = 0) -> Figure:
    """The mean of values, and the 2.5th and 97.5th percentile of it over bootstrap samples."""
    column: NDArray[np.float64] = np.asarray(values, np.float64)
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, len(column), (_SAMPLES, len(column)))
    low, high = np.quantile(column[draws].mean(axis=1), [0.025, 0.975])
    return Figure(float(column.mean()), float(low), float(high))
