"""Settings of one kind of ranker, tried on several splits of the queries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from training.effort import Effort
from training.linear import Linear, LinearSettings, fit_linear
from training.scorers import Scorer
from training.splits import Split
from training.tables import Values
from training.ticking import Tick, unheard
from training.trees import Trees, TreeSettings, fit_trees, smoothed
from training.tuning import tune

Fitted = TypeVar("Fitted")


@dataclass(frozen=True, slots=True)
class Tried:
    """What each setting gained over the fused order: for each split float64 of shape (settings,
    queries held out)."""

    table: Sequence[NDArray[np.float64]]

    def best(self, without: int | None = None) -> int:
        """The setting with the best mean, `without` the queries of one split unless it is the only
        one; the earlier one wins ties."""
        parts = [part for i, part in enumerate(self.table) if i != without or len(self.table) == 1]
        return int(np.argmax(self._means(np.concatenate(parts, axis=1))))

    def gains(self) -> list[Values]:
        """For each split, what the setting gained there that the other splits chose."""
        return [part[self.best(without=i)] for i, part in enumerate(self.table)]

    def _means(self, part: NDArray[np.float64]) -> Values:
        return np.asarray(part.mean(axis=1), np.float64)


@dataclass(frozen=True, slots=True)
class TriedRounds(Tried):
    """The same where setting r is r + 1 trees: what counts is the smoothed curve."""

    def _means(self, part: NDArray[np.float64]) -> Values:
        return smoothed(part.mean(axis=1))


@dataclass(frozen=True, slots=True)
class LinearSearch:
    """The linear ranker under several settings; `linears[s][i]` is setting s on split i."""

    tried: Tried
    asked: Sequence[LinearSettings]
    linears: Sequence[Sequence[Linear]]

    def settings(self) -> LinearSettings:
        """The best on all splits."""
        return self.asked[self.tried.best()]

    def fitted(self) -> list[Linear]:
        """For each split the ranker whose setting the other splits chose."""
        splits = range(len(self.tried.table))
        return [self.linears[self.tried.best(without=i)][i] for i in splits]

    def gains(self) -> list[Values]:
        """As `Tried.gains`."""
        return self.tried.gains()


@dataclass(frozen=True, slots=True)
class TreeSearch:
    """Trees of one setting on several splits, and how many of them are best."""

    tried: TriedRounds
    asked: TreeSettings
    starts: Sequence[Linear]
    grown: Sequence[Trees]

    def settings(self) -> TreeSettings:
        """With the number of trees that is best on all splits."""
        return replace(self.asked, rounds=self.tried.best() + 1)

    def scorers(self) -> list[Scorer]:
        """For each split its trees, as many as the other splits chose."""
        return [
            Scorer(start, replace(trees, rounds=self.tried.best(without=i) + 1), 1.0)
            for i, (start, trees) in enumerate(zip(self.starts, self.grown, strict=True))
        ]

    def gains(self) -> list[Values]:
        """As `Tried.gains`."""
        return self.tried.gains()


def search_linear(splits: Sequence[Split], effort: Effort, tick: Tick = unheard) -> LinearSearch:
    """Changes one setting after the other and keeps what is better; the stronger prior wins
    ties."""
    best = LinearSettings(effort.penalties[0], effort.unjudged[0], keep=effort.keep[0])
    asked, linears, gains = [], [], []
    score = -np.inf
    for change in _changes(effort):
        settings = change(best)
        fitted = [_ticked(fit_linear(split.problem, settings), tick) for split in splits]
        gained = [split.gain(linear) for split, linear in zip(splits, fitted, strict=True)]
        asked.append(settings)
        linears.append(fitted)
        gains.append(gained)
        if (value := float(np.concatenate(gained).mean())) > score:
            best, score = settings, value
    tried = Tried([np.stack(part) for part in zip(*gains, strict=True)])
    return LinearSearch(tried, asked, linears)


def linear_fits(effort: Effort) -> int:
    """How many rankers `search_linear` fits, a tick each."""
    return sum(1 for _ in _changes(effort)) * effort.used


def tree_fits(effort: Effort) -> int:
    """The same of `search_trees`."""
    return effort.trials + effort.used


def _ticked(fitted: Fitted, tick: Tick) -> Fitted:
    tick()
    return fitted


def _changes(effort: Effort) -> Iterator[Callable[[LinearSettings], LinearSettings]]:
    yield lambda now: now
    for penalty in effort.penalties[1:]:
        yield lambda now, to=penalty: replace(now, penalty=to)  # type: ignore[misc]
    yield lambda now: replace(now, focus=not now.focus)
    for unjudged in effort.unjudged[1:]:
        yield lambda now, to=unjudged: replace(now, unjudged=to)  # type: ignore[misc]
    for keep in effort.keep[1:]:
        yield lambda now, to=keep: replace(now, keep=to)  # type: ignore[misc]


def search_trees(
    splits: Sequence[Split],
    starts: Sequence[Linear],
    effort: Effort,
    seed: int,
    tick: Tick = unheard,
) -> TreeSearch:
    """Trees on top of each split's start. With `trials` the settings are tuned on the first split
    alone; the others may then compare."""
    settings = replace(effort.preset, seed=seed)
    if effort.trials:
        split, start = splits[0], starts[0]
        scores = start.scores(split.train.values)
        settings = tune(
            split.train, scores, split.validation(start), settings, effort.trials,
            effort.patience, seed, tick,
        )  # fmt: skip
    grown = [
        _ticked(
            fit_trees(
                split.train,
                start.scores(split.train.values),
                settings,
                split.validation(start),
                effort.patience,
            ),
            tick,
        )
        for split, start in zip(splits, starts, strict=True)
    ]
    shortest = min(len(each.curve) for each in grown)
    tables = [each.curve[:shortest] - s.fused for s, each in zip(splits, grown, strict=True)]
    return TreeSearch(TriedRounds(tables), settings, starts, grown)
