"""`aisle train` over a real index: what it learned on is what serving ranks."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from api.cli import application
from api.commands.train_command import TrainingMode, named_models, pairs, read_tables
from api.evaluation import IndexSearcher
from api.settings import load_settings
from eval import collect_runs, evaluate, load_judgments
from rankers import load_model
from rankers.scoring import Scorer
from search.build import Search, open_search
from search.errors import BadInput
from search.types import SearchRequest
from training import Tables
from training.measures import yardstick

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def judgments(shop_files: Path) -> Path:
    """Some of the shop's judged queries."""
    judged = load_judgments(shop_files / "judgments.csv")
    chosen = judged.relevant_queries()[::10]
    path = shop_files / "some.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("query", "product_id", "gain"))
        writer.writerows((q, p, g) for q in chosen for p, g in judged.gains[q].items())
    return path


@pytest.fixture(scope="module")
def model(indexed: Path, judgments: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "shop.json"
    run("--data", indexed, "--judgments", judgments, "--out", path, "--kind", "trees")
    return path


def run(*arguments: object) -> str:
    given = ["train", "--seeds", "1", "--folds", "2", *map(str, arguments)]
    result = CliRunner().invoke(application(given), given, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def quiet(stage: str, done: int, total: int | None) -> None:
    """Progress that nobody sees."""


def tables_of(data: Path, judgments: Path, mode: TrainingMode) -> Tables:
    return read_tables(data, judgments, mode, 200, quiet)[0]


@asynccontextmanager
async def opened(data: Path, model: Path) -> AsyncIterator[Search]:
    search = await open_search(load_settings(data))
    try:
        yield await search.with_model(f"ltr:{model}")
    finally:
        await search.close()


@pytest.mark.parametrize("mode", list(TrainingMode))
async def test_training_measures_what_the_evaluation_measures(
    indexed: Path,
    judgments: Path,
    model: Path,
    mode: TrainingMode,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What is sold out goes down after ranking, whatever ranked.
    monkeypatch.setenv("AISLE_RANKING__OUT_OF_STOCK", "keep")
    tables = await asyncio.to_thread(tables_of, indexed, judgments, mode)
    judged = load_judgments(judgments)
    systems = ["hybrid", f"ltr:{model}"]
    async with opened(indexed, model) as search:
        runs, _ = await collect_runs(IndexSearcher(search), judged, systems, mode=mode.value)
    report = evaluate(judged, runs, metrics=["ndcg@10"])
    places = [report.queries.index(text) for text in tables.texts]
    trained = load_model(model)
    columns = [tables.schema.names.index(name) for name in trained.features]
    scores = Scorer.of(trained).score(tables.values[:, columns])
    for name, own in zip(systems, (tables.fused, scores), strict=True):
        values = report.systems[name].values["ndcg@10"][places]
        assert yardstick(tables).ndcg(own) == pytest.approx(values, abs=1e-9), name


async def test_features_learned_on_are_those_served_bit_for_bit(
    indexed: Path, judgments: Path, model: Path
) -> None:
    tables = await asyncio.to_thread(tables_of, indexed, judgments, TrainingMode.full)
    names = load_model(model).features
    columns = [tables.schema.names.index(name) for name in names]
    async with opened(indexed, model) as search:
        for query in tables.queries[:10]:
            asked = SearchRequest(query.query, size=20, system=f"ltr:{model}", explain=True)
            found = await search.search(asked)
            rows = {p: query.values[i, columns] for i, p in enumerate(query.products)}
            for hit in found.hits:
                assert hit.scored is not None
                served = np.array(hit.scored.values, np.float32)
                assert served.tobytes() == rows[hit.product.id].tobytes()


def test_the_result_for_machines(indexed: Path, judgments: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    text = run("--data", indexed, "--judgments", judgments, "--out", path, "--kind", "linear",
               "--json")  # fmt: skip
    report = json.loads(text.splitlines()[-1])
    assert report["model"] == str(path)
    assert {"system", "delta_vs_hybrid", "low", "high", "p"} <= report["cv"].keys()
    assert report["features"]
    assert load_model(path).training["judgments"] == str(judgments)


def test_each_data_directory_needs_its_judgments() -> None:
    with pytest.raises(BadInput, match="--judgments"):
        pairs([Path("a")], None)
    with pytest.raises(BadInput, match="2 data directories for 1"):
        pairs([Path("a"), Path("b")], [Path("j")])


def test_models_of_several_catalogues_stand_beside_each_other(tmp_path: Path) -> None:
    wanted = [(Path("x/one"), Path("j")), (Path("x/two"), Path("k"))]
    named = [path.name for _, path in named_models(wanted, tmp_path / "m.json")]
    assert named == ["m-one.json", "m-two.json"]
    with pytest.raises(BadInput, match="no folder"):
        named_models(wanted, tmp_path / "nowhere" / "m.json")


def test_the_learning_curve_is_drawn(indexed: Path, judgments: Path, tmp_path: Path) -> None:
    picture = tmp_path / "curve.svg"
    given = ["train", "curve", "--data", str(indexed), "--judgments", str(judgments)]
    given += ["--repeats", "1", "--picture", str(picture), "--json"]
    result = CliRunner().invoke(application(given), given, catch_exceptions=False)
    assert result.exit_code == 0
    points = json.loads(result.stdout.splitlines()[-1])["points"]
    assert {point["kind"] for point in points} == {"linear", "trees", "stacked"}
    assert picture.read_text().startswith("<svg")


def test_judgments_of_another_catalogue_are_refused(
    indexed: Path, judgments: Path, tmp_path: Path
) -> None:
    alien = tmp_path / "alien.csv"
    lines = judgments.read_text(encoding="utf-8").splitlines()
    rows = [line.rsplit(",", 2) for line in lines[1:]]
    alien.write_text(
        "\n".join([lines[0], *(f"{q},X{p},{g}" for q, p, g in rows)]), encoding="utf-8"
    )
    given = ["train", "--data", indexed, "--judgments", alien, "--out", tmp_path / "m.json"]
    result = CliRunner().invoke(application(list(map(str, given))), list(map(str, given)))
    assert isinstance(result.exception, BadInput)
    assert "judgments of this catalogue" in str(result.exception)
    assert not (tmp_path / "m.json").exists()
