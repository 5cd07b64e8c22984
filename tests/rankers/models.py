"""Small models over every feature, learned from noise: any order is as good as another, as long as
it is the same order everywhere."""

from __future__ import annotations

from collections.abc import Sequence

import lightgbm as lgb
import numpy as np

from rankers.model import Model

_QUIET = {"verbose": -1, "num_threads": 1, "min_data_in_leaf": 5, "min_data_per_group": 5}


def make_model(
    names: Sequence[str],
    version: str,
    *,
    seed: int = 0,
    rounds: int = 10,
    categories: Sequence[str] = (),
    name: str = "noise",
    depth: int = 200,
) -> Model:
    """A blend of a linear part and trees over the named features, some unknown."""
    drawn = np.random.default_rng(seed)
    size = len(names)
    return Model(
        name=name,
        kind="blend",
        features=tuple(names),
        feature_version=version,
        weights=drawn.normal(size=size),
        centers=drawn.normal(size=size) * 0.1,
        scales=drawn.uniform(0.5, 2, size),
        trees=tree_text(names, seed=seed, rounds=rounds, categories=categories),
        tree_weight=0.7,
        depth=depth,
        training={"judgments": "noise", "queries": 30},
        metrics={"ndcg@10": 0.5},
    )


def tree_text(
    names: Sequence[str], *, seed: int = 0, rounds: int = 10, categories: Sequence[str] = ()
) -> str:
    """LightGBM's text of trees over the named features."""
    drawn = np.random.default_rng(seed)
    values = drawn.uniform(-0.5, 2.5, (900, len(names)))
    values[:, [names.index(each) for each in categories]] = drawn.integers(
        0, 6, (900, len(categories))
    )
    values[drawn.random(values.shape) < 0.2] = np.nan
    gains = np.nan_to_num(values) @ drawn.normal(size=len(names)) + drawn.normal(size=900)
    data = lgb.Dataset(
        values,
        gains,
        feature_name=list(names),
        categorical_feature=list(categories),
        params=_QUIET,
    )
    given = {"objective": "regression", "num_leaves": 31, "seed": seed, **_QUIET}
    return str(lgb.train(given, data, rounds).model_to_string())
