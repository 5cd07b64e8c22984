"""What a simulated comparison by interleaving says: as a sentence, as rows, as plain values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from api.interleaving.simulation import differences
from eval.stopping import (
    Tally,
    confidence_sequence,
    decided_at,
    excludes_zero_at,
    sign_e_values,
    sign_test,
)

Amounts = NDArray[np.float64]
E_VALUE = "e-value"
Z = 1.959963984540054
"""Standard errors of a 95% interval for one look at the end."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two runs compared. `delta` is the mean credit of `a` less that of `b` a session, `low` to
    `high` its 95% interval for one look at the end, `p` the sign test's; `e_value` and
    `sequence_low` to `sequence_high` hold however often one looks (None: too few sessions).
    `e_value_at` is the session at which the e-value first reached 1/`alpha`, `sequence_at` that at
    which the confidence sequence first left out 0; None: never. `decided_at` is the one of these
    that `decided_by` names: debiased credit is skewed, so that its sign alone proves nothing.
    `sign` is that of `delta`, `true_delta` the difference of mean DCG by the judgments."""

    a: str
    b: str
    wins: int
    losses: int
    ties: int
    delta: float
    low: float
    high: float
    p: float
    e_value: float
    sequence_low: float | None
    sequence_high: float | None
    e_value_at: int | None
    sequence_at: int | None
    decided_by: str
    decided_at: int | None
    sign: int
    better: str | None
    alpha: float
    true_delta: float | None


def pairs(
    names: tuple[str, ...],
    earned: Amounts,
    alpha: float,
    dcg: Amounts | None,
    *,
    by_sign: bool = True,
) -> list[Pair]:
    """Every two runs compared; each of several pairs may take its part of `alpha` (Bonferroni).
    They are decided by the e-value of signs or, without `by_sign`, by the confidence sequence."""
    every = list(combinations(range(len(names)), 2))
    return [
        _pair(
            (names[one], names[other]),
            differences(earned, one, other),
            alpha / len(every),
            by_sign,
            None if dcg is None else float(dcg[one] - dcg[other]),
        )
        for one, other in every
    ]


def _pair(
    names: tuple[str, str], found: Amounts, alpha: float, by_sign: bool, truth: float | None
) -> Pair:
    wins, losses = int((found > 0).sum()), int((found < 0).sum())
    tally = Tally(wins, losses, len(found) - wins - losses, found.sum(), (found * found).sum())
    error = float(found.std(ddof=1)) / math.sqrt(len(found)) if len(found) > 1 else math.inf
    low, high = tally.interval(alpha)
    mean, lows, highs = confidence_sequence(found, alpha)
    e_value_at = int(decided_at(sign_e_values(found), alpha))
    sequence_at = int(excludes_zero_at(lows, highs))
    decided = e_value_at if by_sign else sequence_at
    ahead = np.sign(found[:decided]).sum() if by_sign else mean[decided - 1]
    delta = float(found.mean())
    return Pair(
        *names,
        wins,
        losses,
        tally.ties,
        delta,
        delta - Z * error,
        delta + Z * error,
        sign_test(wins, losses),
        tally.e_value(),
        low if math.isfinite(low) else None,
        high if math.isfinite(high) else None,
        e_value_at or None,
        sequence_at or None,
        E_VALUE if by_sign else "confidence sequence",
        decided or None,
        int(np.sign(delta)),
        names[0 if ahead > 0 else 1] if decided else None,
        alpha,
        truth,
    )


def sentence(pair: Pair, sessions: int) -> str:
    """What came out, in words, from the side of the better one."""
    won, lost = pair.wins, pair.losses
    if pair.better == pair.b:
        won, lost = lost, won
    counts = f"{won:,} wins, {lost:,} losses, {pair.ties:,} ties in {sessions:,}"
    if pair.better is None:
        return f"Not decided between {pair.a} and {pair.b}: {counts} sessions for {pair.a}."
    loser = pair.b if pair.better == pair.a else pair.a
    return (
        f"{pair.better} is better than {loser}, decided after {pair.decided_at:,} sessions"
        f" ({counts} for {pair.better})."
    )


def rows(pair: Pair) -> Iterator[tuple[str, str]]:
    """What is known of a pair: what, and how much."""
    yield "wins / losses / ties", f"{pair.wins:,} / {pair.losses:,} / {pair.ties:,}"
    yield "mean credit difference", f"{pair.delta:+.4f}{_between(pair.low, pair.high)}"
    yield (
        "confidence sequence",
        _between(pair.sequence_low, pair.sequence_high).strip() or ("too few sessions"),
    )
    yield "sign test p, one look", f"{pair.p:.4g}"
    yield "e-value", f"{pair.e_value:.4g}"
    yield f"decided, by the {pair.decided_by}, at", _session(pair.decided_at)
    if pair.decided_by == E_VALUE:
        yield "the sequence leaves out 0 at", _session(pair.sequence_at)
    else:
        yield "the e-value is enough at", _session(pair.e_value_at)
    if pair.true_delta is not None:
        yield "difference of DCG by the judgments", f"{pair.true_delta:+.4f}"


def legend(pair: Pair) -> str:
    """What the numbers mean to who decides by them."""
    return (
        "e-value: how strongly wins against losses speak for a difference; "
        f"1/α = {1 / pair.alpha:.4g} is enough, however often one looks. Confidence sequence: an "
        "interval for the mean that holds at every look."
    )


def _between(low: float | None, high: float | None) -> str:
    if low is None or high is None or not math.isfinite(low):
        return ""
    return f" [{low:+.4f}, {high:+.4f}]"


def _session(number: int | None) -> str:
    return f"session {number:,}" if number else "never"


def plain(found: list[Pair], **facts: object) -> dict[str, Any]:
    """For machines: the facts, and of two runs the pair's values beside them, of more all pairs.
    Nothing has decided (`decided_by` is null) what is not decided."""
    each = [
        _finite(asdict(pair)) | ({} if pair.decided_at else {"decided_by": None}) for pair in found
    ]
    return {**facts, **(each[0] if len(each) == 1 else {"pairs": each})}


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in values.items()
    }
