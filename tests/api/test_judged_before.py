"""Judgments that taught a model are known again, under any name and in part."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from api.judged_before import held_out_gain, learned_queries, marks_of, share_of
from eval import Judgments
from tests.api.ranked import ordering

JUDGED = Judgments({"Red shoes": {"a": 1.0}, "lamp": {"b": 1.0}, "sofa": {"c": 0.0}})


def test_queries_are_known_by_what_they_say_wherever_they_come_from() -> None:
    model = replace(ordering(1.0), training=marks_of(["red  SHOES", "table"]))
    assert learned_queries(model, JUDGED) == {"Red shoes"}
    assert share_of({"Red shoes"}, JUDGED.relevant_queries()) == "1 of 2 judged queries"
    both = replace(ordering(1.0), training=marks_of(JUDGED.relevant_queries()))
    assert learned_queries(both, JUDGED) == {"Red shoes", "lamp"}
    assert share_of({"Red shoes", "lamp"}, JUDGED.relevant_queries()) == "all 2 judged queries"


def test_a_model_without_marks_is_known_by_the_path_of_its_judgments(tmp_path: Path) -> None:
    file = tmp_path / "judgments.csv"
    model = replace(ordering(1.0), training={"judgments": f"{tmp_path}/x/../judgments.csv"})
    assert learned_queries(model, JUDGED, file) == {"Red shoes", "lamp"}
    assert not learned_queries(model, JUDGED, tmp_path / "others.csv")
    assert not learned_queries(model, JUDGED)
    assert not learned_queries(ordering(1.0), JUDGED, file)


def test_what_a_model_gained_on_queries_held_out_is_told() -> None:
    metrics = {"held_out": {"chosen": {"against": {"delta": 0.0383}}}}
    found = held_out_gain(replace(ordering(1.0), metrics=metrics))
    assert found == "+0.0383 nDCG@10 over the fused order"
    assert held_out_gain(ordering(1.0)) == ""
