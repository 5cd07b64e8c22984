"""Who sees what: even, stable, and apart within a layer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from eval.experiments import Arm, Experiment, arm_of, free_slot, treat
from search.errors import BadInput
from search.types import UNTREATED

UNITS = [f"session-{n}" for n in range(20_000)]
TEST = Experiment("new", "ab", (Arm("old", "ranked"), Arm("new", "model:1")), salt="s1")


def shares(experiment: Experiment, units: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for unit in units:
        arm = arm_of(experiment, unit)
        found[arm.name if arm else ""] = found.get(arm.name if arm else "", 0) + 1
    return found


def test_arms_get_their_weights() -> None:
    arms = (Arm("old", "ranked", weight=3), Arm("new", "hybrid"), Arm("other", "bm25", weight=2))
    found = shares(replace(TEST, arms=arms), UNITS)
    expected = [len(UNITS) * arm.weight / 6 for arm in arms]
    assert chisquare([found[arm.name] for arm in arms], expected).pvalue > 1e-4


def test_arms_of_two_experiments_are_independent() -> None:
    other = replace(TEST, name="other", salt="s2", layer="variety")
    both = [(arm_of(TEST, unit), arm_of(other, unit)) for unit in UNITS]
    cells = [sum(pair == (one, two) for pair in both) for one in TEST.arms for two in other.arms]
    assert chisquare(cells).pvalue > 1e-4


def test_whoever_is_in_a_rollout_stays_in_as_it_grows() -> None:
    rollout = replace(TEST, kind="rollout")
    inside: set[str] = set()
    for share in (0.05, 0.1, 0.25, 0.5, 1.0):
        now = {u for u in UNITS if arm_of(replace(rollout, share=share), u) == TEST.arms[1]}
        assert inside <= now
        assert len(now) == pytest.approx(share * len(UNITS), rel=0.1)
        inside = now
    assert len(inside) == len(UNITS)


def test_experiments_of_one_layer_never_meet() -> None:
    first = replace(TEST, slot=free_slot([], "ranking", 0.3))
    second = replace(TEST, name="second", slot=free_slot([first], "ranking", 0.7))
    for unit in UNITS:
        assert (arm_of(first, unit) is None) != (arm_of(second, unit) is None)
    with pytest.raises(
        BadInput,
        match="new has 30%, second has 70%; stop one, or create it with less --traffic next",
    ):
        free_slot([first, second], "ranking", 0.1)
    assert free_slot([first, second], "variety", 1.0) == (0.0, 1.0)


def test_what_an_experiment_leaves_is_given_to_the_next() -> None:
    slots = [(0.0, 0.2), (0.2, 0.5), (0.5, 1.0)]
    running = [replace(TEST, name=f"e{n}", slot=slot) for n, slot in enumerate(slots)]
    assert free_slot([running[0], running[2]], "ranking", 0.25) == pytest.approx((0.2, 0.45))


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_a_treatment_is_the_same_every_time(session: str, client: str, query: str) -> None:
    mixed = replace(TEST, kind="interleave", method="team-draft")
    first = treat([mixed], session, client, query)
    assert first == treat([mixed], session, client, f"  {query} ")
    if not session:
        assert first == UNTREATED
    elif first.interleaving is not None:
        assert first.interleaving.systems == ("ranked", "model:1")
        assert 0 <= first.interleaving.seed < 2**53


def test_two_queries_of_a_session_have_coins_of_their_own() -> None:
    mixed = replace(TEST, kind="interleave")
    seeds = {
        plan.seed
        for query in ("kettle", "tea pot", "red kettle")
        if (plan := treat([mixed], "s", "", query).interleaving)
    }
    assert len(seeds) == 3


def test_stopped_experiments_and_shadows_change_nothing() -> None:
    for each in (replace(TEST, status="stopped"), replace(TEST, kind="shadow")):
        assert treat([each], "s", "c", "kettle") == UNTREATED


def test_a_unit_that_is_not_known_takes_no_part() -> None:
    assert treat([replace(TEST, unit="client")], "session", "", "kettle") == UNTREATED


def test_experiments_of_two_layers_decide_together() -> None:
    variety = Experiment(
        "variety", "ab", (Arm("plain", diversity=0.0), Arm("varied", diversity=0.5)),
        layer="variety", salt="v",
    )  # fmt: skip
    found = {treat([TEST, variety], unit, "", "kettle") for unit in UNITS[:500]}
    assert {(each.system, each.diversity) for each in found} == {
        (system, strength) for system in ("ranked", "model:1") for strength in (0.0, 0.5)
    }
    assert {each.experiments for each in found} == {("new", "variety")}
