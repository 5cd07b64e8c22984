"""What an experiment says: which arm is better, since when that is sure, and what else to know."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from api.experiments.deciding import Decision, of_arms, of_pairs, unread
from api.experiments.naming import called, says
from api.experiments.reading import SETTLED_SECONDS, Found, Window
from api.interleaving.report import Pair, pairs
from api.interleaving.simulation import differences
from eval.experiments import Experiment, Step
from eval.experiments.ab import DEFAULT, METRICS, Effect, analyze
from eval.experiments.checks import same_arms
from eval.experiments.mismatch import Mismatch
from eval.experiments.ramp import CREATED, SHARE
from eval.stopping import confidence_sequence, sign_e_values
from search.errors import BadInput

Amounts = NDArray[np.float64]

_POINTS = 200


@dataclass(frozen=True, slots=True)
class Narrowed:
    """How a comparison narrowed: `says` what is compared; after `units` at `times` (seconds since
    1970) the difference, its interval (infinite: nothing could be said) and the e-value where there
    is one; all float64 of one shape. `decided` is the number of units that decided it."""

    says: str
    units: Amounts
    times: Amounts
    delta: Amounts
    low: Amounts
    high: Amounts
    e_values: Amounts | None = None
    decided: int | None = None
    alpha: float = 0.05


@dataclass(frozen=True, slots=True)
class Report:
    """The answer of one experiment. `units` by arm; where arms are interleaved every unit sees all
    of them. `pairs` are of interleaved arms, `effects` by metric and arm of others."""

    experiment: Experiment
    window: Window
    primary: str
    units: Mapping[str, int]
    searches: int
    decision: Decision
    split: Mismatch | None = None
    effects: Mapping[str, Mapping[str, Effect]] = field(default_factory=dict)
    pairs: tuple[Pair, ...] = ()
    paths: Mapping[str, Narrowed] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def window_of(experiment: Experiment, steps: Sequence[Step], now: float) -> Window:
    """What of the log counts: from the start to the stop; of a rollout from its last change of
    shares, for units then change arms."""
    since = experiment.created
    if experiment.kind == "rollout":
        since = max([since, *(step.time for step in steps if step.what == SHARE)])
    return Window(since, now if experiment.stopped is None else experiment.stopped)


def as_counted(experiment: Experiment, steps: Sequence[Step]) -> Experiment:
    """An experiment as it was in its window: a rollout that is over with the shares that its units
    came by, which are nothing since its stop."""
    shares = [step.share for step in steps if step.what in (CREATED, SHARE) and step.share]
    if experiment.kind != "rollout" or experiment.share or not shares:
        return experiment
    return replace(experiment, share=shares[-1])


def check_metric(name: str) -> None:
    """Refuses what cannot decide.

    Raises:
        BadInput: there is no such metric.
    """
    if name not in METRICS:
        raise BadInput(f"no metric {name!r}; there are {', '.join(METRICS)}", field="metric")


def report(experiment: Experiment, found: Found, window: Window, primary: str = DEFAULT) -> Report:
    """What was read, made into an answer. The same log gives the same answer.

    Raises:
        BadInput: there is no such metric.
    """
    check_metric(primary)
    counts = dict(zip(found.units.arms, found.units.counts(), strict=True))
    if found.credits is not None:
        counts = dict.fromkeys(counts, len(found.units))
    nothing = Decision(None, None, None, unread(experiment, found, window))
    empty = Report(experiment, window, primary, counts, found.searches, nothing)
    empty = replace(empty, notes=tuple(_notes(experiment, found)))
    if experiment.kind == "shadow" or not len(found.units):
        return empty
    if found.credits is not None:
        return _interleaved(empty, found)
    return _split(empty, found)


def _interleaved(empty: Report, found: Found) -> Report:
    credits_, experiment = found.credits, empty.experiment
    assert credits_ is not None
    by_sign = not credits_.debiased
    names = found.units.arms
    every = pairs(names, credits_.earned, experiment.alpha, None, by_sign=by_sign)
    paths = {}
    for pair in every:
        gap = differences(credits_.earned, names.index(pair.a), names.index(pair.b))
        mean, low, high = confidence_sequence(gap, pair.alpha)
        paths[f"{pair.a} − {pair.b}"] = _thinned(
            Narrowed(
                f"{called(experiment, pair.a)} − {called(experiment, pair.b)}, "
                f"clicks credited a {experiment.unit}",
                np.arange(1.0, len(gap) + 1),
                found.units.times,
                mean,
                low,
                high,
                sign_e_values(gap),
                pair.decided_at,
                pair.alpha,
            )
        )
    alone = credits_.alone >= found.searches
    decision = of_pairs(experiment, every, found.units, alone=alone)
    return replace(empty, pairs=tuple(every), paths=paths, decision=decision)


def _split(empty: Report, found: Found) -> Report:
    experiment, units, primary = empty.experiment, found.units, empty.primary
    analysis = analyze(units, weights(experiment), experiment.alpha, primary)
    paths = {}
    for arm, (rows, path) in analysis.paths.items():
        paths[arm] = _thinned(
            Narrowed(
                f"{called(experiment, arm)} − {called(experiment, units.arms[0])}, "
                f"{says(primary, experiment)}",
                np.arange(1.0, len(rows) + 1),
                units.times[rows],
                path.delta,
                path.low,
                path.high,
                decided=analysis.effects[primary][arm].at,
                alpha=analysis.effects[primary][arm].alpha,
            )
        )
    decision = of_arms(experiment, analysis, units, primary)
    found_notes = (*empty.notes, *_about(experiment, analysis.effects, primary, units.before))
    return replace(
        empty,
        split=analysis.split,
        effects=analysis.effects,
        paths=paths,
        decision=decision,
        notes=found_notes,
    )


def weights(experiment: Experiment) -> tuple[float, ...]:
    """What share of the units each arm is due, relative to the others."""
    if experiment.kind == "rollout":
        return (max(1 - experiment.share, 1e-9), experiment.share)
    return tuple(arm.weight for arm in experiment.arms)


def _thinned(path: Narrowed) -> Narrowed:
    """Of many points evenly spread ones, the first at which something is said, and the last."""
    count = len(path.units)
    at = np.linspace(0, count - 1, min(count, _POINTS)).round().astype(np.int64)
    said = np.flatnonzero(np.isfinite(path.low))[:1]
    decided = [path.decided - 1] if path.decided else []
    at = np.unique(np.r_[at, said, np.array(decided, np.int64)])
    return replace(
        path,
        units=path.units[at],
        times=path.times[at],
        delta=path.delta[at],
        low=path.low[at],
        high=path.high[at],
        e_values=None if path.e_values is None else path.e_values[at],
    )


def _notes(experiment: Experiment, found: Found) -> Iterator[str]:
    same = same_arms(experiment)
    if same is not None:
        yield (
            f"{same[0].name} and {same[1].name} are the same: this is an A/A test, in which "
            "whatever is found is chance"
        )
    if found.two_arms:
        yield (
            f"{found.two_arms:,} {experiment.unit}s were seen in more than one arm, and are left "
            "out of all"
        )
    if found.unsettled:
        yield (
            f"{found.unsettled:,} {experiment.unit}{'' if found.unsettled == 1 else 's'} "
            f"searched in the {SETTLED_SECONDS / 60:g} minutes before this look, so that more may "
            "come of them: they are left out until they are over (none "
            "is once the experiment is stopped)"
        )
    if found.flagged:
        yield f"{found.flagged:,} searches are of flagged shoppers (bots, fraud), and left out"
    if found.credits is not None and found.credits.alone:
        yield (
            f"{found.credits.alone:,} searches were answered by the baseline alone (a system "
            "failed or fell back, or the search was sorted): nobody gets credit for them"
        )
    if found.credits is not None and found.credits.debiased:
        yield (
            "credit is freed of position bias, by propensities of the same log; it is skewed, so "
            "that its mean decides, not its sign"
        )
    yield from found.remarks
    if experiment.unit == "client":
        yield "a client is known by a hash that changes from time to time ([events] salt_days)"


def _about(
    experiment: Experiment,
    effects: Mapping[str, Mapping[str, Effect]],
    primary: str,
    before: Mapping[str, Amounts],
) -> Iterator[str]:
    if not effects:
        return
    unit = experiment.unit
    several = len(experiment.arms) > 2
    yield (
        f"{says(primary, experiment)} decides"
        + (", its error shared among the arms" if several else "")
        + "; the intervals of other metrics each hold for itself"
    )
    own = next(iter(effects[primary].values()))
    if own.reduction is not None:
        yield (
            f"what {unit}s did in the 28 days before narrowed the variance of "
            f"{says(primary, experiment)} by {own.reduction:.0%} (CUPED)"
        )
    elif unit == "client" and not before:
        yield "no client has a history from before the experiment: nothing to narrow by (CUPED)"


def report_json(found: Report) -> dict[str, Any]:
    """For machines; infinite and missing values are null."""
    pair = found.pairs[0] if len(found.pairs) == 1 else None
    return {
        "experiment": asdict(found.experiment) | asdict(found.window),
        "units": dict(found.units),
        "searches": found.searches,
        "mismatch": None if found.split is None else asdict(found.split),
        "primary": found.primary if found.experiment.kind != "interleave" else "credit",
        "metrics": _metrics(found),
        "wins": pair.wins if pair else None,
        "losses": pair.losses if pair else None,
        "ties": pair.ties if pair else None,
        "e_value": pair.e_value if pair else None,
        "pairs": [asdict(each) for each in found.pairs],
        "preferences": preferences(found),
        "decision": asdict(found.decision),
        "sequence": [point for name, path in found.paths.items() for point in _points(name, path)],
        "notes": list(found.notes),
    }


def _metrics(found: Report) -> dict[str, Any]:
    """Each metric's effect; of more than two arms that of the first, beside all by name."""
    if len(found.pairs) == 1:
        pair = found.pairs[0]
        return {
            "credit": {
                "arm": pair.a,
                "baseline": pair.b,
                "delta": pair.delta,
                "low": pair.sequence_low,
                "high": pair.sequence_high,
                "relative": None,
            }
        }
    return {
        name: {**asdict(next(iter(arms.values()))), "arms": {a: asdict(e) for a, e in arms.items()}}
        for name, arms in found.effects.items()
    }


def preferences(found: Report) -> dict[str, dict[str, float | None]]:
    """Of the units that preferred one of two interleaved arms, the share that preferred the one
    named first; None where none did."""
    matrix: dict[str, dict[str, float | None]] = {}
    for pair in found.pairs:
        decided = pair.wins + pair.losses
        share = pair.wins / decided if decided else None
        matrix.setdefault(pair.a, {})[pair.b] = share
        matrix.setdefault(pair.b, {})[pair.a] = None if share is None else 1 - share
    return matrix


def _points(name: str, path: Narrowed) -> Iterator[dict[str, Any]]:
    for place in range(len(path.units)):
        low, high = float(path.low[place]), float(path.high[place])
        known = math.isfinite(low)
        yield {
            "of": name,
            "units": int(path.units[place]),
            "time": float(path.times[place]),
            "delta": float(path.delta[place]),
            "low": low if known else None,
            "high": high if known else None,
            "e_value": None if path.e_values is None else float(path.e_values[place]),
        }
