"""What a click learner is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol

from training.learners.clicked import ClickedTables
from training.scorers import Scorer
from training.trees import TreeSettings

USUAL = TreeSettings(
    leaves=8,
    learning_rate=0.1,
    least_rows=20,
    penalty=10.0,
    features=0.5,
    rounds=150,
    unjudged=0.0,
)


@dataclass(frozen=True, slots=True)
class LearnerSettings:
    """How to learn, the same for every learner so that they differ in nothing but labels and loss.

    `trees` are LightGBM's settings; growing stops when `patience` rounds brought nothing on a
    share of the queries that is held out for it. `clip` is the least propensity that clicks are
    divided by (`dr-labels`, `pairwise-ips`). `penalty` is the strength of the linear learner's
    prior, in queries (`training.linear.LinearSettings`).
    """

    trees: TreeSettings = field(default_factory=lambda: USUAL)
    patience: int = 20
    clip: float = 0.1
    penalty: float = 8.0
    seed: int = 0

    def for_periods(self, clicked: ClickedTables) -> LearnerSettings:
        """The same caution where every query is there several times, once a period."""
        texts = clicked.tables.texts
        times = len(texts) / max(len(set(texts)), 1)
        if times == 1.0:
            return self
        trees = replace(
            self.trees,
            least_rows=round(self.trees.least_rows * times),
            penalty=self.trees.penalty * times,
        )
        return replace(self, trees=trees, penalty=self.penalty * times)


class Learner(Protocol):
    """Learns an order from clicks; pure, the same for the same seed."""

    @property
    def name(self) -> str:
        """What it is called in the registry and on the command line."""
        ...

    @property
    def when(self) -> str:
        """When to use it, for people."""
        ...

    def __call__(self, clicked: ClickedTables, settings: LearnerSettings) -> Scorer:
        """What orders candidates by the same features as those learned from."""
        ...
