"""How much of the fine-tuning to keep: the share of the tuned weights that orders the candidates of
the validation queries best, none of it included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eval import Judgments, Run, evaluate, rank_by_score
from training.encoder.gate import METRIC
from training.encoder.tuning import State, interpolate

if TYPE_CHECKING:
    from training.encoder.layers import SplitEncoder

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class Case:
    """A validation query with its candidates: `query` is the text that is encoded, `judged_as` the
    one that was judged; `products` are ids, `texts` what they are encoded by, `others` the part of
    their scores that is not meaning, float64 of shape (products,)."""

    query: str
    judged_as: str
    products: tuple[str, ...]
    texts: tuple[str, ...]
    others: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Choice:
    """The share with the best mean (the smaller one of equals), the best one that is not none, and
    all means by share."""

    share: float
    tuned: float
    means: dict[float, float]


def choose_share(
    model: Any,
    split: SplitEncoder,
    states: tuple[State, State],
    cases: Sequence[Case],
    judgments: Judgments,
    weight: float,
) -> Choice:
    """Tries every share of `states`, the base model's and the tuned one's, on the cases, whose
    texts `split` has prepared; a candidate's score is its other part and `weight` times its cosine.
    The model is left in an unspecified state between them."""
    runs = {}
    for share in SHARES:
        model.load_state_dict(interpolate(*states, share))
        runs[str(share)] = {case.judged_as: _rank(split, case, weight) for case in cases}
    means = _means(runs, judgments.only([case.judged_as for case in cases]))
    best = max(SHARES, key=lambda share: (means[share], -share))
    tuned = max(SHARES[1:], key=lambda share: (means[share], -share))
    return Choice(best, tuned, means)


def _means(runs: Mapping[str, Run], judgments: Judgments) -> dict[float, float]:
    report = evaluate(judgments, runs, metrics=[METRIC])
    return {float(name): report.systems[name].scores[METRIC].mean for name in runs}


def _rank(split: SplitEncoder, case: Case, weight: float) -> Sequence[str]:
    import torch

    with torch.no_grad():
        vectors = split.encode((case.query, *case.texts)).cpu().numpy()
    scores = case.others + weight * (vectors[1:] @ vectors[0])
    return rank_by_score(dict(zip(case.products, scores.tolist(), strict=True)))
