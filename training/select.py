"""Which kind of ranker, with which settings: chosen on queries held out from training.

The fused order wins unless a kind beats it by more than the standard error of the difference: few
judgments cannot tell a small gain from chance, and a model must not be worse than what it reorders.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from eval import folds
from training.effort import Effort
from training.linear import Linear, LinearSettings, Problem, fit_linear, prepare
from training.measures import Yardstick, yardstick
from training.scorers import KINDS, Choice, Gain, Kind, Scorer, blend
from training.tables import Tables, Values
from training.trees import Trees, TreeSettings, Validation, best_round, fit_trees
from training.tuning import tune


@dataclass(frozen=True, slots=True)
class Split:
    """Queries to train on, and others to measure on. `fused` is the fused order's nDCG there."""

    train: Tables
    problem: Problem
    held_out: Yardstick
    fused: Values

    def gain(self, scorer: Linear | Scorer) -> Values:
        """By how much its nDCG is above the fused order's, for each query held out."""
        return self.held_out.ndcg(scorer.scores(self.held_out.tables.values)) - self.fused

    def validation(self, start: Linear) -> Validation:
        """The queries held out, for trees that start from a linear ranker."""
        return Validation(self.held_out, start.scores(self.held_out.tables.values))


def choose(tables: Tables, effort: Effort, seed: int, kinds: Sequence[Kind] = KINDS) -> Choice:
    """Chooses among `kinds`; settings of those that were not asked for are the first in `effort`.

    Raises:
        BadInput: fewer queries than folds.
    """
    splits = _splits(tables, effort, seed)
    settings, linears = _linear(splits, effort)
    gains: dict[Kind, Values] = {
        "fused": np.zeros(sum(map(len, (split.fused for split in splits)))),
        "linear": _gains(splits, linears),
    }
    trees = stacked = effort.presets[0]
    share = effort.shares[0]
    if "stacked" in kinds:
        stacked, scorers = _trees(splits, linears, effort, effort.presets, seed)
        gains["stacked"] = _gains(splits, scorers)
    if "trees" in kinds or "blend" in kinds:
        presets = effort.presets if not effort.trials or "stacked" not in kinds else (stacked,)
        tuned = replace(effort, trials=0) if "stacked" in kinds else effort
        priors = [split.problem.prior for split in splits]
        presets = tuple(replace(each, rounds=effort.presets[0].rounds) for each in presets)
        trees, scorers = _trees(splits, priors, tuned, presets, seed)
        gains["trees"] = _gains(splits, scorers)
        share, gains["blend"] = _blend(splits, linears, scorers, effort)
    compared = {kind: _gain(gains[kind]) for kind in KINDS if kind in gains and _asked(kind, kinds)}
    return Choice(_winner(compared), settings, trees, stacked, share, compared)


def _asked(kind: Kind, kinds: Sequence[Kind]) -> bool:
    return kind == "fused" or kind in kinds


def _winner(gains: dict[Kind, Gain]) -> Kind:
    best = max(gains, key=lambda kind: gains[kind].mean)
    return best if gains[best].mean > gains[best].error else "fused"


def _gain(values: Values) -> Gain:
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.inf
    return Gain(float(values.mean()), float(error))


def _gains(splits: Sequence[Split], scorers: Sequence[Linear] | Sequence[Scorer]) -> Values:
    gains = [split.gain(scorers[i]) for i, split in enumerate(splits)]
    return np.concatenate(gains)


def _splits(tables: Tables, effort: Effort, seed: int) -> list[Split]:
    splits = []
    for fold in folds(tables.texts, effort.folds, seed)[: effort.used]:
        train, held_out = tables.only(fold.train), yardstick(tables.only(fold.test))
        fused = held_out.ndcg(held_out.tables.fused)
        splits.append(Split(train, prepare(train, seed), held_out, fused))
    return splits


def _linear(splits: Sequence[Split], effort: Effort) -> tuple[LinearSettings, list[Linear]]:
    """One setting after the other, the rest as they are; the stronger prior wins ties."""
    best = LinearSettings(effort.penalties[0], effort.unjudged[0], keep=effort.keep[0])
    linears = [fit_linear(split.problem, best) for split in splits]
    score = float(_gains(splits, linears).mean())
    changes: list[Callable[[LinearSettings], LinearSettings]] = [
        *(lambda now, to=to: replace(now, penalty=to) for to in effort.penalties[1:]),
        lambda now: replace(now, focus=not now.focus),
        *(lambda now, to=to: replace(now, unjudged=to) for to in effort.unjudged[1:]),
        *(lambda now, to=to: replace(now, keep=to) for to in effort.keep[1:]),
    ]
    for change in changes:
        settings = change(best)
        tried = [fit_linear(split.problem, settings) for split in splits]
        if (value := float(_gains(splits, tried).mean())) > score:
            best, linears, score = settings, tried, value
    return best, linears


def _trees(
    splits: Sequence[Split],
    starts: Sequence[Linear],
    effort: Effort,
    presets: Sequence[TreeSettings],
    seed: int,
) -> tuple[TreeSettings, list[Scorer]]:
    """The preset (or what tuning makes of it) with the best nDCG held out, and its trees, cut where
    the mean curve of all splits peaks."""
    found = []
    for preset in presets:
        settings, grown = _grow(splits, starts, replace(preset, seed=seed), effort, seed)
        sizes = np.array([len(split.fused) for split in splits], np.float64)
        shortest = min(len(each.curve) for each in grown)
        curve = np.average([each.curve[:shortest] for each in grown], axis=0, weights=sizes)
        rounds = best_round(curve)
        found.append((float(curve[rounds - 1]), replace(settings, rounds=rounds), grown))
    _, settings, grown = max(found, key=lambda each: each[0])
    scorers = [
        Scorer(start, Trees(each.booster, settings.rounds, each.curve), 1.0)
        for start, each in zip(starts, grown, strict=True)
    ]
    return settings, scorers


def _grow(
    splits: Sequence[Split],
    starts: Sequence[Linear],
    settings: TreeSettings,
    effort: Effort,
    seed: int,
) -> tuple[TreeSettings, list[Trees]]:
    if effort.trials:
        split, start = splits[0], starts[0]
        scores, held_out = start.scores(split.train.values), split.validation(start)
        tuned, trees = tune(
            split.train, scores, held_out, settings, effort.trials, effort.patience, seed
        )
        return tuned, [trees]
    # Rounds are compared over all splits, so none stops early on its own few queries.
    patience = effort.patience if len(splits) == 1 else None
    return settings, [
        fit_trees(
            split.train,
            start.scores(split.train.values),
            settings,
            split.validation(start),
            patience,
        )
        for split, start in zip(splits, starts, strict=True)
    ]


def _blend(
    splits: Sequence[Split],
    linears: Sequence[Linear],
    trees: Sequence[Scorer],
    effort: Effort,
) -> tuple[float, Values]:
    tried = {}
    for share in effort.shares:
        blends = [
            blend(Scorer(linear), each, share, split.train)
            for split, linear, each in zip(splits, linears, trees, strict=True)
        ]
        tried[share] = _gains(splits, blends)
    best = max(tried, key=lambda share: float(tried[share].mean()))
    return best, tried[best]
