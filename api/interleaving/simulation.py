"""Shoppers on interleaved lists, and on one ranking each for comparison."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from api.interleaving.runs import Contest
from eval.interleaving import Interleaved, Interleaver, debiased_credit, expected_exposure
from search.errors import BadInput
from training.simulation import ClickModel

Amounts = NDArray[np.float64]
Told = Callable[[str, int, int | None], None]

LENGTH = 10
"""Places a shopper is shown."""
_BATCH = 500
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Setting:
    """Who interleaves, who clicks, on how many places, and how credit is given. `draws` is of lists
    for an exposure that has no exact form."""

    method: Interleaver
    shopper: ClickModel
    length: int = LENGTH
    debiased: bool = False
    draws: int = 300

    def examined(self) -> Amounts:
        """How likely each place is looked at.

        Raises:
            BadInput: that depends on more than the place.
        """
        examined = self.shopper.examination(self.length)
        if examined is None:
            raise BadInput(
                f"{self.shopper.name} shoppers have no propensities, which debiased credit needs; "
                "use --clicks random, joachims or ultra, or leave --debiased out",
                field="clicks",
            )
        return examined


def simulate(
    contest: Contest, setting: Setting, sessions: int, seed: int, told: Told | None = None
) -> Amounts:
    """What each ranking earned in each session, float64 of shape (sessions, rankings). Each session
    asks one query, all of them as often. The same seed gives the same sessions."""
    rng, random = np.random.default_rng([seed, 1]), Random(seed)
    credit = _crediting(contest, setting, seed)
    queries = rng.integers(len(contest.queries), size=sessions)
    earned = np.zeros((sessions, len(contest.names)))
    for begin in range(0, sessions, _BATCH):
        asked = queries[begin : begin + _BATCH].tolist()
        shown = [setting.method(contest.rankings[q], random, setting.length) for q in asked]
        clicks = _clicks(contest, setting, asked, [each.items for each in shown], rng)
        for row, (query, each) in enumerate(zip(asked, shown, strict=True)):
            if clicks[row].any():
                earned[begin + row] = credit(query, each, clicks[row, : len(each)])
        if told is not None:
            told("sessions", begin + len(asked), sessions)
    return earned


def differences(earned: Amounts, one: int = 0, other: int = 1) -> Amounts:
    """What one ranking earned over another in each session; rounding is no difference."""
    found = earned[:, one] - earned[:, other]
    return np.where(np.abs(found) < _ROUNDING, 0.0, found)


def clicks_alone(contest: Contest, setting: Setting, sessions: int, seed: int) -> Amounts:
    """The clicks of sessions that see one ranking each, as an A/B test shows them: float64 of shape
    (sessions, rankings); each column has sessions of its own."""
    rng = np.random.default_rng([seed, 2])
    counted = np.zeros((sessions, len(contest.names)))
    for arm in range(len(contest.names)):
        queries = rng.integers(len(contest.queries), size=sessions).tolist()
        for begin in range(0, sessions, _BATCH):
            asked = queries[begin : begin + _BATCH]
            shown = [contest.rankings[query][arm][: setting.length] for query in asked]
            clicks = _clicks(contest, setting, asked, shown, rng)
            counted[begin : begin + len(asked), arm] = clicks.sum(axis=1)
    return counted


def _clicks(
    contest: Contest,
    setting: Setting,
    queries: Sequence[int],
    shown: Sequence[NDArray[np.int32]],
    rng: np.random.Generator,
) -> Amounts:
    """Clicks on each session's list, float64 of shape (sessions, length)."""
    grades = np.zeros((len(queries), setting.length))
    there = np.zeros(grades.shape, np.bool_)
    for row, (query, items) in enumerate(zip(queries, shown, strict=True)):
        there[row, : len(items)] = True
        if contest.grades is not None:
            grades[row, : len(items)] = contest.grades[query][items]
    return (setting.shopper.draw(grades, rng) & there).astype(np.float64)


def _crediting(contest: Contest, setting: Setting, seed: int) -> Callable[..., Amounts]:
    if not setting.debiased:
        return lambda _, shown, clicks: setting.method.credit(shown, clicks)
    examined, known = setting.examined(), dict[int, Amounts]()

    def debiased(query: int, shown: Interleaved, clicks: Amounts) -> Amounts:
        if query not in known:
            lists = contest.rankings[query]
            every = np.arange(1 + max(int(each.max(initial=-1)) for each in lists), dtype=np.int32)
            known[query] = expected_exposure(
                setting.method, lists, every, examined, draws=setting.draws, seed=seed
            )
        exposure = known[query][shown.items]
        # An item that the draws never showed counts as seen in one of them.
        exposure = np.maximum(exposure, examined.min() / setting.draws)
        depth = max(setting.length // 2, 1)
        return debiased_credit(shown, clicks, exposure, examined, depth)

    return debiased
