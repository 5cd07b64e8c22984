"""Experiments that could tell nothing are refused, each for a stated reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from eval.experiments import Arm, Experiment
from eval.experiments.checks import check, same_arms
from search.errors import BadInput

AB = Experiment("words", "ab", (Arm("a", "hybrid"), Arm("b", "bm25")))
MIXED = replace(AB, kind="interleave")
THREE = (*AB.arms, Arm("c", "dense"))


@pytest.mark.parametrize("kind", ["ab", "interleave", "rollout", "shadow"])
def test_two_systems_may_be_compared(kind: Any) -> None:
    check(replace(AB, kind=kind))


@pytest.mark.parametrize(
    ("experiment", "field", "reason"),
    [
        (replace(AB, name="Words!"), "name", "small letters"),
        (replace(AB, name="a,b"), "name", "cannot be a name"),
        (replace(AB, arms=(Arm("", "hybrid"), Arm("b", "bm25"))), "arm", "cannot be a name"),
        (replace(AB, arms=AB.arms[:1]), "arm", "has 1 arm;"),
        (replace(AB, arms=()), "arm", "has 0 arms"),
        (replace(AB, arms=(AB.arms[0], Arm("a", "bm25"))), "arm", "2 arms are called a"),
        (replace(AB, layer="a b"), "layer", "layer"),
        (replace(AB, arms=(AB.arms[0], Arm("b", "bm25", weight=0))), "arm", "weight"),
        (replace(AB, arms=(AB.arms[0], Arm("b", "bm25", weight=float("nan")))), "arm", "weight"),
        (replace(AB, arms=(AB.arms[0], Arm("b", "bm25", 1.5))), "diversity", "from 0 to 1"),
        (replace(AB, share=0), "traffic", "share"),
        (replace(AB, alpha=0.9), "alpha", "error"),
        (replace(MIXED, method="coin"), None, "no interleaving 'coin'"),
        (replace(MIXED, method="balanced", arms=THREE), "method", "at most 2"),
        (replace(MIXED, arms=(AB.arms[0], Arm("b", "bm25", 0.2))), "diversity", "--kind ab"),
        (replace(MIXED, arms=(AB.arms[0], Arm("b"))), "arm", "names no system"),
        (replace(AB, kind="shadow", arms=THREE), "arm", "one candidate"),
        (replace(AB, arms=(AB.arms[0], Arm("b", "hybrid"))), "b", "--allow-same"),
    ],
)
def test_what_could_tell_nothing_is_refused(
    experiment: Experiment, field: str | None, reason: str
) -> None:
    with pytest.raises(BadInput, match=reason) as caught:
        check(experiment)
    assert caught.value.field == field


def test_an_a_a_test_is_made_on_purpose() -> None:
    same = replace(AB, arms=(Arm("a", "hybrid"), Arm("b", "hybrid")))
    check(same, allow_same=True)
    assert same_arms(same) == same.arms
    assert same_arms(AB) is None
    assert same_arms(replace(AB, arms=(Arm("a", None, 0.1), Arm("b", None, 0.2)))) is None
