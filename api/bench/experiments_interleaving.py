"""Evidence for interleaving and for stopping: errors when nothing differs, clicks by chance, the
sign against the truth, sessions against an A/B test, many rankers against two."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from api.bench.experiments_interleaving_tables import MEASURES, tables
from api.bench.experiments_interleaving_worlds import Judged, make_judged_shop, read_ltr
from api.interleaving.clicks import SHOPPERS
from api.interleaving.runs import Contest
from api.interleaving.simulation import Setting, differences, simulate
from eval.interleaving import INTERLEAVERS, interleaver
from eval.stopping import confidence_sequence, decided_at, excludes_zero_at, sign_e_values
from training.simulation import draw_outcomes

Amounts = NDArray[np.float64]
Rows = list[dict[str, Any]]
Say = Callable[[str], None]

__all__ = ["run", "tables"]

ALPHA, UNITS, LEAST = 0.05, 5_000, 100
Z = 1.959963984540054
POWER = 0.8415 + Z
"""Standard errors that a difference must be away from 0 to be found 8 times in 10."""
QUERIES = 60
"""Queries of each of many comparisons."""
MODELS = ("navigational", "joachims", "dbn")


class Plan(Protocol):
    """What is asked for: where the public data is, and fewer repeats for a quick look."""

    @property
    def real(self) -> Path:
        """The folder of public data."""
        ...

    @property
    def quick(self) -> bool:
        """Whether a tenth of the repeats will do."""
        ...


def run(plan: Plan, say: Say) -> dict[str, Any]:
    """Every figure, as plain values."""
    part = 10 if plan.quick else 1
    ltr, shop = read_ltr(plan.real / "ltr"), make_judged_shop()
    result: dict[str, Any] = {}
    for name, found in (
        ("peeking", lambda: peeking(ltr, 2_000 // part, 6_000 // part)),
        ("blind", lambda: blind_clicks(ltr, 16_000 // part)),
        ("signs", lambda: signs((ltr, shop), 50 // part, 1_500)),
        ("sessions", lambda: sessions_needed((ltr, shop), 10_000 // part)),
        ("power", lambda: power_at(ltr, 16_000 // part, 1_000)),
        ("many", lambda: many_and_two((ltr, shop), 5 // part + 1, 1_000)),
    ):
        say(f"interleaving: {name}")
        result[name] = found()
    return result


def peeking(judged: Judged, repeats: int, pool: int) -> Rows:
    """How often two rankers of the same worth are said to differ by who looks after every unit
    from the 100th to the 5,000th. The rankers see grades through independent noise of the same
    size; which is called A is tossed anew each session, so that nothing differs. Units are drawn
    from `pool` simulated sessions."""
    rng = np.random.default_rng(2)
    contest = judged.contest(("A", "B"), [judged.noisy(1.0, rng), judged.noisy(1.0, rng)])
    found = []
    for name in INTERLEAVERS:
        setting = Setting(interleaver(name), SHOPPERS["joachims"])
        earned = differences(simulate(contest, setting, pool, seed=3))
        found.append({"method": name, **_errors(earned, repeats, rng)})
    return found


def _errors(earned: Amounts, repeats: int, rng: np.random.Generator) -> dict[str, Any]:
    wrong = np.zeros(3)
    batches = np.array_split(np.arange(repeats), max(repeats // 100, 1))
    for batch in batches:
        size = (len(batch), UNITS)
        drawn = earned[rng.integers(len(earned), size=size)] * rng.choice([-1.0, 1.0], size)
        mean, low, high = confidence_sequence(drawn, ALPHA, least=LEAST)
        wrong += [
            (decided_at(sign_e_values(drawn), ALPHA) > 0).sum(),
            (excludes_zero_at(low, high) > 0).sum(),
            _z_test_errs(drawn, mean).sum(),
        ]
    names = ("e_value", "sequence", "z_test")
    return {"repeats": repeats} | {
        name: _share(int(count), repeats) for name, count in zip(names, wrong, strict=True)
    }


def _z_test_errs(drawn: Amounts, mean: Amounts) -> NDArray[np.bool_]:
    units = np.arange(1, drawn.shape[1] + 1)
    spread = np.sqrt(np.maximum((drawn * drawn).cumsum(axis=1) / units - mean * mean, 1e-18))
    beyond = np.abs(mean) * np.sqrt(units) > Z * spread
    return np.asarray(beyond[:, LEAST - 1 :].any(axis=1))


def blind_clicks(judged: Judged, sessions: int) -> Rows:
    """What a clicker who does not look gives a ranking over its worsened copy."""
    rng = np.random.default_rng(4)
    better = judged.noisy(1.0, rng)
    contest = judged.contest(("A", "B"), [better, judged.worse(better, 1.5, 1.0, rng)])
    found = []
    for name in INTERLEAVERS:
        setting = Setting(interleaver(name), SHOPPERS["random"])
        earned = differences(simulate(contest, setting, sessions, seed=5))
        error = float(earned.std()) / math.sqrt(sessions)
        mean = float(earned.mean())
        low, high = mean - Z * error, mean + Z * error
        holds = low <= 0 <= high
        counts = {"wins": int((earned > 0).sum()), "losses": int((earned < 0).sum())}
        found.append(
            {"method": name, "mean": mean, "low": low, "high": high, "holds": holds} | counts
        )
    return found


def signs(every: tuple[Judged, ...], count: int, sessions: int) -> Rows:
    """How often the mean credit has the sign of the true difference in DCG@10, of pairs that are
    well apart: by at least 5% of the better one's DCG."""
    rng = np.random.default_rng(6)
    contests = [_apart(judged.some(QUERIES, rng), rng) for judged in every for _ in range(count)]
    found = []
    for name in INTERLEAVERS:
        right = 0
        for number, contest in enumerate(contests):
            setting = Setting(interleaver(name), SHOPPERS[MODELS[number % len(MODELS)]])
            earned = differences(simulate(contest, setting, sessions, seed=number))
            right += bool(np.sign(earned.mean()) == np.sign(_gap(contest)))
        found.append(
            {"method": name, "sessions": sessions, "pairs": len(contests)}
            | {"right": _share(right, len(contests))}
        )
    return found


def _apart(judged: Judged, rng: np.random.Generator) -> Contest:
    while True:
        scores = [judged.noisy(noise, rng) for noise in rng.uniform(0.5, 4.0, 2)]
        contest = judged.contest(("A", "B"), scores)
        dcg = contest.dcg(10)
        assert dcg is not None
        if abs(dcg[0] - dcg[1]) >= 0.05 * dcg.max():
            return contest


def _gap(contest: Contest) -> float:
    dcg = contest.dcg(10)
    assert dcg is not None
    return float(dcg[0] - dcg[1])


def sessions_needed(every: tuple[Judged, ...], sessions: int) -> Rows:
    """Sessions that interleaving and an A/B test need to find the same difference 8 times in 10
    with one look at the end: 7.85 variances over the squared mean difference. B is A with noise
    added, on every query or on one in four."""
    found = []
    for judged in every:
        for share in (1.0, 0.25):
            rng = np.random.default_rng(7)
            better = judged.noisy(1.0, rng)
            worse = judged.worse(better, 1.5, share, rng)
            contest = judged.contest(("A", "B"), [better, worse])
            for model in MODELS:
                case = {"data": judged.name, "share": share, "model": model}
                found.append(case | _needed(contest, model, sessions))
    return found


def _needed(contest: Contest, model: str, sessions: int) -> dict[str, Any]:
    alone = _alone(contest, model, 40 * sessions)
    strengths = {
        measure: _strength_alone(*(arm[:, number] for arm in alone))
        for number, measure in enumerate(MEASURES)
    }
    row: dict[str, Any] = {"ab": {measure: _count(each[0]) for measure, each in strengths.items()}}
    for name in INTERLEAVERS:
        setting = Setting(interleaver(name), SHOPPERS[model])
        earned = differences(simulate(contest, setting, sessions, seed=8))
        strength = (_strength(earned), 1 / math.sqrt(sessions))
        row[name] = {
            "sessions": _count(strength[0]),
            "fewer": {m: _ratio(strength, each) for m, each in strengths.items()},
        }
    return row


def _alone(contest: Contest, model: str, sessions: int) -> list[Amounts]:
    """Clicks, whether there was any, and orders of sessions that see one ranking each: (sessions,
    measures), a ranking after the other."""
    rng, length = np.random.default_rng(9), 10
    arms = []
    for arm in range(2):
        grades = np.zeros((len(contest.queries), length))
        assert contest.grades is not None
        for row, lists, worth in zip(grades, contest.rankings, contest.grades, strict=True):
            items = lists[arm][:length]
            row[: len(items)] = worth[items]
        seen = grades[rng.integers(len(grades), size=sessions)]
        clicks = SHOPPERS[model].draw(seen, rng)
        _, orders = draw_outcomes(clicks, seen, rng)
        measured = (clicks.sum(axis=1), clicks.any(axis=1), orders.sum(axis=1))
        arms.append(np.stack(measured, axis=1).astype(np.float64))
    return arms


def _strength_alone(one: Amounts, other: Amounts) -> tuple[float, float]:
    """Standard errors a square root of sessions, of both arms together, and its own error."""
    spread = math.sqrt(2 * (one.var() + other.var())) or 1.0
    return float(one.mean() - other.mean()) / spread, 1 / math.sqrt(2 * len(one))


def _strength(earned: Amounts) -> float:
    """Standard errors a square root of sessions."""
    return float(earned.mean() / (earned.std() or 1.0))


def _count(strength: float) -> int:
    return math.ceil((POWER / max(abs(strength), 1e-9)) ** 2)


def _ratio(mine: tuple[float, float], other: tuple[float, float]) -> dict[str, float | bool]:
    """How many times fewer sessions, with a 95% interval; and whether both find the same sign."""
    rng = np.random.default_rng(10)
    drawn = [rng.normal(*each, 4000) for each in (mine, other)]
    ratios = drawn[0] ** 2 / np.maximum(drawn[1] ** 2, 1e-12)
    low, high = np.quantile(ratios, [0.025, 0.975]).tolist()
    times = (mine[0] / (other[0] or 1e-9)) ** 2
    return {"times": times, "low": low, "high": high, "agree": mine[0] * other[0] > 0}


def power_at(judged: Judged, sessions: int, repeats: int) -> dict[str, Any]:
    """Whether the counts of `sessions_needed` are right: how often each test finds the difference
    with so many sessions, drawn from simulated ones."""
    rng = np.random.default_rng(7)
    better = judged.noisy(1.0, rng)
    contest = judged.contest(("A", "B"), [better, judged.worse(better, 1.5, 1.0, rng)])
    setting = Setting(interleaver("team-draft"), SHOPPERS["joachims"])
    earned = differences(simulate(contest, setting, sessions, seed=8))
    arms = [arm[:, 0] for arm in _alone(contest, "joachims", 40 * sessions)]
    counts = (_count(_strength(earned)), _count(_strength_alone(*arms)[0]))
    half = counts[1] // 2
    hits = [0, 0]
    for _ in range(repeats):
        one = rng.choice(earned, counts[0])
        hits[0] += bool(one.mean() > Z * one.std() / math.sqrt(counts[0]))
        a, b = (rng.choice(arm, half) for arm in arms)
        hits[1] += bool(a.mean() - b.mean() > Z * math.sqrt((a.var() + b.var()) / half))
    names = ("team-draft", "A/B, clicks a session")
    return {
        name: {"sessions": count, "found": _share(hit, repeats)}
        for name, count, hit in zip(names, counts, hits, strict=True)
    }


def many_and_two(every: tuple[Judged, ...], count: int, sessions: int) -> Rows:
    """Whether multileaving of four rankers orders their pairs as team-draft of two does, and as the
    truth does, of pairs at least 5% of DCG@10 apart. As many sessions in all: `sessions` a pair."""
    rng = np.random.default_rng(11)
    methods = [name for name, each in INTERLEAVERS.items() if each.most is None]
    totals = {name: np.zeros(3, np.int64) for name in methods}
    for every_query in every:
        for number in range(count):
            judged, noises = every_query.some(QUERIES, rng), (0.5, 1.2, 2.2, 4.0)
            contest = judged.contest("ABCD", [judged.noisy(noise, rng) for noise in noises])
            for name, row in _agreements(contest, methods, sessions, number).items():
                totals[name] += row
    return [
        {"method": name, "pairs": int(pairs)}
        | {"two": _share(int(two), int(pairs)), "truth": _share(int(truth), int(pairs))}
        for name, (pairs, two, truth) in totals.items()
    ]


def _agreements(
    contest: Contest, methods: list[str], sessions: int, seed: int
) -> dict[str, tuple[int, int, int]]:
    """Of each method: pairs, of these as two interleaved, and as the truth."""
    model, dcg = SHOPPERS[MODELS[seed % len(MODELS)]], contest.dcg(10)
    assert dcg is not None
    pairs = [(a, b) for a, b in combinations(range(4), 2) if dcg[a] - dcg[b] >= 0.05 * dcg.max()]
    two = [
        np.sign(
            differences(
                simulate(
                    _only(contest, pair), Setting(interleaver("team-draft"), model), sessions, seed
                )
            ).mean()
        )
        for pair in pairs
    ]
    found = {}
    for name in methods:
        earned = simulate(contest, Setting(interleaver(name), model), 6 * sessions, seed)
        said = [np.sign(differences(earned, *pair).mean()) for pair in pairs]
        agree = sum(one == other for one, other in zip(said, two, strict=True))
        found[name] = (len(pairs), int(agree), sum(int(each > 0) for each in said))
    return found


def _only(contest: Contest, pair: tuple[int, int]) -> Contest:
    rankings = tuple((lists[pair[0]], lists[pair[1]]) for lists in contest.rankings)
    return replace(contest, names=tuple(contest.names[n] for n in pair), rankings=rankings)


def _share(hits: int, of: int) -> dict[str, float]:
    """A share with its 95% interval (Wilson 1927)."""
    share, extra = hits / of, Z * Z / of
    middle = (share + extra / 2) / (1 + extra)
    half = Z * math.sqrt(share * (1 - share) / of + extra / (4 * of)) / (1 + extra)
    return {"share": share, "low": max(middle - half, 0.0), "high": min(middle + half, 1.0)}
