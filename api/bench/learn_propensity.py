"""Propensity estimators measured against known truth, and on RetroTech's sessions."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from api.bench.learn import LearnPlan
from api.bench.learn_propensity_tables import tables
from api.bench.parts import Say
from training.propensity import (
    ESTIMATORS,
    check_misfit,
    estimate,
    estimator,
    halves,
    held_out,
    held_out_json,
    report_json,
)
from training.simulation import CLICK_MODELS, make_world, relative_propensities, simulate_counts

__all__ = ["run", "tables"]

LIMITS: Mapping[int, float] = {20_000: 0.12, 200_000: 0.04, 2_000_000: 0.015}
"""Gates on the default estimator's RMS error of log p."""
COVERAGE = (0.92, 0.97)
SLOPE = (-0.65, -0.35)
"""Gates on the coverage of 95% intervals, and on the exponent of the error in sessions (−½)."""
_POSITION_BASED = ("joachims", "ultra")
_COVERED = 20_000
_MISFIT_SIZES = (20_000, 200_000)
_DEPTH = 10


@dataclass(frozen=True, slots=True)
class Effort:
    """Seeds by sessions; logs that coverage and the misfit check get; resamples of an interval."""

    sizes: Mapping[int, int]
    seeds: int
    bootstrap: int


FULL = Effort({20_000: 20, 200_000: 10, 2_000_000: 5}, 100, 200)
QUICK = Effort({20_000: 5, 200_000: 3}, 10, 50)


def run(plan: LearnPlan, say: Say) -> dict[str, Any]:
    """Every figure of this part; `gates` hold a figure, its limits and whether it is met."""
    effort = QUICK if plan.quick else FULL
    errors = _errors(effort, say)
    coverage = _coverage(effort, say)
    result: dict[str, Any] = {
        "errors": errors,
        "coverage": coverage,
        "misfit": _misfit(effort, say),
        "gates": _gates(errors, coverage),
    }
    sessions = plan.real / "retrotech" / "sessions"
    if sessions.is_dir():
        result["retrotech"] = _retrotech(effort, sessions, say)
    else:
        say(f"RetroTech is left out: there is no {sessions}; name the public data with --real")
    return result


def _errors(effort: Effort, say: Say) -> list[dict[str, Any]]:
    """RMS errors of log p over positions 2 to 10 and over seeds, a row a click model and size."""
    rows = []
    for name in _POSITION_BASED:
        for sessions, seeds in effort.sizes.items():
            say(f"{name}: {sessions:,} sessions, {seeds} seeds")
            squares: dict[str, list[float]] = {each: [] for each in ESTIMATORS}
            seconds = dict.fromkeys(ESTIMATORS, 0.0)
            for seed in range(seeds):
                model = CLICK_MODELS[name]
                counts = simulate_counts(make_world(seed), model, sessions, seed)
                for each in ESTIMATORS:
                    begun = time.perf_counter()
                    found = estimator(each)(counts)
                    seconds[each] += (time.perf_counter() - begun) / seeds
                    truth = relative_propensities(model, _DEPTH)[found.positions - 1]
                    squares[each].append(float((np.log(found.values / truth)[1:] ** 2).mean()))
            rms = {each: float(np.mean(values)) ** 0.5 for each, values in squares.items()}
            rows.append(
                {"model": name, "sessions": sessions, "seeds": seeds, "rms": rms}
                | {"seconds": seconds}
            )
    return rows


def _coverage(effort: Effort, say: Say) -> list[dict[str, Any]]:
    """How often the 95% interval holds the truth, with 1,000 queries and with RetroTech's 10."""
    rows = []
    for queries in (1000, 10):
        for name in _POSITION_BASED:
            say(f"{name}: intervals of {effort.seeds} logs with {queries:,} queries")
            model, inside, unit = CLICK_MODELS[name], [], ""
            for seed in range(effort.seeds):
                world = make_world(seed, queries=queries)
                counts = simulate_counts(world, model, _COVERED, seed)
                curve = estimate(counts, estimator(), bootstrap=effort.bootstrap, seed=seed)
                truth = relative_propensities(model, _DEPTH)[curve.propensities.positions - 1]
                inside.append(((curve.low <= truth) & (truth <= curve.high))[1:].mean())
                unit = curve.resampled
            row = {"model": name, "queries": queries, "sessions": _COVERED, "resampled": unit}
            rows.append(row | {"logs": effort.seeds, "coverage": float(np.mean(inside))})
    return rows


def _misfit(effort: Effort, say: Say) -> list[dict[str, Any]]:
    """How often the misfit check warns, a row a click model and size."""
    rows = []
    for sessions in _MISFIT_SIZES:
        for name, model in CLICK_MODELS.items():
            say(f"{name}: misfit of {effort.seeds} logs of {sessions:,} sessions")
            warned = [
                bool(check_misfit(counts, estimator(), seed).warning)
                for seed in range(effort.seeds)
                for counts in [simulate_counts(make_world(seed), model, sessions, seed)]
            ]
            rows.append(
                {"model": name, "sessions": sessions, "logs": effort.seeds}
                | {"warned": float(np.mean(warned)), "should": name not in _POSITION_BASED}
            )
    return rows


def _gates(
    errors: Sequence[dict[str, Any]], coverage: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    gates = []
    for name in _POSITION_BASED:
        own = {row["sessions"]: row["rms"]["poisson"] for row in errors if row["model"] == name}
        for sessions, rms in own.items():
            gates.append(_gate(f"{name}, {sessions:,} sessions", rms, (0.0, LIMITS[sessions])))
        logs = np.log([*own]), np.log([*own.values()])
        gates.append(_gate(f"{name}: exponent", float(np.polyfit(*logs, 1)[0]), SLOPE))
    covered = float(np.mean([row["coverage"] for row in coverage if row["queries"] > 10]))
    return [*gates, _gate("coverage of 95% intervals", covered, COVERAGE)]


def _gate(name: str, figure: float, limits: tuple[float, float]) -> dict[str, Any]:
    low, high = limits
    return {"gate": name, "figure": figure, "limits": [low, high], "met": low <= figure <= high}


def _retrotech(effort: Effort, folder: Path, say: Say) -> dict[str, Any]:
    """The curve, its misfit and held-out log-likelihoods by query of RetroTech's sessions."""
    from training.clicks import read_counts

    say("RetroTech: reading sessions")
    counts = read_counts([folder])
    curve = estimate(counts, estimator(), bootstrap=effort.bootstrap)
    first, second = halves(counts)
    tried = held_out(first, second, estimator()(first), by="query")
    by_query = held_out_json(tried, "query")
    for row in by_query["by_query"]:
        row["query"] = counts.query_texts[row["query"]]
    report = report_json(curve, check_misfit(counts, estimator()))
    return report | {"held_out": by_query, "resampled": curve.resampled}
