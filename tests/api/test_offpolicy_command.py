"""`aisle offpolicy` as it is called: over logged features, over an index, and on bad input."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from api.bench.experiments_off_policy import explored, mixed_rankers
from api.cli import run
from api.off_policy.log import Window, read_clicks
from api.off_policy.propensity import fitter
from eval.off_policy import METHODS, Plan, compare
from rankers import save_model
from rankers.features import VERSION
from tests.api.ranked import ordering, some, written
from tests.api.retraining.conftest import visit
from training.simulation import CLICK_MODELS, LogPlan, World, make_world, simulate_log

Json = dict[str, Any]


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(3, queries=40, candidates=12)


@pytest.fixture(scope="module")
def logged(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three rankers' pages, with what is true of each product as its one feature."""
    folder = tmp_path_factory.mktemp("log")
    plan = LogPlan(
        features=world.grades[..., None].astype(np.float32),
        feature_names=("fused_share",),
        feature_version=VERSION,
        days=10.0,
    )
    simulate_log(folder, world, CLICK_MODELS["ultra"], 3000, 1, plan)
    return folder


def asked(capfd: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, Json, str]:
    """The exit code, the JSON of the last line, and standard error."""
    code = run(["offpolicy", *map(str, arguments), "--json"])
    said = capfd.readouterr()
    lines = said.out.strip().splitlines()
    return code, json.loads(lines[-1]) if lines else {}, said.err


def test_a_model_is_tried_on_logged_features(
    logged: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model, picture = written(tmp_path / "model.json", 1.0), tmp_path / "found.svg"
    code, found, _ = asked(
        capfd, "--events", logged, "--candidate", model, "--draws", 40, "--picture", picture
    )
    assert code == 0
    assert found["source"] == "logged features"
    assert found["method"] == "position"
    assert (found["refused"], found["headline"]) == (None, "snips")
    for name in METHODS:
        each = found["estimates"][name]
        assert 0 < each["low"] < each["delta"] < each["high"]
        assert each["delta"] == pytest.approx(each["candidate"] - each["against"])
    assert found["effective_sample_size"] > 100
    assert set(found["overlap"]) == {"shown", "together", "explored"}
    assert any("no trust bias" in each for each in found["assumptions"])
    assert any("only products that the log has shown" in each for each in found["assumptions"])
    assert any("estimated from the same log" in each for each in found["assumptions"])
    assert "would get more clicks" in found["sentence"]
    drawn = ElementTree.fromstring(picture.read_text("utf-8"))
    assert "SNIPS" in "".join(drawn.itertext())


def test_what_is_better_against_logging_is_better_against_its_reverse(
    logged: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    better, worse = (written(tmp_path / f"{w}.json", w) for w in (1.0, -1.0))
    common = ("--events", logged, "--draws", 20)
    _, beside, _ = asked(capfd, *common, "--candidate", better, "--against", worse)
    _, alone, _ = asked(capfd, *common, "--candidate", better)
    assert beside["estimates"]["ips"]["delta"] > alone["estimates"]["ips"]["delta"] > 0


def test_the_logged_order_is_worth_what_it_was(
    logged: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, found, _ = asked(capfd, "--events", logged, "--candidate", "logging")
    assert code == 0
    assert found["identical"]
    assert [found["estimates"][name]["delta"] for name in METHODS] == [0, 0, 0]
    assert found["estimates"]["ips"]["candidate"] == found["logged"]
    assert "differ by 0 clicks" in found["sentence"]


def test_people_read_a_sentence_a_table_and_what_it_assumes(
    logged: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = written(tmp_path / "model.json", 1.0)
    assert (
        run(["offpolicy", "--events", str(logged), "--candidate", str(model), "--draws", "20"]) == 0
    )
    said = " ".join(capfd.readouterr().out.split())
    for part in (
        *("clicks a search", "doubly robust", "SNIPS *", "* go by this one"),
        *("Effective sample size", "Largest weight", "This assumes:"),
    ):
        assert part in said


def test_days_are_chosen(logged: Path) -> None:
    whole = read_clicks([logged])
    assert whole.first is not None
    half = read_clicks([logged], Window(since=whole.first + 5 * 86_400))
    assert half.searches == pytest.approx(whole.searches / 2, rel=0.02)
    early = read_clicks([logged], Window(until=whole.first + 5 * 86_400))
    assert early.searches + half.searches == pytest.approx(whole.searches, rel=0.01)
    few = read_clicks([logged], Window(most=100))
    assert few.searches == 100
    assert "100 of 3,000 searches" in few.remarks[-2]


def test_a_log_in_one_order_is_refused_with_what_to_do(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    world = make_world(4, queries=5, candidates=10, noises=(1.0,))
    plan = LogPlan(
        features=world.grades[..., None].astype(np.float32),
        feature_names=("fused_share",),
        feature_version=VERSION,
    )
    simulate_log(tmp_path / "log", world, CLICK_MODELS["ultra"], 500, 1, plan)
    model = written(tmp_path / "model.json", 1.0)
    code, found, _ = asked(capfd, "--events", tmp_path / "log", "--candidate", model)
    assert code == 1
    assert found["estimates"] == dict.fromkeys(METHODS)
    assert "propensities cannot be estimated" in found["refused"]
    assert "exploration" in found["refused"]
    assert found["assumptions"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--candidate", "bm25"), "name the data directory with --data"),
        (("--candidate", "logging", "--since", "yesterday"), "is no day"),
        (("--candidate", "logging", "--since", "2030-01-01"), "name other days"),
        (("--candidate", "logging", "--estimator", "magic"), "no estimator 'magic'"),
        (("--candidate", "logging", "--method", "magic"), "no method 'magic'"),
    ],
)
def test_bad_input_is_named(
    arguments: tuple[str, ...], reason: str, logged: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, _, said = asked(capfd, "--events", logged, *arguments)
    assert code == 2
    assert reason in said


def test_a_model_without_its_features_or_without_scores_is_refused(
    logged: Path, world: World, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    other = replace(ordering(1.0), features=("title_share",))
    save_model(other, tmp_path / "other.json")
    code, _, said = asked(capfd, "--events", logged, "--candidate", tmp_path / "other.json")
    assert code == 2
    assert "features" in said
    flat = written(tmp_path / "flat.json", 0.0)
    code, _, said = asked(capfd, "--events", logged, "--candidate", flat)
    assert code == 2
    assert "alike" in said


def test_propensities_of_the_log_are_estimated_again_in_each_resample() -> None:
    """Plugged in as if they were known, they make intervals that are too narrow."""
    wide: list[float] = []
    narrow: list[float] = []
    for seed in range(6):
        drawn = mixed_rankers(CLICK_MODELS["ultra"], 1500, seed)
        for plan, widths in ((Plan(draws=60), wide), (Plan(draws=60, plug_in=True), narrow)):
            found = compare(drawn.log, drawn.scores, None, fitter(), plan).differences["snips"]
            widths.append(found.high - found.low)
    assert np.mean(narrow) < 0.9 * np.mean(wide)


def test_logged_chances_withstand_trust_in_high_places() -> None:
    errors = []
    for method in ("position", "randomized"):
        drawn = [explored(CLICK_MODELS["trust"], 20_000, seed) for seed in range(3)]
        found = [compare(d.log, d.scores, None, fitter(), Plan(method, 20)) for d in drawn]
        pairs = zip(found, drawn, strict=True)
        errors.append(np.mean([f.candidate["snips"] - f.logged - d.truth for f, d in pairs]))
    assert errors[0] > 0.03
    assert abs(errors[1]) < errors[0] / 2


def test_clicks_that_are_not_position_based_are_doubted(
    tmp_path: Path, world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    plan = LogPlan(
        features=world.grades[..., None].astype(np.float32),
        feature_names=("fused_share",),
        feature_version=VERSION,
        impressions=False,
    )
    simulate_log(tmp_path / "log", world, CLICK_MODELS["cascade"], 15_000, 1, plan)
    model = written(tmp_path / "model.json", 1.0)
    code, found, _ = asked(capfd, "--events", tmp_path / "log", "--candidate", model, "--draws", 20)
    assert code == 0
    assert "not position-based" in found["sentence"]
    assert "The log speaks against it" in found["assumptions"][0]


@pytest.mark.slow
def test_candidates_order_by_an_index(
    indexed: Path,
    shop_files: Path,
    logged: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    data = tmp_path / "data"
    shutil.copytree(indexed, data, ignore=shutil.ignore_patterns("events"))
    judgments = shop_files / "judgments.csv"
    visit(data, judgments, 400, queries=some(judgments, 30).relevant_queries())
    common = ("--events", data, "--data", data, "--draws", 20, "--queries", 40)
    worse = written(tmp_path / "worse.json", -1.0)
    code, found, _ = asked(capfd, *common, "--candidate", worse, "--against", "hybrid")
    assert code == 1  # it would show what nobody has seen
    assert found["source"] == "index"
    assert found["overlap"]["shown"] < 0.5
    assert "was ever shown for its query" in found["refused"]
    code, same, _ = asked(capfd, *common, "--candidate", "hybrid")
    assert code == 0
    assert same["overlap"]["shown"] > 0.9
    assert same["method"] == "randomized"  # the log explores around this very order
    assert abs(same["estimates"]["snips"]["delta"]) < 0.2 * same["logged"]
    code, same, _ = asked(capfd, *common, "--candidate", "hybrid", "--against", "hybrid")
    assert same["identical"]
    code, _, said = asked(
        capfd, "--events", logged, "--data", data, "--candidate", "hybrid", "--draws", 20
    )
    assert code == 2
    assert "log of this shop" in said
