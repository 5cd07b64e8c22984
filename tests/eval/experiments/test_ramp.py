"""How rollouts grow, whatever happens."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from api.experiments.seams import BOUNDS, Tally
from eval.experiments import Arm, Experiment, Guardrails, Ramp, Step
from eval.experiments.observed import Minute
from eval.experiments.ramp import Stage, above, below, decide, fault_of, stage_since

ROLLOUT = Experiment(
    "grow",
    "rollout",
    (Arm("old"), Arm("new", "bm25")),
    share=0.05,
    guardrails=Guardrails(least=50),
    ramp=Ramp(minutes=2, requests=100),
)


def tally(requests: int, failures: float = 0.0, clicks: float = 0.4) -> Tally:
    failed = round(requests * failures)
    times = (0, 0, requests - failed, *[0] * (len(BOUNDS) - 2))
    return Tally(requests - failed, failed, requests, 0, round(requests * clicks), times=times)


happened = st.lists(
    st.tuples(
        st.integers(0, 400),
        st.sampled_from([0.0, 0.0, 0.0, 0.005, 0.03, 0.4]),
        st.sampled_from([0.4, 0.4, 0.36, 0.3, 0.1]),
    ),
    min_size=5,
    max_size=60,
)


@given(happened)
def test_no_step_is_skipped_none_taken_at_a_breach_and_back_is_back_for_good(
    minutes: list[tuple[int, float, float]],
) -> None:
    rollout, since, seen = ROLLOUT, 0.0, []
    history = [rollout.share]
    for at, (requests, failures, clicks) in enumerate(minutes):
        seen.append(Minute(at, tally(500), tally(requests, failures, clicks)))
        now = (at + 1) * 60.0
        decision = decide(Stage(rollout, since, seen), BOUNDS, now)
        broken = [each for each in decision.checks if each.state == "breaks"]
        assert (decision.what == "rolls back") == bool(broken)
        if decision.what == "rolls back":
            assert decision.share == 0
            assert all(each.reason in decision.reason for each in broken)
            break
        if decision.what == "stays":
            assert decision.share == rollout.share
            continue
        assert {each.state for each in decision.checks} == {"holds"}
        assert now - since >= 120
        assert sum(each.candidate.searches for each in seen) >= 100
        rollout, since, seen = replace(rollout, share=decision.share), now, seen[-1:]
        history.append(decision.share)
    assert history == list(ROLLOUT.ramp.steps[: len(history)])


def test_a_good_candidate_goes_all_the_way_and_then_stays() -> None:
    rollout, shares = ROLLOUT, []
    for _ in ROLLOUT.ramp.steps:
        stage = Stage(rollout, 0.0, [Minute(0, tally(500), tally(500))])
        decision = decide(stage, BOUNDS, 120.0)
        rollout = replace(rollout, share=decision.share)
        shares.append((decision.what, decision.share))
    assert shares == [
        ("advances", 0.1),
        ("advances", 0.25),
        ("advances", 0.5),
        ("finishes", 1.0),
        ("stays", 1.0),
    ]


def test_what_it_waits_for_is_said() -> None:
    stage = Stage(ROLLOUT, 60.0, [Minute(1, tally(500), tally(70))])
    reason = decide(stage, BOUNDS, 120.0).reason
    assert "1.0 of 2 minutes" in reason
    assert "70 of 100 requests" in reason


def test_the_stage_began_when_the_share_last_changed() -> None:
    steps = [Step(5.0, "grow", "created", "", 0.05), Step(9.0, "grow", "share", "", 0.1)]
    assert stage_since(replace(ROLLOUT, created=5.0), [*steps, Step(11.0, "grow", "note", "")]) == 9
    assert stage_since(replace(ROLLOUT, created=5.0), ()) == 5


@given(st.sampled_from(ROLLOUT.ramp.steps), st.sampled_from(ROLLOUT.ramp.steps))
def test_up_and_down_are_each_others_opposite(one: float, other: float) -> None:
    up = above(ROLLOUT.ramp, one)
    assert up is None or below(ROLLOUT.ramp, up) == one
    assert (up == other) == (below(ROLLOUT.ramp, other) == one)


def test_steps_that_are_none_are_refused() -> None:
    assert fault_of(Ramp()) is None
    for bad in (Ramp(()), Ramp((0.0, 1.0)), Ramp((0.5, 0.5)), Ramp((0.5, 1.1)), Ramp(minutes=-1)):
        assert fault_of(bad)
    assert "promoted" in (fault_of(Ramp((0.1,), promote=True)) or "")
