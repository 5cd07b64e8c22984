"""How much is tried before choosing, by how much there is to learn from."""

from __future__ import annotations

from dataclasses import dataclass

from training.linear import Keep
from training.trees import TreeSettings

FEW = 300
"""Below so many training queries every choice is between a few strong priors."""


@dataclass(frozen=True, slots=True)
class Effort:
    """What inner validation tries. `folds` are cut, and the first `used` of them held out in turn.
    `penalties` and `unjudged` are the linear ranker's settings, `keep` its numbers of features,
    from the strongest prior to the weakest; `preset` the trees' settings, where tuning starts when
    there are `trials`; `shares` the trees' shares in a blend. Training stops when `patience` rounds
    brought nothing."""

    folds: int
    used: int
    penalties: tuple[float, ...]
    unjudged: tuple[float, ...]
    keep: tuple[Keep, ...]
    preset: TreeSettings
    trials: int
    patience: int | None
    shares: tuple[float, ...] = (0.3, 0.5, 0.7)


SMALL = Effort(
    folds=5,
    used=5,
    penalties=(32.0, 8.0),
    unjudged=(0.3,),
    keep=("core", None),
    preset=TreeSettings(),
    trials=0,
    patience=None,
)
PLENTIFUL = Effort(
    folds=4,
    used=2,
    penalties=(64.0, 16.0, 4.0, 1.0),
    unjudged=(0.1,),
    keep=(None,),
    preset=TreeSettings(
        leaves=8, learning_rate=0.1, least_rows=100, rounds=300, truncation=20, bins=127
    ),
    trials=12,
    patience=30,
)


def effort_for(queries: int) -> Effort:
    """What so many training queries can tell apart."""
    return SMALL if queries < FEW else PLENTIFUL
