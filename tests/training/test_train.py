"""A trained model: the same scores from its file, and a report that says what it is worth."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from rich.console import Console

from rankers import load_model, save_model
from rankers.model_file import Known
from rankers.scoring import Scorer
from search.errors import BadInput
from tests.training.made import NAMES, made
from training import (
    Outcome,
    Plan,
    Trained,
    draw,
    format_report,
    learning_curve,
    report_json,
)
from training.comparison import standings
from training.linear import prepare
from training.report import NAMES as NAMED
from training.scorers import fit_kinds
from training.train import Wanted, train

KNOWN = Known(NAMES, "made")
TABLES = made(30)


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train(TABLES, "made", Plan(seeds=1, folds=3), {"data": "made"})


@pytest.mark.slow
@pytest.mark.parametrize("wanted", ["linear", "trees", "blend"])
def test_the_file_scores_as_what_was_trained(wanted: Wanted, tmp_path: Path) -> None:
    result = train(TABLES, "made", Plan(wanted, seeds=1, folds=2))
    save_model(result.model, tmp_path / "model.json")
    model = load_model(tmp_path / "model.json", KNOWN)
    columns = [NAMES.index(name) for name in model.features]
    served = Scorer.of(model).score(TABLES.values[:, columns])
    scorer = fit_kinds(TABLES, prepare(TABLES, 0), result.choice)[result.choice.kind]
    assert result.choice.kind != "fused"
    assert served == pytest.approx(scorer.scores(TABLES.values), abs=1e-9)
    assert np.argsort(-served, kind="stable").tolist() == (
        np.argsort(-scorer.scores(TABLES.values), kind="stable").tolist()
    )


@pytest.mark.slow
def test_a_model_says_what_it_learned_from(trained: Trained) -> None:
    assert trained.model.training["queries"] == 30
    assert trained.model.training["data"] == "made"
    assert trained.model.feature_version == "made"
    assert trained.importances[0].name in ("knows", "fused_share")
    held_out = trained.model.metrics["held_out"]
    assert isinstance(held_out, dict)
    assert held_out.keys() == {"fused", "chosen"}


@pytest.mark.slow
def test_a_model_says_how_far_its_scores_spread(trained: Trained) -> None:
    columns = [NAMES.index(name) for name in trained.model.features]
    scores = Scorer.of(trained.model).score(TABLES.values[:, columns])
    apart = [scores[TABLES.query == query] for query in range(len(TABLES))]
    within = np.concatenate([each - each.mean() for each in apart])
    assert trained.model.training["spread"] == pytest.approx(within.std())


@pytest.mark.slow
def test_the_report_for_machines(trained: Trained) -> None:
    report = json.loads(json.dumps(report_json([Outcome("d", "m", trained)]), allow_nan=False))
    assert {"model", "cv", "features"} <= report.keys()
    cv = report["cv"]
    assert cv["system"] == "ltr:m"
    assert cv["low"] < cv["delta_vs_hybrid"] < cv["high"]
    assert 0 < cv["p"] <= 1
    assert cv["kinds"]["fused"]["delta_vs_hybrid"] == 0
    assert cv["kinds"]["chosen"]["ndcg@10"] > cv["kinds"]["fused"]["ndcg@10"]
    assert len(cv["kinds"]["linear"]["by_seed"]) == 1


@pytest.mark.slow
def test_the_report_fits_a_terminal_of_80_columns(trained: Trained) -> None:
    console = Console(width=80)
    with console.capture() as capture:
        console.print(format_report([Outcome("d", "m.json", trained)]))
    lines = [line.rstrip() for line in capture.get().splitlines()]
    assert max(map(len, lines)) <= 80
    lines = lines[lines.index("On queries never seen: 30 queries, split once") :]
    for each in standings(trained.validation):
        row = next(line for line in lines if line.startswith(NAMED[each.name]))
        against = each.against
        if each.name != "fused":
            assert f"{against.delta:+.4f} [{against.low:+.4f}, {against.high:+.4f}]" in row


@pytest.mark.slow
def test_several_catalogues_are_reported_together(trained: Trained) -> None:
    report = report_json([Outcome("a", "m-a", trained), Outcome("b", "m-b", trained)])
    assert report["model"] == ["m-a", "m-b"]
    assert report["cv"]["queries"] == 60
    assert [each["data"] for each in report["catalogues"]] == ["a", "b"]


@pytest.mark.slow
def test_the_report_for_people_says_what_why_and_what_next(trained: Trained) -> None:
    console = Console(width=120, record=True, file=None, quiet=True)
    outcome = Outcome("d", "m.json", trained, ("lost",), "aisle eval --systems hybrid,ltr:m.json")
    with console.capture() as capture:
        console.quiet = False
        console.print(format_report([outcome]))
    text = capture.get()
    worth = standings(trained.validation)[-1].against
    headline, adopted = text.splitlines()[0], " ".join(text.split("\n\n")[0].split())
    assert headline.startswith(
        f"m.json: nDCG@10 against hybrid {worth.delta:+.4f} [{worth.low:+.4f}, "
    )
    assert "on 30 queries, split once" in adopted
    assert f"Adopted: {NAMED[trained.choice.kind]}" in adopted
    assert "what chooses, not what the model is worth" in adopted
    assert "on queries held out" in adopted
    assert "Nothing was found for 1 judged queries" in text
    assert "Next: aisle eval" in text
    assert "knows" in text


def test_too_few_queries_cannot_be_learned_from() -> None:
    with pytest.raises(BadInput, match="judge at least 10"):
        train(made(4), "few", Plan())


@pytest.mark.slow
def test_the_learning_curve_rises_and_can_be_drawn() -> None:
    points = learning_curve(made(60), sizes=(10, 48), kinds=("linear",), repeats=2)
    small, large = sorted(points, key=lambda point: point.queries)
    assert (small.queries, large.queries) == (10, 48)
    assert large.against.delta > 0.02
    assert large.against.queries == 24
    picture = ElementTree.fromstring(draw(points, "a < b & c"))
    namespace = "{http://www.w3.org/2000/svg}"
    assert len(picture.findall(f"{namespace}circle")) == 2
    assert len(picture.findall(f"{namespace}polyline")) == 1
