"""From judged queries to a model: what the procedure is worth, then the procedure on everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Literal

import numpy as np

from rankers import Model, ModelKind
from rankers.associations import Associations
from search.errors import BadInput
from training.associations import COLUMNS, associate, learnable
from training.comparison import Standing, chosen_kinds, standings
from training.effort import effort_for
from training.linear import prepare
from training.nested import CHOSEN, CrossValidation, cross_validate, procedure_fits
from training.repeatable import repeatable
from training.scorers import KINDS, Choice, Kind, Scorer, fit_kinds, spread
from training.select import choose
from training.tables import Tables
from training.ticking import Counter, Progress

Wanted = Literal["auto", "linear", "trees", "blend"]
WANTED: Mapping[Wanted, tuple[Kind, ...]] = {
    "auto": KINDS,
    "linear": ("linear",),
    "trees": ("trees", "stacked"),
    "blend": ("blend",),
}
"""What may be asked for, and the kinds tried; the fused order is always among them."""
MODEL_KINDS: Mapping[Kind, ModelKind] = {
    "fused": "fused",
    "linear": "linear",
    "trees": "trees",
    "stacked": "trees",
    "blend": "blend",
}
FEWEST = 10
"""Fewer queries than that cannot tell a model from chance."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to train: which kinds, how often (`seeds`, None for as often as the number of queries
    calls for) the queries are split into how many folds, and for how many seconds further splits
    are begun. `depth` is how many candidates the model will score."""

    wanted: Wanted = "auto"
    seeds: int | None = None
    folds: int = 5
    seconds: float | None = None
    depth: int = 200


@dataclass(frozen=True, slots=True)
class Importance:
    """What a feature does in a model: its weight in the linear part (per scale), and what the
    trees' splits on it gained, as a share of all."""

    name: str
    weight: float
    gain: float


@dataclass(frozen=True, slots=True)
class Trained:
    """A model, what it was chosen for, and what the procedure is worth on queries never seen."""

    model: Model
    choice: Choice
    validation: CrossValidation
    importances: tuple[Importance, ...]


@repeatable
def train(
    tables: Tables,
    name: str,
    plan: Plan,
    learned_from: Mapping[str, object] | None = None,
    progress: Progress = lambda done, total: None,
    last: Progress = lambda done, total: None,
) -> Trained:
    """Cross-validates, of which `progress` hears, then chooses and trains on all queries, of which
    `last` does.

    Raises:
        BadInput: fewer than ten queries, or fewer than folds.
    """
    if len(tables) < FEWEST:
        raise BadInput(
            f"{len(tables)} judged queries with a relevant product found are too few to learn"
            f" from; judge at least {FEWEST}, better 100"
        )
    kinds, tables = WANTED[plan.wanted], learnable(tables)
    validation = cross_validate(
        tables,
        seeds=plan.seeds or usual_seeds(len(tables)),
        k=plan.folds,
        kinds=kinds,
        seconds=plan.seconds,
        progress=progress,
    )
    counter = Counter(procedure_fits(tables, len(tables), kinds), last)
    tables, learned = associate(tables, 0, counter)
    choice = choose(tables, effort_for(len(tables)), 0, kinds, counter)
    scorer = fit_kinds(tables, prepare(tables, 0), choice)[choice.kind]
    model = _model(tables, name, scorer, choice, plan, _notes(tables, learned_from), validation)
    model = _associated(model, learned)
    counter.finish()
    return Trained(model, choice, validation, importances(model, scorer))


def usual_seeds(queries: int) -> int:
    """How often to split: chance in the split matters where queries are few."""
    return 3 if queries < 1000 else 1


def importances(model: Model, scorer: Scorer) -> tuple[Importance, ...]:
    """The features that count, those that count most first."""
    gains = np.zeros(len(model.features))
    if scorer.trees is not None:
        gains = scorer.trees.gains()
        gains = gains / max(float(gains.sum()), 1e-12)
    sizes = np.abs(model.weights) / max(float(np.abs(model.weights).sum()), 1e-12) + gains
    order = np.argsort(-sizes, kind="stable")
    return tuple(
        Importance(model.features[i], float(model.weights[i]), float(gains[i]))
        for i in order.tolist()
        if sizes[i] > 0
    )


def _model(
    tables: Tables,
    name: str,
    scorer: Scorer,
    choice: Choice,
    plan: Plan,
    notes: Mapping[str, object],
    validation: CrossValidation,
) -> Model:
    """As data. Trees know their features by place, so they keep all; others only what counts."""
    linear, count = scorer.linear, len(tables.schema.names)
    scores = scorer.scores(tables.values)
    kept = np.arange(count) if scorer.trees else np.flatnonzero(linear.weights)
    return Model(
        name=name,
        kind=MODEL_KINDS[choice.kind],
        features=tuple(tables.schema.names[i] for i in kept),
        feature_version=tables.schema.version,
        weights=linear.weights[kept],
        centers=linear.centers[kept],
        scales=linear.scales[kept],
        trees=scorer.trees.text() if scorer.trees else "",
        tree_weight=scorer.tree_weight,
        depth=plan.depth,
        training={**notes, "choice": asdict(choice), "spread": spread(scores, tables)},
        metrics=_metrics(validation),
    )


def _associated(model: Model, learned: Associations | None) -> Model:
    """With what was learned of words, where it counts in the model."""
    if learned is None or not set(COLUMNS) & set(model.features):
        return model
    pairs = len(learned.titles.others) + len(learned.heads.others)
    known = {"words": len(learned.words), "pairs": pairs, "dimensions": len(learned.meaning)}
    return replace(model, associations=learned, training={**model.training, "associations": known})


def _notes(tables: Tables, learned_from: Mapping[str, object] | None) -> dict[str, object]:
    return {
        **(learned_from or {}),
        "queries": len(tables),
        "candidates": len(tables.query),
        "judged": int(np.count_nonzero(~np.isnan(tables.gains))),
        "trained": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _metrics(validation: CrossValidation) -> dict[str, object]:
    found: Sequence[Standing] = standings(validation)
    return {
        "held_out": {each.name: asdict(each) for each in found if each.name in ("fused", CHOSEN)},
        "chosen": chosen_kinds(validation),
    }
