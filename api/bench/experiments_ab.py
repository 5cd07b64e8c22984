"""Evidence for A/B tests: errors when nothing differs, looked at after every unit, what history
saves, errors of the test of the split, and whether it finds what is broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from api.bench.tables import table
from eval.experiments.mismatch import LEVEL, chi_squared_p, log_e_value
from eval.experiments.ratio import Narrowing, narrowing
from eval.stopping import LEAST, excludes_zero_at

Amounts = NDArray[np.float64]
Say = Callable[[str], None]

ALPHA, UNITS = 0.05, 5_000
Z = 1.959963984540054
_BATCH = 50
EFFECTS = (0.05, 0.1, 0.2)
"""By how much more the candidate is clicked."""
_LOOKS = np.unique(np.geomspace(20, 20_000, 300).astype(np.int64))
"""After how many units the split is looked at: often at first, when it varies the most."""


class Asked(Protocol):
    """What `aisle bench experiments` was asked for."""

    @property
    def quick(self) -> bool:
        """Fewer repeats, for a look."""
        ...


@dataclass(frozen=True, slots=True)
class Shops:
    """Units of several tests, each of shape (tests, units): which arm, what they clicked, searched
    and spent, and what they clicked before, less the usual."""

    candidate: NDArray[np.bool_]
    clicks: Amounts
    searches: Amounts
    revenue: Amounts
    before: Amounts


def run(plan: Asked, say: Say) -> dict[str, Any]:
    """Every figure; `gates` hold a figure, its limits and whether it is met."""
    part = 10 if plan.quick else 1
    say("A/B: nothing differs, looked at after every unit")
    peeking = nothing_differs(2_000 // part)
    say("A/B: clicks differ")
    power = [something_differs(effect, 400 // part) for effect in EFFECTS]
    say("A/B: the split")
    split = fair_splits(40_000 // part)
    broken = [broken_splits(share, 2_000 // part) for share in (0.51, 0.52, 0.55)]
    gates = [_gate(f"errs, {row['metric']}", row["sequence"], ALPHA) for row in peeking]
    gates += [
        _gate("split, one look", split["one_look"], LEVEL),
        _gate("split, e-value at any look", split["any_look"], LEVEL),
    ]
    return {
        "peeking": peeking,
        "power": power,
        "split": split,
        "broken": broken,
        "gates": gates,
    }


def drawn(rng: np.random.Generator, tests: int, effect: float = 0.0) -> Shops:
    """Shoppers who each click at a rate of their own and search about two and a half times; of
    fifty clicks one is followed by a purchase, of a skewed amount. Those of the candidate click by
    `effect` more often."""
    shape = (tests, UNITS)
    candidate = rng.random(shape) < 0.5
    rate = rng.gamma(2.0, 0.2, shape)
    searches = rng.geometric(0.4, shape).astype(np.float64)
    clicks = rng.poisson(rate * searches * np.where(candidate, 1 + effect, 1.0))
    bought = rng.binomial(clicks, 0.02)
    revenue = bought * rng.lognormal(3.0, 1.0, shape)
    before = np.asarray(rng.poisson(rate * 8.0) - 8.0 * 0.4, np.float64)
    return Shops(candidate, clicks.astype(np.float64), searches, revenue, before)


def nothing_differs(repeats: int) -> list[dict[str, Any]]:
    """How often an A/A test is said to differ by who looks after every unit from when either arm
    has 100 up to 5,000 units, by the confidence sequence and by a plain z-test."""
    rng = np.random.default_rng(11)
    names = ("clicks a search", "clicks a search, with history", "revenue a shopper")
    wrong = {name: np.zeros(2, np.int64) for name in names}
    for tests in _batches(repeats):
        shops = drawn(rng, tests)
        for name, path in zip(names, _paths(shops), strict=True):
            wrong[name] += _errors(path)
    return [
        {
            "metric": name,
            "tests": repeats,
            "sequence": float(count[0]) / repeats,
            "z_test": float(count[1]) / repeats,
        }
        for name, count in wrong.items()
    ]


def _paths(shops: Shops) -> Iterator[Narrowing]:
    one = np.ones_like(shops.searches)
    yield narrowing(shops.candidate, shops.clicks, shops.searches, alpha=ALPHA)
    yield narrowing(shops.candidate, shops.clicks, shops.searches, shops.before, alpha=ALPHA)
    yield narrowing(shops.candidate, shops.revenue, one, alpha=ALPHA)


def _errors(path: Narrowing) -> NDArray[np.int64]:
    """How many tests leave out 0 at some look, by the sequence and by a z-test."""
    sequence = (excludes_zero_at(path.low, path.high) > 0).sum()
    looked = np.isfinite(path.low)
    beyond = (np.abs(path.delta) > Z * path.error) & looked
    return np.array([sequence, beyond.any(axis=1).sum()], np.int64)


def something_differs(effect: float, repeats: int) -> dict[str, Any]:
    """How often, and after how many units, a difference is found, without history and with it."""
    rng = np.random.default_rng(12)
    at: list[list[NDArray[np.int64]]] = [[], []]
    saved: list[Amounts] = []
    for tests in _batches(repeats):
        plain, cuped, _ = _paths(drawn(rng, tests, effect))
        for kept, path in zip(at, (plain, cuped), strict=True):
            kept.append(excludes_zero_at(path.low, path.high))
        saved.append(1 - (cuped.error[:, -1] / plain.error[:, -1]) ** 2)
    plainly, with_history = (np.concatenate(each) for each in at)
    return {
        "effect": effect,
        "tests": repeats,
        "found": float((plainly > 0).mean()),
        "found_with_history": float((with_history > 0).mean()),
        "units": _median(plainly),
        "units_with_history": _median(with_history),
        "variance_saved": float(np.concatenate(saved).mean()),
    }


def _median(found: NDArray[np.int64]) -> int | None:
    """The median number of units, of all tests; None when half of them found nothing."""
    late = np.sort(np.where(found > 0, found, UNITS + 1))
    middle = int(late[len(late) // 2])
    return middle if middle <= UNITS else None


def fair_splits(repeats: int) -> dict[str, Any]:
    """How often a fair split is blamed: at one look at 20,000 units (either test), and by the
    e-value at any of 300 looks."""
    rng = np.random.default_rng(13)
    one, any_look = 0, 0
    for tests in _batches(repeats, 2_000):
        counts, log_e = _splits(rng, tests, 0.5)
        late = counts[:, -1]
        blamed = log_e[:, -1] >= np.log(2 / LEVEL)
        one += int((blamed | (chi_squared_p(late, np.full(2, 0.5)) < LEVEL / 2)).sum())
        any_look += int((log_e >= np.log(2 / LEVEL)).any(axis=1).sum())
    return {"tests": repeats, "one_look": one / repeats, "any_look": any_look / repeats}


def broken_splits(share: float, repeats: int) -> dict[str, Any]:
    """How often a split is found whose first arm has `share` of the units instead of half."""
    rng = np.random.default_rng(14)
    counts, log_e = _splits(rng, repeats, share)
    fair = np.full(2, 0.5)
    found = {}
    for units in (1_000, 5_000, 20_000):
        look = int(np.searchsorted(_LOOKS, units))
        clear = chi_squared_p(counts[:, look], fair) < LEVEL / 2
        found[str(units)] = float((clear | (log_e[:, look] >= np.log(2 / LEVEL))).mean())
    return {"share": share, "tests": repeats, "found": found}


def _splits(rng: np.random.Generator, tests: int, share: float) -> tuple[Amounts, Amounts]:
    """The units of both arms at each look, float64 (tests, looks, 2), with the log e-value."""
    new = np.diff(_LOOKS, prepend=0)
    first = rng.binomial(new, share, (tests, len(new))).cumsum(axis=1)
    counts = np.stack([first, _LOOKS - first], axis=-1).astype(np.float64)
    return counts, log_e_value(counts, np.full(2, 0.5))


def _batches(repeats: int, size: int = _BATCH) -> list[int]:
    return [min(size, repeats - begin) for begin in range(0, repeats, size)]


def _gate(name: str, figure: float, most: float) -> dict[str, Any]:
    return {"gate": name, "figure": figure, "limits": [0.0, most], "met": figure <= most}


def tables(result: dict[str, Any]) -> str:
    """The figures as Markdown."""
    return "\n\n".join(f"### {title}\n\n{body}" for title, body in _parts(result))


def _parts(result: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield (
        f"Nothing differs, looked at after every unit up to {UNITS:,} (from {LEAST} in each arm)",
        table(
            ["metric", "tests", "confidence sequence errs", "z-test errs"],
            [
                [r["metric"], f"{r['tests']:,}", f"{r['sequence']:.1%}", f"{r['z_test']:.1%}"]
                for r in result["peeking"]
            ],
        ),
    )
    yield (
        f"The candidate is clicked more: found within {UNITS:,} units, and after how many (median)",
        table(
            ["more clicks", "found", "with history", "units", "with history", "variance saved"],
            [
                [
                    f"{r['effect']:+.0%}",
                    f"{r['found']:.0%}",
                    f"{r['found_with_history']:.0%}",
                    _units(r["units"]),
                    _units(r["units_with_history"]),
                    f"{r['variance_saved']:.0%}",
                ]
                for r in result["power"]
            ],
        ),
    )
    split = result["split"]
    yield (
        f"A fair split of {split['tests']:,} tests is blamed",
        table(
            ["at one look", "by the e-value at any of 300 looks"],
            [[f"{split['one_look']:.3%}", f"{split['any_look']:.3%}"]],
        ),
    )
    yield (
        "A split that is not half and half is found",
        table(
            ["first arm's share", *(f"at {int(n):,} units" for n in result["broken"][0]["found"])],
            [
                [f"{r['share']:.0%}", *(f"{value:.0%}" for value in r["found"].values())]
                for r in result["broken"]
            ],
        ),
    )


def _units(count: int | None) -> str:
    return "–" if count is None else f"{count:,}"
