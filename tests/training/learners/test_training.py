"""From a log split in time to a model, and a report that sets learners side by side."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from rankers import load_model, save_model
from rankers.model_file import Known
from rankers.scoring import Scorer
from search.errors import BadInput
from tests.training.learners.worlds import PROPENSITIES, QUICK, clicked, counted, truth
from tests.training.made import NAMES
from training import Tables
from training.learners import clicked_tables
from training.learners.clicked import with_gains
from training.learners.comparing import CLICKS, JUDGMENTS, LOGGING
from training.learners.logger import strength_of_logger
from training.learners.report import click_report_json, format_click_report
from training.learners.training import ClickPlan, LearnedFromClicks, SplitLog, learn

TABLES = truth(40)
LOG = SplitLog(
    counted(TABLES, orders=1, seed=1),
    counted(TABLES, orders=1, seed=2),
    counted(TABLES, orders=1, sessions=100, seed=3),
)


def learned(learner: str, weight: float = 0.0, tables: Tables = TABLES) -> LearnedFromClicks:
    plan = ClickPlan(learner, weight, settings=QUICK)
    return learn([tables], LOG, PROPENSITIES, plan, "made")


@pytest.fixture(scope="module")
def found() -> LearnedFromClicks:
    return learned("eb-labels")


@pytest.mark.slow
def test_the_report_sets_the_learner_beside_the_logging_order_and_naive(
    found: LearnedFromClicks,
) -> None:
    report = json.loads(json.dumps(click_report_json(found, "model.json")))
    assert list(report["comparisons"]) == [JUDGMENTS, CLICKS]
    for measure in report["comparisons"].values():
        assert list(measure["orders"]) == [LOGGING, "naive", "eb-labels"]
        chosen = measure["orders"]["eb-labels"]
        assert chosen["vs_naive"]["low"] < chosen["vs_naive"]["delta"] < chosen["vs_naive"]["high"]
        assert chosen["vs_logging"]["delta"] > 0.05
    assert report["comparisons"][JUDGMENTS]["orders"]["eb-labels"]["vs_naive"]["delta"] > 0.02
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(format_click_report(found, "model.json"))
    text = console.export_text()
    assert "Correcting helped: eb-labels − naive" in text
    assert "logging order" in text


@pytest.mark.slow
def test_the_model_file_scores_as_what_was_learned(
    found: LearnedFromClicks, tmp_path: Path
) -> None:
    save_model(found.model, tmp_path / "model.json")
    model = load_model(tmp_path / "model.json", Known(NAMES, "made"))
    columns = [NAMES.index(name) for name in model.features]
    scores = Scorer.of(model).score(TABLES.values[:, columns])
    best = [np.argmax(part) for part in np.split(scores, TABLES.offsets[1:-1])]
    gains = [each.gains[i] for each, i in zip(TABLES.queries, best, strict=True)]
    assert np.mean(gains) > 2 * TABLES.gains.mean()
    assert model.training["learner"] == "eb-labels"
    within = [part - part.mean() for part in np.split(scores, TABLES.offsets[1:-1])]
    assert model.training["spread"] == pytest.approx(np.concatenate(within).std())


@pytest.mark.slow
def test_judgments_that_are_learned_from_never_judge_themselves() -> None:
    # With a weight of a million, judging on what was learned from would reach an nDCG of 1.
    report = click_report_json(learned("eb-labels", 1e6), "model.json")
    figure = report["comparisons"][JUDGMENTS]["orders"]["eb-labels"]["ndcg@10"]
    assert 0.5 < figure < 0.95


def test_without_times_and_judgments_there_is_nothing_to_compare_on() -> None:
    unjudged = with_gains(TABLES, np.full(len(TABLES.query), np.nan))
    with pytest.raises(BadInput, match="give --judgments"):
        learn(
            [unjudged],
            SplitLog(LOG.everything, LOG.before),
            PROPENSITIES,
            ClickPlan(settings=QUICK),
            "made",
        )


def test_a_logger_that_knew_the_truth_is_told_from_one_that_knew_nothing() -> None:
    nothing = strength_of_logger(clicked(40))
    assert abs(nothing.agreement) < 0.2
    assert nothing.warning == ""
    best = truth(40)
    knowing = replace(
        best,
        queries=tuple(
            replace(each, values=_sorted_by_gain(each.values, each.gains)) for each in best.queries
        ),
    )
    strong = strength_of_logger(clicked_tables(best, counted(knowing, orders=1), PROPENSITIES))
    assert strong.agreement > 0.5
    assert "Do not expect correction to help" in strong.warning


def test_a_logger_that_showed_only_the_best_is_told() -> None:
    data = clicked(30)
    level = replace(data.cells, clicks=0.9 * data.cells.impressions * data.cells.looked)
    found = strength_of_logger(replace(data, cells=level))
    assert found.saturation > 0.9
    assert "nearly as good as the best" in found.warning
    assert strength_of_logger(data).saturation < 0.6


def _sorted_by_gain(values: np.ndarray, gains: np.ndarray) -> np.ndarray:
    told = values.copy()
    told[:, 3] = -gains
    return told
