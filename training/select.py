"""Which kind of ranker, with which settings: chosen on queries held out from training.

What a kind gains is measured on splits that had no say in its settings, for the best of many
settings looks better than it is. The fused order wins unless a kind beats it by more than the
standard error of the difference: few judgments cannot tell a small gain from chance, and a model
must not be worse than what it reorders. Among kinds that are about as good the simplest wins
(Breiman et al. 1984, section 3.4.3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from training.effort import Effort
from training.linear import Linear
from training.scorers import KINDS, Choice, Gain, Kind, Scorer, blend
from training.searching import Tried, linear_fits, search_linear, search_trees, tree_fits
from training.splits import Split, split_queries
from training.tables import Tables, Values
from training.ticking import Tick, unheard
from training.trees import TreeSettings

NEARLY = 0.5
"""How many standard errors behind the best a simpler kind is as good."""


def choosing_fits(effort: Effort, kinds: Sequence[Kind]) -> int:
    """How often `choose` ticks."""
    fits = linear_fits(effort)
    if "stacked" in kinds:
        fits += tree_fits(effort)
    if "trees" in kinds or "blend" in kinds:
        fits += tree_fits(replace(effort, trials=0) if "stacked" in kinds else effort)
    return fits


def choose(
    tables: Tables,
    effort: Effort,
    seed: int,
    kinds: Sequence[Kind] = KINDS,
    tick: Tick = unheard,
) -> Choice:
    """Chooses among `kinds`; settings of those that were not asked for are the first in `effort`.
    Ticks with every ranker that was fitted.

    Raises:
        BadInput: fewer queries than folds.
    """
    splits = split_queries(tables, effort, seed)
    linear = search_linear(splits, effort, tick)
    starts = linear.fitted()
    gains: dict[Kind, list[Values]] = {
        "fused": [np.zeros(len(split.fused)) for split in splits],
        "linear": linear.gains(),
    }
    trees = stacked = effort.preset
    share = effort.shares[0]
    if "stacked" in kinds:
        found = search_trees(splits, starts, effort, seed, tick)
        stacked, gains["stacked"] = found.settings(), found.gains()
    if "trees" in kinds or "blend" in kinds:
        settled = replace(effort, trials=0, preset=_afresh(stacked, effort))
        found = search_trees(
            splits,
            [split.problem.prior for split in splits],
            settled if "stacked" in kinds else effort,
            seed,
            tick,
        )
        trees, gains["trees"] = found.settings(), found.gains()
        blends = _blends(splits, starts, found.scorers(), effort)
        share, gains["blend"] = effort.shares[blends.best()], blends.gains()
    # Where one split decided on the settings, only the others may compare.
    first = 1 if effort.trials else 0
    compared = {
        kind: np.concatenate(gains[kind][first:])
        for kind in KINDS
        if kind in gains and (kind == "fused" or kind in kinds)
    }
    measured = {kind: _gain(values) for kind, values in compared.items()}
    return Choice(winner(compared), linear.settings(), trees, stacked, share, measured)


def winner(gains: Mapping[Kind, Values]) -> Kind:
    """The simplest kind that is as good as the best, whose gains over the fused order these are,
    one a query: it falls behind by no more than `NEARLY` standard errors of the difference. The
    fused order must fall behind by more than a whole one to be left."""
    best = max(gains, key=lambda kind: float(gains[kind].mean()))
    lead = _gain(gains[best])
    if lead.mean <= lead.error:
        return "fused"
    behind = {kind: _gain(gains[best] - values) for kind, values in gains.items()}
    return next(
        kind
        for kind in KINDS[1:]
        if kind in gains and behind[kind].mean <= NEARLY * behind[kind].error
    )


def _afresh(settings: TreeSettings, effort: Effort) -> TreeSettings:
    return replace(settings, rounds=effort.preset.rounds)


def _gain(values: Values) -> Gain:
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.inf
    return Gain(float(values.mean()), float(error))


def _blends(
    splits: Sequence[Split],
    linears: Sequence[Linear],
    trees: Sequence[Scorer],
    effort: Effort,
) -> Tried:
    return Tried(
        [
            np.stack(
                [
                    split.gain(blend(Scorer(linear), grown, share, split.train))
                    for share in effort.shares
                ]
            )
            for split, linear, grown in zip(splits, linears, trees, strict=True)
        ]
    )
