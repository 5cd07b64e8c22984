"""The gate's evidence: judgments and clicks tell a better model from a worse one."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from api.evaluation import IndexSearcher
from api.held_out_clicks import Examinations
from api.judged_before import marks_of
from api.promotion import Anchor, Evidence, Examined, examine
from api.settings import AppSettings
from rankers import Model, save_model
from rankers.behavior import publish
from rankers.features import VERSION
from search.build import HYBRID, LTR, open_search
from tests.api.ranked import ordering, some, written
from tests.api.retraining.conftest import LAST, visit
from training.behavior import behavior_as_of
from training.propensity import Propensities
from training.registry import FileRegistry, Margins

pytestmark = pytest.mark.slow
Values = NDArray[np.float64]
GENEROUS = Margins(milliseconds=1000)


@pytest.fixture(scope="module")
def judgments(shop_files: Path) -> Path:
    return shop_files / "judgments.csv"


@pytest.fixture(scope="module")
def clicked(indexed: Path, judgments: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index, and shoppers who click on what is relevant: what the fused order has on top."""
    data = tmp_path_factory.mktemp("clicked") / "data"
    shutil.copytree(indexed, data, ignore=shutil.ignore_patterns("events"))
    best = asyncio.run(well_ordered(data, judgments))
    visit(data, judgments, 2000, queries=best, features=0.0)
    return data


async def well_ordered(data: Path, judgments: Path, count: int = 60) -> list[str]:
    """The queries whose first ten products stand best as they stand, and worst upside down."""
    judged = some(judgments, 200)
    search = await open_search(AppSettings(data=data))
    try:
        queries = judged.relevant_queries()
        runs = await IndexSearcher(search).run(HYBRID, queries, 10, None)
    finally:
        await search.close()

    def gain(query: str) -> float:
        grades = [judged.gains[query].get(product, 0.0) for product in runs[query]]
        return sum(grade * (len(grades) - 1 - 2 * place) for place, grade in enumerate(grades))

    return sorted(queries, key=gain)[-count:]


def asked(
    data: Path,
    tmp_path: Path,
    weights: tuple[float | Model, float],
    evidence: Evidence,
    *,
    anchor: Anchor | None = None,
    notes: Mapping[str, object] | None = None,
) -> Examined:
    """The gate's answer for the first beside the second, which serves; `notes` are the first's."""
    registry = FileRegistry(tmp_path / "models", data / "model.json")
    serving = registry.add(ordering(weights[1]), {})
    registry.promote(serving.version, "for a start")
    path, wanted = tmp_path / "candidate.json", weights[0]
    model = wanted if isinstance(wanted, Model) else ordering(wanted)
    save_model(replace(model, training=notes or {}), path)

    async def ask() -> Examined:
        search = await open_search(AppSettings(data=data))
        try:
            return await examine(search, path, evidence, GENEROUS, anchor)
        finally:
            await search.close()

    try:
        return asyncio.run(ask())
    finally:
        (data / "model.json").unlink()


@pytest.mark.parametrize("by", ["judgments", "clicks"])
def test_a_better_model_passes_and_a_worse_one_does_not(
    by: str, clicked: Path, judgments: Path, tmp_path: Path
) -> None:
    evidence = Evidence(some(judgments)) if by == "judgments" else Evidence(None, (clicked,))
    better = asked(clicked, tmp_path, (1.0, -1.0), evidence)
    assert better.against == "ranked"
    assert better.verdict.passed
    (found,) = (each for each in better.verdict.checks if each.name == by)
    assert found.low > 0
    worse = asked(clicked, tmp_path, (-1.0, 1.0), evidence)
    assert not worse.verdict.passed
    (found,) = (each for each in worse.verdict.checks if each.name == by)
    assert found.high < 0
    assert found.sentence.endswith("worse")
    assert found.sentence in worse.verdict.reasons


def test_the_same_order_is_not_worse(clicked: Path, judgments: Path, tmp_path: Path) -> None:
    evidence = Evidence(some(judgments), (clicked,))
    same = asked(clicked, tmp_path, (2.0, 1.0), evidence)
    assert same.verdict.passed
    assert {each.name for each in same.verdict.checks} >= {"judgments", "clicks", "latency"}
    assert [each.delta for each in same.verdict.checks if each.name in ("judgments", "clicks")] == [
        0.0,
        0.0,
    ]


def test_clicks_that_are_too_old_are_no_evidence(
    clicked: Path, judgments: Path, tmp_path: Path
) -> None:
    late = LAST + 86_400
    both = asked(clicked, tmp_path, (1.0, -1.0), Evidence(some(judgments), (clicked,), late))
    assert both.verdict.passed
    assert both.remarks[0].startswith("clicks were not looked at: the log has no pages")
    alone = asked(clicked, tmp_path, (1.0, -1.0), Evidence(None, (clicked,), late))
    assert not alone.verdict.passed
    assert "nothing to judge by: clicks were not looked at" in alone.verdict.reasons[0]


def test_clicks_that_taught_the_candidate_do_not_judge_it(clicked: Path, tmp_path: Path) -> None:
    cut = LAST - 2 * 86_400
    evidence = Evidence(None, (clicked,), LAST - 9 * 86_400)
    every = asked(clicked, tmp_path, (1.0, -1.0), evidence)
    notes = {"window": [0.0, cut]}
    later = asked(clicked, tmp_path, (1.0, -1.0), evidence, notes=notes)
    assert later.verdict.checks[0].units < every.verdict.checks[0].units / 2
    assert "taught the candidate" in later.remarks[0]
    unseen = {"window": [0.0, LAST + 86_400]}
    nothing = asked(clicked, tmp_path, (1.0, -1.0), evidence, notes=unseen)
    assert "nothing to judge by" in nothing.verdict.reasons[0]


def test_judgments_that_taught_the_candidate_do_not_judge_it(
    clicked: Path, judgments: Path, tmp_path: Path
) -> None:
    judged = some(judgments)
    queries = judged.relevant_queries()
    half = asked(clicked, tmp_path, (1.0, -1.0), Evidence(judged), notes=marks_of(queries[::2]))
    assert half.verdict.checks[0].name == "judgments"
    assert half.verdict.checks[0].units == len(queries[1::2])
    assert "of 60 judged queries taught the candidate and do not count" in half.remarks[0]
    every = asked(clicked, tmp_path, (1.0, -1.0), Evidence(judged), notes=marks_of(queries))
    assert not every.verdict.passed
    (refused,) = every.verdict.reasons
    assert refused.startswith("nothing to judge by: all 60 judged queries taught the candidate")
    assert "judge it by queries it has not seen" in refused
    named = Evidence(judged, source=judgments)
    notes = {"judgments": str(judgments)}
    assert not asked(clicked, tmp_path, (1.0, -1.0), named, notes=notes).verdict.passed


class Chance:
    """Clicks on whatever stands there, the more seldom the lower: no product is better."""

    name = "chance"

    def draw(self, felt: Values, rng: np.random.Generator) -> NDArray[np.bool_]:
        """See `ClickModel`."""
        return rng.random(felt.shape) < 0.4 * self.examination(felt.shape[1])

    def examination(self, depth: int) -> Values:
        """See `ClickModel`."""
        return 1.0 / np.arange(1, depth + 1)


def test_what_knows_the_clicks_that_judge_it_is_not_better_for_that(
    indexed: Path, judgments: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, since = tmp_path / "data", LAST - 86_400
    shutil.copytree(indexed, data, ignore=shutil.ignore_patterns("events"))
    queries = some(judgments, 20).relevant_queries()
    visit(data, judgments, 1200, days=1.9, queries=queries, model=Chance(), features=0.0)
    places = np.arange(1, 11, dtype=np.int32)
    curve = Propensities("known", places, 1.0 / places)
    monkeypatch.setattr("api.promotion.examinations", lambda events: Examinations(curve))
    # What serves knows all clicks by now: those of the last day are those that judge.
    publish(behavior_as_of([data], curve), data)
    one = np.ones(1)
    clicked = Model("clicked", "linear", ("clicks_1_day",), VERSION, one, 0 * one, one, depth=100)
    found = asked(data, tmp_path, (clicked, 1.0), Evidence(None, (data,), since)).verdict.checks[0]
    assert found.name == "clicks"
    assert found.units > 300
    assert found.low < 0 < found.high


def test_clicks_are_looked_at_by_segment(clicked: Path, tmp_path: Path) -> None:
    worse = asked(clicked, tmp_path, (-1.0, 1.0), Evidence(None, (clicked,)))
    names = {each.name for each in worse.verdict.checks if each.segment and not each.passed}
    assert {"clicks, queries asked often", "clicks, queries asked rarely"} <= names
    assert any(name.startswith("clicks, queries of kind ") for name in names)
    assert any(name.startswith("clicks, queries for ") for name in names)


def test_what_is_as_bad_as_what_serves_is_refused_beside_a_better_anchor(
    clicked: Path, judgments: Path, tmp_path: Path
) -> None:
    evidence = Evidence(some(judgments, 25), (clicked,))
    assert asked(clicked, tmp_path, (-2.0, -1.0), evidence).verdict.passed
    anchor = Anchor("abc", f"{LTR}{written(tmp_path / 'anchor.json', 1.0)}")
    refused = asked(clicked, tmp_path, (-2.0, -1.0), evidence, anchor=anchor)
    names = [each.name for each in refused.verdict.checks if not each.passed]
    assert names == ["judgments, beside the anchor abc", "clicks, beside the anchor abc"]
    assert refused.anchor == "abc"
    gone = asked(
        clicked, tmp_path, (-2.0, -1.0), evidence, anchor=Anchor("abc", f"{LTR}{tmp_path}/no.json")
    )
    assert gone.verdict.passed
    assert "abc cannot be compared with any more" in gone.remarks[0]
