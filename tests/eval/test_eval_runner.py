"""Systems are asked for what the mode needs; what they return is checked, completed and noted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from eval.judgments import Judgments
from eval.runner import Mode, collect_runs, evaluate_systems
from eval.runs import Run
from search.errors import BadInput

GAINS = {"a": {"p1": 1.0, "p2": 0.0, "p3": 0.0}, "b": {"p2": 1.0}, "none": {"p1": 0.0}}


class Shelf:
    """Ranks by fixed orders, as deep as asked, and remembers what it was asked."""

    def __init__(self, **orders: Mapping[str, Sequence[str]]) -> None:
        self.orders = orders
        self.asked: list[tuple[str, tuple[str, ...], int, object]] = []

    async def run(
        self,
        system: str,
        queries: Sequence[str],
        depth: int,
        candidates: Mapping[str, Sequence[str]] | None,
    ) -> Run:
        self.asked.append((system, tuple(queries), depth, candidates))
        if system not in self.orders:
            raise BadInput(f"unknown system {system!r}", field="systems")
        return {q: self.orders[system][q][:depth] for q in queries if q in self.orders[system]}


async def test_full_mode_asks_for_every_scorable_query_at_the_depth() -> None:
    shelf = Shelf(words={"a": ["p1", "x", "y"], "b": ["x", "p2"]})
    runs, notes = await collect_runs(shelf, Judgments(GAINS), ["words"], depth=2)
    assert shelf.asked == [("words", ("a", "b"), 2, None)]
    assert runs == {"words": {"a": ["p1", "x"], "b": ["x", "p2"]}}
    assert notes == ()


async def test_the_floor_of_full_mode_shuffles_what_the_others_found() -> None:
    shelf = Shelf(one={"a": ["p1", "x"], "b": ["z"]}, two={"a": ["y", "p1"]})
    runs, _ = await collect_runs(shelf, Judgments(GAINS), ["random", "one", "two"], seed=3)
    assert list(runs) == ["random", "one", "two"]
    assert {q: sorted(ranked) for q, ranked in runs["random"].items()} == {
        "a": ["p1", "x", "y"],
        "b": ["z"],
    }
    assert [system for system, *_ in shelf.asked] == ["one", "two"]


async def test_reranking_orders_all_judged_products_and_no_others() -> None:
    shelf = Shelf(words={"a": ["p3", "x", "p1"], "b": ["p2"]})
    runs, notes = await collect_runs(
        shelf, Judgments(GAINS), ["words", "random"], mode="rerank", depth=1
    )
    candidates = {"a": ("p1", "p2", "p3"), "b": ("p2",)}
    assert shelf.asked == [("words", ("a", "b"), 3, candidates)]
    assert runs["words"] == {"a": ("p3", "p1", "p2"), "b": ("p2",)}
    assert {q: tuple(sorted(ranked)) for q, ranked in runs["random"].items()} == candidates
    assert any("1 products that were not asked for" in note for note in notes)
    assert any("did not score 1 judged products" in note for note in notes)


async def test_a_report_carries_the_notes_of_its_runs() -> None:
    report = await evaluate_systems(
        Shelf(words={"a": ["p1"]}), Judgments(GAINS), ["words"], mode="rerank"
    )
    assert report.excluded_queries == 1
    assert any("did not score 3 judged products" in note for note in report.notes)


@pytest.mark.parametrize(
    ("systems", "mode", "message"),
    [
        ([], "full", "no system named"),
        (["words", "words"], "full", "named twice"),
        (["random"], "full", "name one beside it"),
        (["magic"], "rerank", "unknown system 'magic'"),
    ],
)
async def test_systems_that_cannot_be_run_are_refused(
    systems: list[str], mode: Mode, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        await collect_runs(Shelf(words={}), Judgments(GAINS), systems, mode=mode)


async def test_the_floor_alone_can_be_reranked() -> None:
    runs, _ = await collect_runs(Shelf(), Judgments(GAINS), ["random"], mode="rerank")
    assert sorted(runs["random"]["a"]) == ["p1", "p2", "p3"]
