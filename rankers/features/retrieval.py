"""What the retrievers made of a product."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rankers.features import kernels
from rankers.features.declare import Direction, Feature, Group
from rankers.features.inputs import Inputs
from search.types import Ordinals, Ranking, Scores


def _stage(name: str, by: str, what: str, source: str) -> tuple[Feature, ...]:
    def of(suffix: str, label: str, unit: str, direction: Direction, sentence: str) -> Feature:
        return Feature(
            f"{name}_{suffix}", f"{label} by {by}", "number", unit, source, sentence, direction
        )

    return (
        of("rank", "place", "place", -1, f"Place among {what}; NaN when it is not among them."),
        of("score", "score", "score", 1, f"Score among {what}; NaN when it is not among them."),
        of(
            "share",
            "share of the best score",
            "share",
            1,
            f"Score as a share of the best among {what}.",
        ),
        Feature(
            f"{name}_reciprocal_rank",
            f"closeness to the top by {by}",
            "number",
            "share",
            source,
            f"1 / (60 + place) among {what}; 0 when it is not: that is worse than any place.",
            1,
            missing=0.0,
        ),
    )


FEATURES = (
    *_stage("words", "words", "what the words found", "words"),
    *_stage("meaning", "meaning", "what is near in meaning", "meaning"),
    *_stage("fused", "words and meaning", "the fused candidates, before boosts", "fusion"),
    Feature(
        "boost_gain",
        "gain from what was understood",
        "number",
        "share",
        "fusion",
        "What it gained by boosts, as a share of the best fused score; 0 when nothing.",
        1,
        missing=0.0,
    ),
    Feature(
        "found_by_both",
        "found by words and by meaning",
        "flag",
        "yes or no",
        "fusion",
        "Words and meaning both found it.",
        1,
    ),
)


def _arrays(ranking: Ranking | None) -> tuple[Ordinals, Scores]:
    if ranking is None:
        return np.empty(0, np.int32), np.empty(0, np.float32)
    return (
        np.ascontiguousarray(ranking.ordinals, np.int32),
        np.ascontiguousarray(ranking.scores, np.float32),
    )


def fill(inputs: Inputs, out: NDArray[np.float32]) -> None:
    """See `rankers.features.declare.Group.fill`."""
    stages = inputs.pool.stages
    longest = max(map(len, (*stages.values(), inputs.fused)), default=0)
    kernels.retrieval.fill(
        out,
        inputs.ordinals,
        *_arrays(stages.get("words")),
        *_arrays(stages.get("meaning")),
        *_arrays(inputs.fused),
        *_arrays(stages.get("boosts")),
        np.empty(1 << (2 * longest).bit_length(), np.int32),
    )


GROUP = Group("retrieval", FEATURES, fill)
