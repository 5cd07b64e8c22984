"""Models whose worth is known: one keeps the fused order, one turns it around."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from eval import Judgments, load_judgments
from rankers import Model, save_model
from rankers.features import VERSION


def ordering(weight: float, name: str = "m") -> Model:
    """Orders by the fused share: as it is for a positive weight, the worst first for a negative."""
    one = np.ones(1)
    return Model(
        name, "linear", ("fused_share",), VERSION, np.array([weight]), 0 * one, one, depth=100
    )


def written(path: Path, weight: float, name: str = "m") -> Path:
    """Such a model as a file."""
    save_model(ordering(weight, name), path)
    return path


def some(judgments: Path, queries: int = 60) -> Judgments:
    """The judgments of the first queries."""
    judged = load_judgments(judgments)
    return judged.only(set(judged.relevant_queries()[:queries]))
