"""The gate's evidence: judgments and clicks tell a better model from a worse one."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from api.promotion import Evidence, Examined, examine
from api.settings import AppSettings
from search.build import open_search
from search.errors import BadInput
from tests.api.ranked import ordering, some, written
from tests.api.retraining.conftest import LAST, visit
from training.registry import FileRegistry, Margins

pytestmark = pytest.mark.slow
GENEROUS = Margins(milliseconds=1000)


@pytest.fixture(scope="module")
def judgments(shop_files: Path) -> Path:
    return shop_files / "judgments.csv"


@pytest.fixture(scope="module")
def clicked(indexed: Path, judgments: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index, and shoppers who click on what is relevant: what the fused order has on top."""
    data = tmp_path_factory.mktemp("clicked") / "data"
    shutil.copytree(indexed, data, ignore=shutil.ignore_patterns("events"))
    visit(data, judgments, 2000, queries=some(judgments).relevant_queries())
    return data


def asked(data: Path, tmp_path: Path, weights: tuple[float, float], evidence: Evidence) -> Examined:
    """The gate's answer for the first beside the second, which serves."""
    registry = FileRegistry(tmp_path / "models", data / "model.json")
    serving = registry.add(ordering(weights[1]), {})
    registry.promote(serving.version, "for a start")
    path = written(tmp_path / "candidate.json", weights[0])

    async def ask() -> Examined:
        search = await open_search(AppSettings(data=data))
        try:
            return await examine(search, path, evidence, GENEROUS)
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
    with pytest.raises(BadInput, match="no pages"):
        asked(clicked, tmp_path, (1.0, -1.0), Evidence(None, (clicked,), late))
