"""Rankings to interleave, and sessions on them."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from eval.interleaving import Interleaved, Interleaver, Items

Amounts = NDArray[np.float64]


def ranking(*items: int) -> Items:
    return np.array(items, np.int32)


@st.composite
def rankings(draw: st.DrawFn, most: int | None, least_items: int = 0) -> list[Items]:
    """Rankings of overlapping items, often with a beginning in common."""
    count = draw(st.integers(2, most or 4))
    pool = draw(st.integers(max(least_items, 1), 14))
    begun = draw(st.permutations(range(pool)))[: draw(st.integers(0, 3))]
    return [
        ranking(*begun, *(item for item in order if item not in begun))[:size]
        for order, size in (
            (draw(st.permutations(range(pool))), draw(st.integers(least_items, pool)))
            for _ in range(count)
        )
    ]


def outcomes(
    method: Interleaver,
    lists: Sequence[Items],
    clicks: NDArray[np.float64],
    seed: int = 0,
) -> Amounts:
    """What each ranking earned in each session, float64 (sessions, rankings); `clicks` one row a
    session, a column a place."""
    random = Random(seed)
    length = clicks.shape[1]
    shown: list[Interleaved] = [method(lists, random, length) for _ in range(len(clicks))]
    return np.stack(
        [method.credit(each, row[: len(each)]) for each, row in zip(shown, clicks, strict=True)]
    )
