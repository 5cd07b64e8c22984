"""Reports of experiments from logs: who is credited, who counts, what is said of little."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from api.experiments.picture import draw
from api.experiments.reading import SETTLED_SECONDS, Found, Window, read
from api.experiments.report import Report, as_counted, report, report_json, window_of
from api.experiments.text import report_tables
from api.responses import to_json
from eval.experiments import Arm, Step
from search.errors import BadInput
from tests.api.experiments.logs import (
    AB,
    BEGUN,
    DAY,
    MIXED,
    WINDOW,
    did,
    found,
    mixed,
    search,
    written,
)


def test_what_is_not_over_is_left_out_so_that_no_number_moves(tmp_path: Path) -> None:
    searches = [
        mixed(0, "long", ["a", "b", "", ""]),
        *(mixed(n, f"s{n}", ["a", "b", "", ""]) for n in range(1, 41)),
        mixed(200, "long", ["a", "b", "", ""]),
        mixed(300, "last", ["a", "b", "", ""]),
    ]
    events = [did(each, "p2" if each["session"] == "long" else "p1") for each in searches]
    log = written(tmp_path, searches, events)

    def looked(seconds: float, **changes: Any) -> tuple[Found, Report]:
        window = Window(BEGUN, BEGUN + seconds)
        asked = replace(MIXED, **changes)
        read_ = read([log], asked, window)
        return read_, report(asked, read_, window)

    early, first = looked(199 + SETTLED_SECONDS)
    assert (len(early.units), early.unsettled) == (40, 2)
    assert any("2 sessions searched in the 10 minutes" in note for note in first.notes)
    _, nothing = looked(150)
    assert "41 sessions searched in the last 10 minutes" in nothing.decision.sentence
    later, second = looked(200 + SETTLED_SECONDS)
    assert (len(later.units), later.unsettled) == (41, 1)
    assert first.decision.at == second.decision.at
    assert first.decision.winner == second.decision.winner == "a"
    assert first.decision.time == second.decision.time
    ended, _ = looked(301, stopped=BEGUN + 301)
    assert (len(ended.units), ended.unsettled) == (42, 0)


def test_the_better_arm_is_named_once_it_is_sure(tmp_path: Path) -> None:
    searches = [mixed(n, f"s{n}", ["a", "b", "", ""]) for n in range(60)]
    events = [did(each, "p2" if n % 6 else "p1") for n, each in enumerate(searches)]
    _, said = found(tmp_path, MIXED, searches, events)
    assert said.decision.winner == "b"
    assert said.decision.at
    assert said.decision.at < 60
    assert "bm25 (b) is better than hybrid (a)" in said.decision.sentence
    assert "50 wins, 10 losses and 0 ties for bm25 (b)" in said.decision.sentence
    plain = report_json(said)
    assert (plain["wins"], plain["losses"], plain["ties"]) == (10, 50, 0)
    assert plain["e_value"] > 20
    assert plain["metrics"]["credit"]["delta"] == pytest.approx(-40 / 60)
    assert len(plain["sequence"]) == 60
    assert plain["preferences"]["b"]["a"] == pytest.approx(5 / 6)
    assert plain["mismatch"] is None


def test_three_interleaved_arms_have_a_matrix_of_preferences(tmp_path: Path) -> None:
    three = replace(MIXED, arms=(*MIXED.arms, Arm("c", "dense")))
    ranks = {"arms": ["a", "b", "c"], "ranks": [[1, 2, 3]] * 4}
    searches = [mixed(n, f"s{n}", ["a", "b", "c", ""], attributes=ranks) for n in range(90)]
    events = [did(each, "p3" if n % 9 else "p1") for n, each in enumerate(searches)]
    _, said = found(tmp_path, three, searches, events)
    assert said.decision.winner == "c"
    matrix = report_json(said)["preferences"]
    assert matrix["c"]["a"] == pytest.approx(8 / 9)
    assert matrix["b"]["a"] == pytest.approx(0)
    assert len(said.paths) == 3


def test_units_of_two_arms_bots_and_other_experiments_do_not_count(tmp_path: Path) -> None:
    searches = [
        search(0, "s0", "a"),
        search(1, "s1", "b"),
        search(2, "s2", "a"),
        search(3, "s2", "b"),
        search(4, "bot", "b"),
        search(5, "s5", "b", experiment="test2"),
        search(6, "s6", "x,b", experiment="other,test"),
        search(7, "s7", "a", time=BEGUN - 5),
        search(8, "", "a"),
    ]
    fast = [did(searches[4], f"p{n}", time=BEGUN + 4 + n / 100) for n in range(9)]
    read_, said = found(tmp_path, AB, searches, fast)
    assert said.units == {"a": 1, "b": 2}
    assert (read_.two_arms, read_.flagged) == (1, 1)
    assert any("more than one arm" in note for note in said.notes)
    assert any("flagged" in note for note in said.notes)


def test_what_units_did_is_summed_by_arm(tmp_path: Path) -> None:
    searches = [
        search(0, "s0", "a"),
        search(1, "s0", "a", total=0, products=[]),
        search(2, "s1", "b"),
        search(3, "s1", "b", search_id="q2", first=5),
    ]
    events = [
        did(searches[0], "p1"),
        did(searches[0], "p1", event_id="again"),
        did(searches[0], "p2"),
        did(searches[2], "p1", "purchase", value=20.0),
        did(searches[2], "p2", "purchase", value=5.0, search_id=""),
        did(searches[2], "p3", "purchase", value=99.0, time=BEGUN - 1),
    ]
    read_, _ = found(tmp_path, AB, searches, events)
    measures = {name: values.tolist() for name, values in read_.units.measures.items()}
    assert measures == {
        "searches": [2, 1], "pages": [2, 2], "clicks": [2, 0], "purchases": [0, 2],
        "converted": [0, 1], "revenue": [0, 25], "without_hits": [1, 0], "milliseconds": [21, 25],
    }  # fmt: skip
    assert sorted(read_.units.latencies.tolist()) == [10, 11, 12, 13]


def test_a_client_s_history_narrows_the_interval(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    searches, events, number = [], [], 0
    for person in range(300):
        fond = float(rng.choice([0.0, 1.0]))
        for when in (-DAY, -DAY, -DAY, 0.0, 0.0):
            one = search(
                number, f"v{number}", "ab"[person % 2], client=f"c{person}",
                time=BEGUN + when + number / 10, experiment="test" if when == 0 else "",
            )  # fmt: skip
            number += 1
            searches.append(one)
            if rng.random() < fond:
                events.append(did(one, "p1"))
    of_clients = replace(AB, unit="client")
    read_, said = found(tmp_path, of_clients, searches, events)
    assert read_.units.before["searches"].tolist() == [3] * 300
    effect = said.effects["clicks_per_search"]["b"]
    assert effect.reduction is not None
    assert effect.reduction > 0.9
    assert any("CUPED" in note for note in said.notes)
    assert said.units == {"a": 150, "b": 150}


def test_a_wrong_split_shows_no_effect(tmp_path: Path) -> None:
    searches = [search(n, f"s{n}", "a" if n % 4 else "b") for n in range(400)]
    _, said = found(tmp_path, AB, searches)
    plain = report_json(said)
    assert plain["mismatch"]["failed"]
    assert plain["metrics"] == {}
    assert plain["sequence"] == []
    assert "No effect is shown" in said.decision.sentence
    weighed = replace(AB, arms=(Arm("a", "hybrid", weight=3), Arm("b", "bm25")))
    assert report(weighed, read([tmp_path], weighed, WINDOW), WINDOW).split is not None
    assert report_json(report(weighed, read([tmp_path], weighed, WINDOW), WINDOW))["metrics"]


@pytest.mark.parametrize(
    ("kind", "count", "arms", "sentence"),
    [
        ("ab", 0, "ab", "No searches of test are logged yet"),
        ("interleave", 0, "ab", "No searches of test are logged yet"),
        ("ab", 1, "ab", "One session only, in a"),
        ("interleave", 1, "ab", "One session only"),
        ("interleave", 5, "ab", "all 5 sessions are ties"),
        ("ab", 6, "a", "All 6 sessions so far are in a"),
        ("ab", 30, "ab", "Too few sessions to say anything: a has 15"),
        ("ab", 400, "ab", "Not decided yet"),
    ],
)
def test_little_is_said_of_little(
    tmp_path: Path, kind: Any, count: int, arms: str, sentence: str
) -> None:
    searches = [
        mixed(n, f"s{n}", ["a", "b", "", ""])
        if kind == "interleave"
        else search(n, f"s{n}", arms[n % len(arms)])
        for n in range(count)
    ]
    _, said = found(tmp_path, replace(AB, kind=kind), searches)
    assert sentence in said.decision.sentence
    assert said.decision.winner is None
    drawn = ElementTree.fromstring(draw(said))
    assert drawn.tag.endswith("svg")
    assert to_json(report_json(said))


def test_arms_that_are_the_same_are_called_an_a_a_test(tmp_path: Path) -> None:
    same = replace(AB, arms=(Arm("a", "hybrid"), Arm("b", "hybrid")))
    _, said = found(tmp_path, same, [search(0, "s0", "a")])
    assert any("A/A test" in note for note in said.notes)


def test_a_rollout_counts_from_its_last_change_of_shares() -> None:
    rolling = replace(AB, kind="rollout", share=0.1)
    steps = [
        Step(BEGUN, "test", "created", ""),
        Step(BEGUN + 50, "test", "share", "", 0.1),
        Step(BEGUN + 70, "test", "noted", ""),
    ]
    assert window_of(rolling, steps, BEGUN + 99) == Window(BEGUN + 50, BEGUN + 99)
    ended = replace(AB, stopped=BEGUN + 60)
    assert window_of(ended, steps, BEGUN + 99) == Window(BEGUN, BEGUN + 60)
    assert as_counted(rolling, steps) == rolling


def test_a_rollout_taken_back_is_reported_by_the_shares_it_had(tmp_path: Path) -> None:
    """Its share is nothing from then on, by which no split could be right."""
    over = replace(AB, kind="rollout", share=0.0, status="stopped", stopped=BEGUN + 900)
    steps = [
        Step(BEGUN, "test", "created", "", 0.25),
        Step(BEGUN + 900, "test", "rolled back", "too slow", 0.0),
    ]
    searches = [search(n, f"s{n}", "aaab"[n % 4]) for n in range(800)]
    _, said = found(tmp_path, as_counted(over, steps), searches)
    assert said.split is not None
    assert (said.split.failed, said.split.expected) == (False, (600.0, 200.0))
    assert "Not decided yet" in said.decision.sentence


def test_searches_that_the_baseline_answered_alone_are_why_nobody_leads(tmp_path: Path) -> None:
    searches = [mixed(n, f"s{n}", []) for n in range(5)]
    _, said = found(tmp_path, MIXED, searches, [did(each, "p1") for each in searches])
    assert "every search was answered by the baseline alone" in said.decision.sentence
    assert "fell back" in said.decision.sentence


def test_there_is_no_log_before_the_first_search(tmp_path: Path) -> None:
    nothing = read([tmp_path], AB, WINDOW)
    assert len(nothing.units) == 0
    with pytest.raises(BadInput, match="no metric 'luck'"):
        report(AB, nothing, WINDOW, "luck")


def test_tables_name_systems_and_begin_with_what_always_holds(tmp_path: Path) -> None:
    searches = [mixed(n, f"s{n}", ["a", "b", "", ""]) for n in range(120)]
    _, said = found(tmp_path, MIXED, searches, [did(each, "p2") for each in searches])
    (table,) = report_tables(said)
    assert table.columns[1].header == "bm25 (b) − hybrid (a)"
    rows = dict(zip(*(column.cells for column in table.columns), strict=True))
    assert rows["wins / losses / ties"] == "120 / 0 / 0"
    assert str(rows["clicks credited a session, difference"]).startswith("+1")
    order = [str(name) for name in rows]
    assert order.index("its confidence sequence") < order.index("95% interval (if looked at once)")


def test_a_picture_is_as_wide_as_its_effects(tmp_path: Path) -> None:
    searches = [search(n, f"s{n}", "ab"[n % 2]) for n in range(20)]
    events = [did(each, f"p{k}") for n, each in enumerate(searches) for k in range(1, 2 + n % 2)]
    _, said = found(tmp_path, AB, searches, events)
    assert said.effects["clicks_per_search"]["b"].relative == 1
    assert "+110%" in draw(said)
    (table,) = report_tables(said)
    assert [column.header for column in table.columns][1:3] == ["hybrid (a)", "bm25 (b)"]
    long = replace(AB, arms=(Arm("a"), Arm("b", "model:f25491b6ef14")))
    (table,) = report_tables(replace(said, experiment=long))
    told = io.StringIO()
    Console(file=told, width=80).print(table)
    assert "…" not in told.getvalue()
    assert "milliseconds" in told.getvalue()
