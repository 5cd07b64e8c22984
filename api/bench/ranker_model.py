"""A model to measure ranking with: as large as a real one, learned from noise."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from rankers import Model, save_model
from rankers.features import NAMES, VERSION

_LEARNED, _UNKNOWN = 20_000, 0.1


def noise(features: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of features, a tenth unknown, float32, and gains that depend on some of them."""
    drawn = np.random.default_rng(0)
    values = drawn.normal(size=(_LEARNED, features)).astype(np.float32)
    values[drawn.random(values.shape) < _UNKNOWN] = np.nan
    known = np.nan_to_num(values)
    gains = known[:, 0] * known[:, 1] + known[:, 2] + drawn.normal(size=_LEARNED)
    return values, gains


def learned_trees(values: np.ndarray, gains: np.ndarray, trees: int, leaves: int) -> str:
    """LightGBM's text of trees that fit the gains."""
    import lightgbm

    options = {"objective": "regression", "num_leaves": leaves, "verbose": -1, "num_threads": 1}
    return lightgbm.train(options, lightgbm.Dataset(values, gains), trees).model_to_string()


@cache
def _noise_model(trees: int, leaves: int) -> Model:
    """The same for every catalogue, and so learned once."""
    values, gains = noise(len(NAMES))
    return Model(
        name=f"noise-{trees}x{leaves}",
        kind="trees",
        features=NAMES,
        feature_version=VERSION,
        weights=np.zeros(len(NAMES)),
        centers=np.zeros(len(NAMES)),
        scales=np.ones(len(NAMES)),
        trees=learned_trees(values, gains, trees, leaves),
        tree_weight=1.0,
    )


def use_noise_model(data: Path, trees: int = 300, leaves: int = 31) -> None:
    """Puts a model over every feature to use in a data directory. It ranks at random: only what it
    costs means anything."""
    save_model(_noise_model(trees, leaves), data / "model.json")
