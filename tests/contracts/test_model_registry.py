"""What every registry of models promises, over files and over MLflow's database and server."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest

from api.registry import registry_of
from rankers import Model, load_model, save_model
from rankers.features import NAMES, VERSION
from search.errors import BadInput, NotFound, StorageFailed
from search.settings import ModelSettings, Settings
from tests.engines.processes import free_ports
from training.registry import FileRegistry, ModelRegistry
from training.registry.mlflow import ALIAS, MlflowRegistry, numbers, open_mlflow

# MLflow's own use of SQLAlchemy, which only a new release of it can mend.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated")

KINDS = (
    pytest.param("files", id="files"),
    pytest.param("mlflow", id="mlflow", marks=pytest.mark.slow),
)


def model(weight: float) -> Model:
    one = np.ones(1)
    metrics = {"clicks": {"eb-labels": 0.5 + weight / 100}}
    return Model(
        "m", "linear", NAMES[:1], VERSION, np.array([weight]), 0 * one, one, metrics=metrics
    )


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One MLflow store for all tests: making its tables takes seconds."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"


@pytest.fixture(scope="module")
def server(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An MLflow server of its own process, spoken to over HTTP."""
    open_mlflow(database, FileRegistry(Path(), Path())).entries()  # makes the tables
    place, port = tmp_path_factory.mktemp("mlflow-server"), free_ports(1)[0]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--backend-store-uri", database]
    command += ["--artifacts-destination", str(place / "artifacts")]
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=place, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield answering(f"http://127.0.0.1:{port}", process, place / "log")
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answering(url: str, process: subprocess.Popen[bytes], log: Path) -> str:
    """The address, once the server answers there."""
    for _ in range(1200):
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/health").is_success:
                return url
        time.sleep(0.1)
    raise TimeoutError(log.read_text())


def opened(kind: str, data: Path, request: pytest.FixtureRequest) -> ModelRegistry:
    """A registry that nobody has used, each test's under a name of its own."""
    if kind == "files":
        return registry_of(Settings(data=data))
    uri = request.getfixturevalue("database")
    chosen = ModelSettings(registry=f"mlflow:{uri}", name=request.node.name)
    return registry_of(Settings(data=data, models=chosen))


@pytest.fixture(params=KINDS)
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> ModelRegistry:
    return opened(request.param, tmp_path, request)


def test_a_model_is_kept_whole_with_its_lineage(registry: ModelRegistry) -> None:
    entry = registry.add(model(1.0), {"window": [0, 1], "learner": "eb-labels"})
    assert registry.entry(entry.version[:5]) == entry
    assert entry.lineage == {"window": [0, 1], "learner": "eb-labels"}
    assert entry.metrics == {"clicks": {"eb-labels": 0.51}}
    assert registry.model(entry.version).weights.tolist() == [1.0]
    assert load_model(registry.path(entry.version)).weights.tolist() == [1.0]


def test_the_same_model_is_kept_once_and_takes_the_new_verdict(registry: ModelRegistry) -> None:
    version = registry.add(model(1.0), {"window": [0, 1]}).version
    again = registry.add(model(1.0), {}, {"passed": False})
    assert again.version == version
    assert [each.version for each in registry.entries()] == [version]
    assert registry.entry(version).verdict == {"passed": False}
    assert registry.entry(version).lineage == {"window": [0, 1]}


def test_a_model_of_other_notes_that_ranks_the_same_is_no_other(registry: ModelRegistry) -> None:
    entry = registry.add(model(1.0), {"run": "one"})
    twin = replace(model(1.0), name="again", training={"flagged": 0}, metrics={})
    assert registry.add(twin, {"run": "two"}, {"passed": True}).version == entry.version
    (kept,) = registry.entries()
    assert kept.lineage == {"run": "one"}
    assert kept.verdict == {"passed": True}
    assert registry.add(replace(model(1.0), depth=50), {}).version != entry.version


def test_the_anchor_is_the_last_sure_gain_or_what_a_person_chose(registry: ModelRegistry) -> None:
    first, second, third = (registry.add(model(each), {}).version for each in (1.0, 2.0, 3.0))
    assert registry.anchor() == ""
    registry.promote(first, "not worse than the fused order", "")
    assert registry.anchor() == ""
    registry.promote(second, "surely better")
    assert registry.anchor() == second
    registry.promote(third, "not worse", registry.anchor())
    assert registry.anchor() == second
    registry.rollback("back to the second")
    assert registry.anchor() == second
    registry.rollback("back to the first")
    assert registry.anchor() == ""
    registry.promote(third, "by hand")
    assert registry.anchor() == third


def test_entries_come_the_newest_first(registry: ModelRegistry) -> None:
    added = [registry.add(model(weight), {}).version for weight in (1.0, 2.0, 3.0)]
    assert [each.version for each in registry.entries()] == added[::-1]


def test_the_promoted_model_serves_and_rollback_goes_back_to_the_fused_order(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    first, second = (registry.add(model(weight), {}).version for weight in (1.0, 2.0))
    assert registry.serving() is None
    registry.promote(first, "better")
    assert registry.promote(second[:6], "better still").version == second
    assert registry.serving() == second
    assert load_model(tmp_path / "model.json").weights.tolist() == [2.0]
    assert registry.rollback("worse").version == first
    assert registry.serving() == first
    assert registry.rollback("all are worse").version == ""
    assert registry.serving() is None
    assert not (tmp_path / "model.json").exists()
    assert [each.reason for each in registry.history()] == [
        *("better", "better still", "worse", "all are worse")
    ]


def test_what_is_not_there_is_told_with_what_is(registry: ModelRegistry) -> None:
    with pytest.raises(NotFound, match="none yet"):
        registry.entry("abc")
    version = registry.add(model(1.0), {}).version
    for ask in (registry.entry, registry.model, registry.path):
        with pytest.raises(NotFound, match=version):
            ask("zzz")
    with pytest.raises(NotFound, match=version):
        registry.promote("zzz", "no")
    with pytest.raises(BadInput, match="nothing earlier to go back to"):
        registry.rollback("no")


def test_a_model_put_there_by_hand_can_be_gone_back_to(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    save_model(model(7.0), tmp_path / "model.json")
    by_hand = registry.serving()
    registry.promote(registry.add(model(1.0), {}).version, "better")
    assert registry.rollback("worse").version == by_hand
    assert registry.model(by_hand or "").weights.tolist() == [7.0]


@pytest.mark.slow
def test_another_data_directory_serves_what_was_trained_elsewhere(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    here, there = (opened("mlflow", tmp_path / name, request) for name in ("here", "there"))
    version = here.add(model(1.0), {"learner": "naive"}, {"passed": True}).version
    assert there.serving() is None
    there.promote(version, "good elsewhere")
    assert load_model(tmp_path / "there" / "model.json").weights.tolist() == [1.0]
    assert here.serving() is None
    assert here.history() == ()


@pytest.mark.slow
def test_mlflow_shows_what_serves_and_figures_to_compare(tmp_path: Path, server: str) -> None:
    chosen = ModelSettings(registry=f"mlflow:{server}", name="over HTTP")
    registry = registry_of(Settings(data=tmp_path, models=chosen))
    assert isinstance(registry, MlflowRegistry)
    version = registry.add(model(1.0), {"learner": "naive"}, {"passed": True}).version
    registry.promote(version, "better")
    marked = registry.client.get_model_version_by_alias(registry.name, ALIAS)
    assert marked.tags["aisle.version"] == version
    run = registry.client.get_run(marked.run_id or "")
    assert run.data.params == {"learner": "naive"}
    assert run.data.metrics == {"clicks/eb-labels": 0.51}
    assert run.data.tags["aisle.gate.passed"] == "True"
    # The model itself came from the server.
    assert load_model(tmp_path / "model.json").weights.tolist() == [1.0]
    registry.rollback("worse")
    assert registry.client.get_registered_model(registry.name).aliases == {}


@pytest.mark.slow
def test_a_server_that_is_away_is_named(tmp_path: Path) -> None:
    uri = "http://127.0.0.1:9"
    registry = open_mlflow(uri, FileRegistry(tmp_path / "models", tmp_path / "model.json"))
    with pytest.raises(StorageFailed, match=r"127\.0\.0\.1:9"):
        registry.entries()


def test_metrics_are_flattened_to_names_that_mlflow_takes() -> None:
    found = numbers({"nDCG@10": {"eb-labels": 0.5, "how": "well"}, "passed": True, "n": 3})
    assert found == {"nDCG_10/eb-labels": 0.5, "n": 3.0}
