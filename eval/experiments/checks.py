"""What an experiment must be like before it may run."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations

from eval.experiments.types import NAME, Arm, Experiment
from eval.interleaving import interleaver
from search.errors import BadInput


def check(experiment: Experiment, *, allow_same: bool = False) -> None:
    """Refuses an experiment that could not tell anything. With `allow_same` arms may be alike: an
    A/A test.

    Raises:
        BadInput: says what is wrong and what to do.
    """
    _check_names(experiment)
    _check_numbers(experiment)
    if experiment.kind == "interleave":
        _check_interleaving(experiment)
    elif experiment.kind in ("shadow", "rollout") and len(experiment.arms) != 2:
        raise BadInput(
            f"a {experiment.kind} has a baseline and one candidate, not {len(experiment.arms)} "
            "arms; give --a and --b",
            field="arm",
        )
    if not allow_same and (same := same_arms(experiment)) is not None:
        raise BadInput(
            f"{same[0].name} and {same[1].name} are the same ({_about(same[0])}), so nothing can "
            "be told apart; for an A/A test on purpose add --allow-same",
            field="b",
        )


def same_arms(experiment: Experiment) -> tuple[Arm, Arm] | None:
    """Two arms that are alike, None where all differ."""
    for one, other in combinations(experiment.arms, 2):
        if (one.system, one.diversity) == (other.system, other.diversity):
            return one, other
    return None


def _check_names(experiment: Experiment) -> None:
    arms = [arm.name for arm in experiment.arms]
    for name, field in ((experiment.name, "name"), *((name, "arm") for name in arms)):
        if not re.fullmatch(NAME, name):
            raise BadInput(
                f"{name!r} cannot be a name: use small letters, digits, '.', '_' and '-', at most "
                "64, a letter or digit first",
                field=field,
            )
    if len(arms) < 2:
        raise BadInput(
            f"{experiment.name} has {len(arms)} arm{'' if len(arms) == 1 else 's'}; an experiment "
            "compares two or more: give --a SYSTEM and --b SYSTEM",
            field="arm",
        )
    name, count = Counter(arms).most_common(1)[0]
    if count > 1:
        raise BadInput(f"{count} arms are called {name}; give each its own name", field="arm")
    if not re.fullmatch(NAME, experiment.layer):
        raise BadInput(f"{experiment.layer!r} cannot be the name of a layer", field="layer")


def _check_numbers(experiment: Experiment) -> None:
    for arm in experiment.arms:
        if not 0 < arm.weight < 1e6:
            raise BadInput(
                f"the weight of {arm.name} is {arm.weight:g}; weights are more than 0", field="arm"
            )
        if arm.diversity is not None and not 0 <= arm.diversity <= 1:
            raise BadInput(
                f"the diversity of {arm.name} is {arm.diversity:g}; it is from 0 to 1",
                field="diversity",
            )
    if not 0 < experiment.share <= 1:
        raise BadInput(
            f"a share of {experiment.share:g} of the traffic is none; give more than 0, at most 1",
            field="traffic",
        )
    if not 0 < experiment.alpha <= 0.5:
        raise BadInput(
            f"an error of {experiment.alpha:g} cannot be kept; give more than 0, at most 0.5",
            field="alpha",
        )


def _check_interleaving(experiment: Experiment) -> None:
    method = interleaver(experiment.method)
    count = len(experiment.arms)
    if method.most is not None and count > method.most:
        raise BadInput(
            f"{method.name} compares at most {method.most} systems, not {count}; use team-draft, "
            "probabilistic or preference",
            field="method",
        )
    for arm in experiment.arms:
        if arm.diversity is not None:
            raise BadInput(
                "variety applies to the interleaved list as a whole, so that it cannot differ "
                f"between its arms ({arm.name}); use --kind ab",
                field="diversity",
            )
        if arm.system is None:
            raise BadInput(f"{arm.name} names no system; give one", field="arm")


def _about(arm: Arm) -> str:
    parts = [arm.system or "the system in use"]
    if arm.diversity is not None:
        parts.append(f"diversity {arm.diversity:g}")
    return ", ".join(parts)
