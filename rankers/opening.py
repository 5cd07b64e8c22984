"""A model file becomes a ranker, and is tried before it is used."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rankers.associations import Associations
from rankers.behavior import BehaviorFollower, follow_behavior
from rankers.features import compute, warm_up
from rankers.model_file import open_model
from rankers.ranker import Compute, FirstStage, ModelRanker
from search.errors import BadInput
from search.seams import Facts, Ranker
from search.types import FeatureTable, Pool, Query, Ranking

_PRODUCTS = 16
_VERSION = 12
"""Digits of the checksum that tell one model from another."""


def open_ranker(
    path: Path,
    *,
    depth: int | None = None,
    first_stage: FirstStage = "fused",
    data: Path | None = None,
) -> ModelRanker:
    """The ranker of a model file. Blocks; loads every kernel. `data` is the directory whose
    behavior is followed; without it no product has any.

    Raises:
        NotFound, BadInput: as `rankers.model_file.load_model`.
    """
    model, checksum = open_model(path)
    warm_up()
    known = _known(None if data is None else follow_behavior(data), model.associations)
    return ModelRanker(model, checksum[:_VERSION], known, depth=depth, first_stage=first_stage)


def _known(follower: BehaviorFollower | None, learned: Associations | None) -> Compute:
    def known(facts: Facts, pool: Pool, names: tuple[str, ...]) -> FeatureTable:
        behavior = None if follower is None else follower.of(facts)
        return compute(facts, pool, names, behavior, learned)

    return known


def try_out(ranker: Ranker, facts: Facts, products: int) -> None:
    """Ranks the first products of a view for a made-up query.

    Raises:
        BadInput: it does not work, or the scores are not numbers; says which.
    """
    ordinals = np.arange(min(products, _PRODUCTS), dtype=np.int32)
    ranking = Ranking(ordinals, np.linspace(1, 0.5, len(ordinals), dtype=np.float32))
    words = ("red", "kettle")
    query = Query("red kettle", "red kettle", words, corrected="red kettle")
    pool = Pool(query, ranking, {"words": ranking, "meaning": ranking}, today=0.0)
    try:
        ranked = ranker.rank(facts, pool)
    except Exception as error:
        raise BadInput(f"the model {ranker.name} cannot rank this index: {error!r}") from error
    if not np.isfinite(ranked.ranking.scores).all():
        raise BadInput(f"the model {ranker.name} gives scores that are not numbers; train it again")
