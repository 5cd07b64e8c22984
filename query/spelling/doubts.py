"""Words of a catalogue that are probably none: typing errors in its own texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from query.spelling.decoding import Decoder
from query.spelling.vocabulary import BRAND, CATALOGUE, DOUBTFUL, ENGLISH, PROTECTED
from query.spelling.words import base_forms

_RARE = 2.5
_TIMES = 30
"""How much more a word must be used for a rare one near it to look like a typing error."""
_TIMES_APART = 8
"""How much more two words must stand apart for both run together to look like one."""
_MOST = 60_000
"""Words looked at, so that it takes seconds."""


def mark_doubtful(directory: Path, decoder: Decoder) -> None:
    """Flags rare words one error away from a word used far more (`blakets`), and words that the
    shop mostly writes as two (`coffeemaker`). Brands are never doubtful."""
    vocabulary = decoder.vocabulary
    flags = np.array(vocabulary.flags)
    trusted = flags & (BRAND | PROTECTED)
    own = np.flatnonzero((flags & CATALOGUE).astype(bool) & (trusted == 0))
    counts = np.asarray(vocabulary.counts)[own]
    for number in own[np.argsort(counts, kind="stable")][:_MOST]:
        word, uses = vocabulary.word(int(number)), float(vocabulary.counts[int(number)])
        english = bool(flags[number] & ENGLISH)
        if len(word) > 4 and (
            _compound(word, uses, decoder) or (not english and _misspelled(word, uses, decoder))
        ):
            flags[number] |= DOUBTFUL
    np.save(directory / "flags.npy", flags)


def _misspelled(word: str, uses: float, decoder: Decoder) -> bool:
    if uses >= _RARE:
        return False
    least = _TIMES * max(1.0, uses)
    near = decoder.candidates.near(word)
    return any(
        count >= least and other not in base_forms(word) and word not in base_forms(other)
        for other, count in near
    )


def _compound(word: str, uses: float, decoder: Decoder) -> bool:
    least = _TIMES_APART * max(1.0, uses)
    apart = (decoder.language.adjacent(*ids) for _, ids, _ in decoder.candidates.cuts(word))
    return any(count >= least for count in apart)
