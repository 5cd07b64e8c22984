"""Who gets credit for clicks on interleaved lists, from logs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from api.experiments.reading import read
from api.responses import to_json
from tests.api.experiments.logs import BEGUN, DAY, MIXED, WINDOW, did, found, mixed, written


def test_clicks_go_to_whom_the_hit_stands_for_and_count_once(tmp_path: Path) -> None:
    searches = [
        mixed(0, "s0", ["a", "b", "", "b"]),
        mixed(1, "s1", ["a", "b", "", "b"]),
        mixed(2, "s1", ["b", "a", "", "a"]),
        mixed(3, "s2", ["a", "b", "", "b"]),
    ]
    events = [
        did(searches[0], "p1"),
        did(searches[0], "p1", event_id="again"),
        did(searches[0], "p3"),
        did(searches[1], "p2"),
        did(searches[2], "p1"),
        did(searches[3], "p9"),
        did(searches[3], "p1", time=BEGUN + 2 * DAY),
    ]
    read_, said = found(tmp_path, MIXED, searches, events)
    assert read_.credits is not None
    assert read_.credits.earned.tolist() == [[1, 0], [0, 2], [0, 0]]
    assert said.units == {"a": 3, "b": 3}
    (pair,) = said.pairs
    assert (pair.wins, pair.losses, pair.ties) == (1, 1, 1)
    assert said.decision.winner is None
    assert "1 wins, 1 losses and 1 ties" in said.decision.sentence


@pytest.mark.parametrize("method", ["balanced", "optimized", "probabilistic", "preference"])
def test_other_methods_credit_by_ranks_and_chances(tmp_path: Path, method: str) -> None:
    drawn = [[0.5, 0.5]] * 4 if method == "preference" else [[0.9, 0.1], [0.1, 0.9]] * 2
    said = {"ranks": [[1, 2], [2, 1], [3, 4], [4, 3]], "chances": drawn}
    searches = [mixed(n, f"s{n}", ["a", "b", "a", "b"], attributes=said) for n in range(2)]
    events = [did(searches[0], "p1"), did(searches[1], "p2")]
    read_, _ = found(tmp_path, replace(MIXED, method=method), searches, events)
    assert read_.credits is not None
    earned = read_.credits.earned
    assert earned[0, 0] > earned[0, 1]
    assert earned[1, 1] > earned[1, 0]
    bare = [mixed(n, f"s{n}", ["a", "a", "b", "b"]) for n in range(2)]
    if method in ("probabilistic", "preference"):
        told = read(
            [written(tmp_path / "bare", bare, events)], replace(MIXED, method=method), WINDOW
        )
        assert told.credits is not None
        assert not told.credits.earned.any()
        assert "without what credit needs" in told.remarks[0]


def test_two_pages_are_one_list(tmp_path: Path) -> None:
    first = mixed(0, "s0", ["a", "b", "a", "b"])
    second = {
        **first, "first": 5, "products": ["p5", "p6"], "teams": ["a", "b"],
        "attributes": to_json({"arms": ["a", "b"], "ranks": [[5, 9], [9, 5]]}).decode(),
    }  # fmt: skip
    read_, _ = found(
        tmp_path, replace(MIXED, method="balanced"), [second, first], [did(first, "p5")]
    )
    assert read_.searches == 1
    assert read_.credits is not None
    assert read_.credits.earned.tolist() == [[1, 0]]


def test_debiased_credit_takes_propensities_of_the_same_log(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    searches, events = [], []
    liked = {"p1": 0.2, "p2": 0.2, "p3": 0.6, "p4": 0.6}
    for n in range(2_400):
        one, two = rng.integers(2, size=2)
        order = [0, 3][:: 1 - 2 * one] + [1, 2][:: 1 - 2 * two]
        teams = "ab"[:: 1 - 2 * one] + "ab"[:: 1 - 2 * two]
        known: dict[str, Any] = {}
        if n % 2:  # other traffic, which connects all places
            order, known = rng.permutation(4).tolist(), {"experiment": ""}
        ranks = {"ranks": [[i + 1, 4 - i] for i in order], "items": [i + 1 for i in order]}
        products = [f"p{i + 1}" for i in order]
        each = mixed(n, f"s{n}", list(teams), products=products, attributes=ranks, **known)
        searches.append(each)
        events += [
            did(each, product, position=place + 1)
            for place, product in enumerate(products)
            if rng.random() < liked[product] / (place + 1)
        ]
    debiased = replace(MIXED, debiased=True)
    read_, said = found(tmp_path, debiased, searches, events)
    assert read_.credits is not None
    assert read_.credits.debiased
    # Alone, a would have had .2 + .2 / 2 clicks in its first two places and b .6 + .6 / 2.
    assert read_.credits.earned.mean(axis=0) == pytest.approx([0.3, 0.9], abs=0.08)
    assert said.decision.winner == "b"
    assert said.pairs[0].decided_by == "confidence sequence"


def test_credit_that_cannot_be_debiased_is_plain_and_says_so(tmp_path: Path) -> None:
    searches = [mixed(0, "s0", ["a", "b", "", ""])]
    read_, said = found(tmp_path, replace(MIXED, debiased=True), searches)
    assert read_.credits is not None
    assert not read_.credits.debiased
    assert any("not debiased" in note for note in said.notes)
