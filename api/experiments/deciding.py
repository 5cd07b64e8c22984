"""Which arm is better, as a sentence: only when that is sure, however often somebody looked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from api.experiments.naming import begun, called, says
from api.experiments.reading import SETTLED_SECONDS, Found, Window
from api.interleaving.report import Pair
from eval.experiments import Experiment
from eval.experiments.ab import METRICS, Analysis, Effect, Units
from eval.stopping import LEAST


@dataclass(frozen=True, slots=True)
class Decision:
    """The better arm, None while that is not sure; after how many units and when (seconds since
    1970) it was; and all of that in words."""

    winner: str | None
    at: int | None
    time: float | None
    sentence: str


def unread(experiment: Experiment, found: Found, window: Window) -> str:
    """Why there is nothing to compare."""
    if not found.searches:
        until = "it runs" if experiment.status == "running" else "it ran"
        return (
            f"No searches of {experiment.name} are logged yet: {until} since {day(window.since)}. "
            f"A search takes part when it comes with a {experiment.unit}_id, names no system, and "
            "is logged ([events] enabled); /readyz of a server says whether it follows."
        )
    unit = experiment.unit
    reasons = []
    if found.unsettled:
        reasons.append(
            f"{_many(found.unsettled, unit)} searched in the last {SETTLED_SECONDS / 60:g} minutes,"
            " and more may come of them: look again then, or stop it"
        )
    if found.two_arms:
        reasons.append(f"{_many(found.two_arms, unit)} were seen in more than one arm")
    if found.flagged:
        reasons.append(f"{found.flagged:,} searches are of flagged shoppers")
    return (
        f"Nothing can be said yet, though {found.searches:,} searches of {experiment.name} are "
        f"logged: {'; '.join(reasons) or f'none of them has a {unit} that counts'}."
    )


def _many(count: int, unit: str) -> str:
    return f"{count:,} {unit}{'' if count == 1 else 's'}"


def of_pairs(
    experiment: Experiment, found: Sequence[Pair], units: Units, *, alone: bool = False
) -> Decision:
    """Of interleaved arms: the one that is surely better than every other; `alone` says that the
    baseline answered everything by itself."""
    count = len(units)
    if alone:
        return Decision(None, None, None, _unmixed(experiment, found))
    for arm in units.arms:
        own = [pair for pair in found if arm in (pair.a, pair.b)]
        if all(pair.better == arm for pair in own):
            at = max(pair.decided_at or 0 for pair in own)
            when = float(units.times[at - 1])
            others = _and([called(experiment, pair.b if pair.a == arm else pair.a) for pair in own])
            better = called(experiment, arm)
            sentence = f"{better} is better than {others}, decided after {at:,} {experiment.unit}s"
            if len(own) == 1:
                sentence += f" on {day(when)} ({_counts(ahead(own[0]), experiment)})"
            return Decision(arm, at, when, begun(f"{sentence}."))
    if len(found) == 1:
        return Decision(None, None, None, _undecided(experiment, found[0], count))
    sure = [
        f"{called(experiment, each.a)} over {called(experiment, each.b)}"
        for each in map(ahead, found)
        if each.better
    ]
    rest = f" Surely better so far: {_and(sure)}." if sure else ""
    return Decision(
        None,
        None,
        None,
        f"Not decided yet: no arm is surely better than all others in {count:,} "
        f"{experiment.unit}s.{rest}",
    )


def _unmixed(experiment: Experiment, found: Sequence[Pair]) -> str:
    names = dict.fromkeys(name for pair in found for name in (pair.a, pair.b))
    return (
        f"Not decided between {_and([called(experiment, name) for name in names])}: every search "
        "was answered by the baseline alone, so nobody could get credit. A system failed or fell "
        "back, as ranked does without a model, or searches were sorted: the fallbacks of the "
        "answers, in the server's log too, say why."
    )


def ahead(pair: Pair) -> Pair:
    """A pair seen from the arm that is better, where one is."""
    if pair.better != pair.b:
        return pair
    low, high = pair.sequence_low, pair.sequence_high
    return replace(
        pair,
        a=pair.b,
        b=pair.a,
        wins=pair.losses,
        losses=pair.wins,
        delta=-pair.delta,
        low=-pair.high,
        high=-pair.low,
        sequence_low=None if high is None else -high,
        sequence_high=None if low is None else -low,
        sign=-pair.sign,
    )


def _undecided(experiment: Experiment, pair: Pair, count: int) -> str:
    unit = experiment.unit
    one, other = called(experiment, pair.a), called(experiment, pair.b)
    if count == 1:
        return f"One {unit} only: nothing can be said of {one} and {other} yet."
    if pair.ties == count:
        return (
            f"Not decided between {one} and {other}: all {count:,} {unit}s are ties, for "
            "nobody clicked what one of them placed; either they rank alike or clicks do not come."
        )
    if pair.decided_by == "e-value":
        need = f"the e-value is {pair.e_value:.3g}, {1 / pair.alpha:g} is enough"
    else:
        need = "the confidence sequence still holds 0"
    return f"Not decided yet between {one} and {other}: {_counts(pair, experiment)}; {need}."


def _counts(pair: Pair, experiment: Experiment) -> str:
    total = pair.wins + pair.losses + pair.ties
    return (
        f"{pair.wins:,} wins, {pair.losses:,} losses and {pair.ties:,} ties for "
        f"{called(experiment, pair.a)} in "
        f"{total:,} {experiment.unit}s"
    )


def of_arms(experiment: Experiment, analysis: Analysis, units: Units, primary: str) -> Decision:
    """Of arms that were shown apart: by the primary metric against the first arm."""
    if analysis.split.failed:
        return Decision(None, None, None, _mismatched(experiment, analysis, units))
    effects = analysis.effects[primary]
    better = METRICS[primary].better
    sides = {arm: _side(effect, analysis, better) for arm, effect in effects.items()}
    above = [arm for arm, side in sides.items() if side > 0]
    base = units.arms[0]
    if len(above) == 1:
        return _decided(experiment, above[0], effects[above[0]], analysis, units)
    if all(side < 0 for side in sides.values()):
        last = max(effects.values(), key=lambda each: each.at or 0)
        return _decided(experiment, base, last, analysis, units)
    if above:
        sentence = (
            f"{_and([called(experiment, arm) for arm in above])} are better than "
            f"{called(experiment, base)} by {says(primary, experiment)}, but not told from each "
            "other; compare them alone."
        )
        return Decision(None, None, None, sentence)
    return Decision(None, None, None, _open(experiment, effects, units, primary))


def _side(effect: Effect, analysis: Analysis, better: int) -> int:
    """1 where an arm was found better than the baseline, -1 where worse, 0 where neither."""
    if not effect.at:
        return 0
    _, path = analysis.paths[effect.arm]
    return better if path.delta[effect.at - 1] > 0 else -better


def _decided(
    experiment: Experiment, winner: str, effect: Effect, analysis: Analysis, units: Units
) -> Decision:
    rows, _ = analysis.paths[effect.arm]
    assert effect.at
    when = float(units.times[rows[effect.at - 1]])
    base = units.arms[0]
    losers = [base] if winner != base else list(units.arms[1:])
    loser = _and([called(experiment, arm) for arm in losers])
    relative = "" if effect.relative is None else f" ({effect.relative:+.1%})"
    later = "" if effect.differs else "; since then the interval has come to hold 0 again"
    sentence = (
        f"{called(experiment, winner)} is better than {loser} by "
        f"{says(effect.metric, experiment)}, decided after {effect.at:,} {experiment.unit}s on "
        f"{day(when)}: "
        f"{effect.arm} − {base} is {effect.delta:+.4g}{relative}, {between(effect)}{later}."
    )
    return Decision(winner, effect.at, when, begun(sentence))


def _open(experiment: Experiment, effects: Mapping[str, Effect], units: Units, primary: str) -> str:
    counts = dict(zip(units.arms, units.counts(), strict=True))
    unit = experiment.unit
    shown = [arm for arm, count in counts.items() if count]
    if len(units) == 1:
        return f"One {unit} only, in {shown[0]}: nothing can be said yet."
    if len(shown) == 1:
        return (
            f"All {len(units):,} {unit}s so far are in {shown[0]}: there is nothing to compare "
            "with yet."
        )
    few = {arm: count for arm, count in counts.items() if count < LEAST}
    if few:
        told = ", ".join(f"{arm} has {count:,}" for arm, count in few.items())
        return f"Too few {unit}s to say anything: {told}, and each arm needs {LEAST}."
    parts = "; ".join(
        f"{called(experiment, arm)}: {between(effect)}" for arm, effect in effects.items()
    )
    return (
        f"Not decided yet: by {says(primary, experiment)} no arm differs surely from "
        f"{called(experiment, units.arms[0])} in "
        f"{len(units):,} {unit}s ({parts})."
    )


def between(effect: Effect) -> str:
    """An interval in words."""
    if effect.low is None or effect.high is None:
        return "no interval yet"
    sure = f"{100 * (1 - effect.alpha):.4g}%"
    return f"{sure} confidence sequence {effect.low:+.4g} to {effect.high:+.4g}"


def _mismatched(experiment: Experiment, analysis: Analysis, units: Units) -> str:
    split = analysis.split
    rows = zip(units.arms, split.observed, split.expected, strict=True)
    told = ", ".join(f"{arm} has {seen:,} and was due {due:,.0f}" for arm, seen, due in rows)
    p = "" if split.p is None else f"chi-squared p = {split.p:.2g}, "
    return (
        f"No effect is shown, for the split is not as it should be: of {len(units):,} "
        f"{experiment.unit}s {told} ({p}e-value {split.e_value:.3g}). Something loses or adds "
        "shoppers in one arm (a crash, a redirect, a bot, a log that is not complete): find it "
        "first, then begin a new experiment."
    )


def day(time: float) -> str:
    """A moment in words."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
