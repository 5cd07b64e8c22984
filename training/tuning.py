"""The trees' hyper-parameters, by optuna, on queries held out from training."""

from __future__ import annotations

from dataclasses import replace

import optuna

from training.tables import Tables, Values
from training.ticking import Tick, unheard
from training.trees import TreeSettings, Validation, fit_trees


def tune(
    tables: Tables,
    start: Values,
    validation: Validation,
    first: TreeSettings,
    trials: int,
    patience: int | None,
    seed: int,
    tick: Tick = unheard,
) -> TreeSettings:
    """Tries `first`, then what the tree-structured Parzen estimator proposes (Bergstra et al.
    2011), and returns the best. The same seed proposes the same."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=6)
    )
    study.enqueue_trial(_as_parameters(first))
    proposed: dict[int, TreeSettings] = {}

    def objective(trial: optuna.Trial) -> float:
        settings = proposed[trial.number] = propose(trial, first)
        trees = fit_trees(tables, start, settings, validation, patience)
        tick()
        return float(trees.curve[trees.rounds - 1].mean())

    study.optimize(objective, n_trials=trials)
    return proposed[study.best_trial.number]


def propose(trial: optuna.Trial, first: TreeSettings) -> TreeSettings:
    """Settings within the bounds that make sense for some thousands of queries."""
    return replace(
        first,
        leaves=trial.suggest_int("leaves", 6, 48, log=True),
        learning_rate=trial.suggest_float("learning_rate", 0.04, 0.15, log=True),
        least_rows=trial.suggest_int("least_rows", 20, 400, log=True),
        penalty=trial.suggest_float("penalty", 0.1, 100.0, log=True),
        features=trial.suggest_float("features", 0.3, 0.9),
        truncation=trial.suggest_int("truncation", 5, 20),
    )


def _as_parameters(settings: TreeSettings) -> dict[str, float]:
    names = ("leaves", "learning_rate", "least_rows", "penalty", "features", "truncation")
    return {name: getattr(settings, name) for name in names}
