"""Off-policy estimates measured against simulated shops where the other order can be shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from api.off_policy.propensity import fitter
from eval.off_policy import METHODS, ClickLog, Order, Plan, compare, order_of
from training.simulation import CLICK_MODELS, ClickModel, World, make_world
from training.simulation.models import HIGHEST

Say = Callable[[str], None]
Amounts = NDArray[np.float64]

COVERAGE = (0.92, 0.97)
"""Gate on the share of 95% intervals that hold the truth."""
_QUERIES, _CANDIDATES, _DEPTH = 30, 12, 10
_RANKERS = (1.0, 1.5, 2.0)
_NOISE = 0.5
"""How far the candidate's scores stray from the grades; those of who logged stray by `_RANKERS`."""
_SWAPPED = 0.5
_TRUTH_SEARCHES = 4000
_SESSIONS, _MANY = 4000, 20_000


class Asked(Protocol):
    """What `aisle bench experiments` was asked for."""

    @property
    def quick(self) -> bool:
        """Fewer repeats, for a look."""
        ...


class Draws(Protocol):
    """Draws a log from a seed, with the candidate's scores and the true difference."""

    def __call__(self, model: ClickModel, sessions: int, seed: int) -> Drawn:
        """The same seed gives the same log."""
        ...


@dataclass(frozen=True, slots=True)
class Effort:
    """Repeats and resamples for coverage, repeats for bias."""

    repeats: int
    draws: int
    biased: int


FULL, QUICK = Effort(500, 80, 20), Effort(30, 40, 5)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A simulated log, a candidate's scores of its documents, and how many clicks a search it is
    truly worth more than what was logged."""

    log: ClickLog
    scores: Amounts
    truth: float


def run(plan: Asked, say: Say) -> dict[str, Any]:
    """Every figure; `gates` hold a figure, its limits and whether it is met."""
    effort = QUICK if plan.quick else FULL
    coverage = [
        _covered("position", "ultra", mixed_rankers, Plan(draws=effort.draws), effort, say),
        _covered(
            "position, plug-in",
            "ultra",
            mixed_rankers,
            Plan(draws=effort.draws, plug_in=True),
            effort,
            say,
        ),
        _covered(
            "randomized",
            "trust",
            explored,
            Plan("randomized", draws=effort.draws),
            effort,
            say,
        ),
    ]
    gates = [
        _gate(f"{row['method']}, {name}: coverage", row["coverage"][name])
        for row in coverage
        if row["method"] != "position, plug-in"
        for name in METHODS
    ]
    return {"coverage": coverage, "bias": _biases(effort, say), "gates": gates}


def _covered(
    method: str, model: str, draw: Draws, plan: Plan, effort: Effort, say: Say
) -> dict[str, Any]:
    """How often intervals hold the truth, and the errors of the estimates."""
    say(f"{method}: intervals of {effort.repeats} logs of {_SESSIONS:,} searches ({model} clicks)")
    held, errors, truths = [], [], []
    for seed in range(effort.repeats):
        drawn = draw(CLICK_MODELS[model], _SESSIONS, seed)
        found = compare(drawn.log, drawn.scores, None, fitter(), replace(plan, seed=seed))
        each = [found.differences[name] for name in METHODS]
        held.append([one.low <= drawn.truth <= one.high for one in each])
        errors.append([one.delta - drawn.truth for one in each])
        truths.append(drawn.truth)
    return {
        "method": method,
        "model": model,
        "logs": effort.repeats,
        "searches": _SESSIONS,
        "truth": float(np.mean(truths)),
        "coverage": _named(np.mean(held, axis=0)),
        "bias": _named(np.mean(errors, axis=0)),
        "rms": _named(np.sqrt(np.mean(np.square(errors), axis=0))),
    }


def _biases(effort: Effort, say: Say) -> list[dict[str, Any]]:
    """What the estimates are off by where clicks follow another model than is assumed."""
    rows = []
    cases: tuple[tuple[str, str, Draws], ...] = (
        *(("position", name, mixed_rankers) for name in CLICK_MODELS),
        ("position", "trust", explored),
        ("randomized", "trust", explored),
    )
    for method, name, draw in cases:
        where = "exploration" if draw is explored else "mixed rankers"
        say(f"{method}: bias under {name} clicks, {where}")
        plan = Plan(method, draws=20)
        errors, truths, right = [], [], []
        for seed in range(effort.biased):
            drawn = draw(CLICK_MODELS[name], _MANY, 1000 + seed)
            found = compare(drawn.log, drawn.scores, None, fitter(), plan)
            deltas = np.array([found.candidate[each] - found.against[each] for each in METHODS])
            errors.append(deltas - drawn.truth)
            right.append(np.sign(deltas) == np.sign(drawn.truth))
            truths.append(drawn.truth)
        rows.append(
            {"method": method, "model": name, "log": where, "logs": effort.biased}
            | {"searches": _MANY, "truth": float(np.mean(truths))}
            | {"bias": _named(np.mean(errors, axis=0)), "sign": _named(np.mean(right, axis=0))}
        )
    return rows


def _named(values: Amounts) -> dict[str, float]:
    return dict(zip(METHODS, values.tolist(), strict=True))


def _gate(name: str, figure: float) -> dict[str, Any]:
    low, high = COVERAGE
    return {"gate": name, "figure": figure, "limits": [low, high], "met": low <= figure <= high}


def mixed_rankers(model: ClickModel, sessions: int, seed: int) -> Drawn:
    """Three rankers answer in turn, by chance; the candidate is better than each."""
    world = make_world(
        seed, queries=_QUERIES, candidates=_CANDIDATES, depth=_DEPTH, noises=_RANKERS
    )
    rng = np.random.default_rng([seed, 21])
    queries = rng.choice(_QUERIES, sessions, p=world.traffic)
    shown = world.orders[rng.choice(len(_RANKERS), sessions), queries]
    clicks = model.draw(world.grades[queries[:, None], shown], rng)
    log, documents = log_of(queries, shown, clicks, np.ones(shown.shape))
    scores = (world.grades + _NOISE * rng.standard_normal(world.grades.shape)).ravel()[documents]
    pages = _pages(order_of(log, scores), log, documents)
    worth = _worth(model, world, pages, rng)
    logged = [_worth(model, world, order, rng) for order in world.orders]
    asked = _asked(world, log, documents)
    return Drawn(log, scores, float(asked @ (worth - np.mean(logged, axis=0))))


def explored(model: ClickModel, sessions: int, seed: int) -> Drawn:
    """One ranker, whose neighbors change places with a logged chance as `rankers.exploration.Swap`
    does it; the candidate exchanges some neighbors for good."""
    world = make_world(seed, queries=_QUERIES, candidates=_CANDIDATES, depth=_DEPTH, noises=(1.0,))
    rng = np.random.default_rng([seed, 22])
    queries = rng.choice(_QUERIES, sessions, p=world.traffic)
    order, chances = _swapped(sessions, rng)
    shown = np.take_along_axis(world.orders[0][queries], order, axis=1)
    clicks = model.draw(world.grades[queries[:, None], shown], rng)
    log, documents = log_of(queries, shown, clicks, chances)
    pages = _neighbors_exchanged(world)
    rank = np.full(world.grades.shape, -np.inf)
    np.put_along_axis(rank, pages, -np.arange(_DEPTH, dtype=np.float64)[None], axis=1)
    worth = _worth(model, world, pages, rng)
    asked = _asked(world, log, documents)
    return Drawn(
        log, rank.ravel()[documents], float(asked @ (worth - _with_swaps(model, world, rng)))
    )


def log_of(
    queries: NDArray[np.int64],
    shown: NDArray[np.int32],
    clicks: NDArray[np.bool_],
    chances: Amounts,
) -> tuple[ClickLog, NDArray[np.int64]]:
    """A log of one search a shopper, with the numbers of its documents (query × candidates +
    candidate)."""
    count, depth = shown.shape
    numbers, documents = np.unique(queries[:, None] * _CANDIDATES + shown, return_inverse=True)
    _, of = np.unique(numbers // _CANDIDATES, return_inverse=True)
    searches = np.repeat(np.arange(count, dtype=np.int32), depth)
    log = ClickLog(
        searches,
        searches,
        documents.ravel().astype(np.int32),
        np.tile(np.arange(1, depth + 1, dtype=np.int32), count),
        clicks.ravel().astype(np.float64),
        chances.ravel(),
        of.astype(np.int32),
    )
    return log, numbers.astype(np.int64)


def _asked(world: World, log: ClickLog, documents: NDArray[np.int64]) -> Amounts:
    """How often each query is asked, of those that the log has."""
    seen = np.zeros(_QUERIES)
    seen[np.unique(documents // _CANDIDATES)] = 1.0
    share = world.traffic * seen
    return np.asarray(share / share.sum(), np.float64)


def _pages(order: Order, log: ClickLog, documents: NDArray[np.int64]) -> NDArray[np.int32]:
    """What an order shows: candidates by query and place; anything for queries not in the log."""
    pages = np.tile(np.arange(_DEPTH, dtype=np.int32), (_QUERIES, 1))
    placed = order.places >= 0
    queries, candidates = np.divmod(documents[placed], _CANDIDATES)
    pages[queries, order.places[placed]] = candidates
    return pages


def _worth(
    model: ClickModel, world: World, pages: NDArray[np.int32], rng: np.random.Generator
) -> Amounts:
    """The clicks of a page, by query: exact where the model is position-based or affine, else the
    mean of many."""
    grades = np.take_along_axis(world.grades, pages, axis=1)
    clicked = _clicked(model, grades)
    if clicked is not None:
        return np.asarray(clicked.sum(1), np.float64)
    drawn = model.draw(np.repeat(grades, _TRUTH_SEARCHES, axis=0), rng)
    return np.asarray(drawn.sum(1).reshape(-1, _TRUTH_SEARCHES).mean(1), np.float64)


def _clicked(model: ClickModel, grades: Amounts) -> Amounts | None:
    """The probability of a click by grade and place, the last axis; None where it depends on what
    else is shown."""
    looked, attraction = model.examination(_DEPTH), getattr(model, "attraction", None)
    if looked is not None and attraction is not None:
        return np.asarray(looked * attraction(grades), np.float64)
    affine = getattr(model, "affine", None)
    if affine is None:
        return None
    slope, floor = affine(_DEPTH)
    return np.asarray(slope * grades / HIGHEST + floor, np.float64)


def _swapped(sessions: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], Amounts]:
    """Orders of places, and how probable it was that each shows what it shows."""
    order = np.tile(np.arange(_DEPTH), (sessions, 1))
    begin = rng.integers(2, size=sessions)
    for first in range(_DEPTH - 1):
        rows = np.flatnonzero((begin == first % 2) & (rng.random(sessions) < _SWAPPED))
        order[rows, first], order[rows, first + 1] = first + 1, first
    return order, np.where(order == np.arange(_DEPTH), _kept(), _SWAPPED / 2)


def _kept() -> Amounts:
    """How probable it is that a place is left alone: at the ends half of the coins leave it out."""
    partners = np.full(_DEPTH, 2.0)
    partners[[0, -1]] = 1.0
    return 1 - partners * _SWAPPED / 2


def _neighbors_exchanged(world: World) -> NDArray[np.int32]:
    """The logged order with the better one of every two neighbors first."""
    pages = world.orders[0].copy()
    grades = np.take_along_axis(world.grades, pages, axis=1)
    for first in range(0, _DEPTH - 1, 2):
        rows = np.flatnonzero(grades[:, first + 1] > grades[:, first])
        pages[rows, first], pages[rows, first + 1] = (
            world.orders[0][rows, first + 1],
            world.orders[0][rows, first],
        )
    return np.asarray(pages, np.int32)


def _with_swaps(model: ClickModel, world: World, rng: np.random.Generator) -> Amounts:
    """The clicks of the logged pages by query, exploration included, for models of places and
    grades alone."""
    clicked = _clicked(model, world.grades[..., None])
    if clicked is None:
        raise ValueError(f"{model.name} has no probability of a click by place and grade")
    of_page = np.take_along_axis(clicked, world.orders[0][..., None], axis=1)
    own = np.diagonal(of_page, axis1=1, axis2=2) * _kept()
    below = np.diagonal(of_page, 1, axis1=1, axis2=2).sum(1)
    above = np.diagonal(of_page, -1, axis1=1, axis2=2).sum(1)
    return np.asarray(own.sum(1) + _SWAPPED / 2 * (below + above), np.float64)


def tables(result: Mapping[str, Any]) -> str:
    """The figures as Markdown."""
    lines = [
        "| estimate | clicks | logs | " + " | ".join(METHODS) + " |",
        "|---|---|---|---|---|---|",
    ]
    for row in result["coverage"]:
        cells = " | ".join(f"{row['coverage'][name]:.1%}" for name in METHODS)
        lines.append(f"| {row['method']} | {row['model']} | {row['logs']} | {cells} |")
    lines += ["", "| estimate | clicks | log | true difference | " + " | ".join(METHODS) + " |"]
    lines.append("|---|---|---|---|---|---|---|")
    for row in result["bias"]:
        cells = " | ".join(f"{row['bias'][name]:+.4f}" for name in METHODS)
        lines.append(
            f"| {row['method']} | {row['model']} | {row['log']} | {row['truth']:+.4f} | {cells} |"
        )
    return "\n".join(lines)
