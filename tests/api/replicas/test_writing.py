"""Who takes changes, and what a machine says of what it shares."""

from __future__ import annotations

import fcntl
from dataclasses import replace
from pathlib import Path

import pytest

from api.cli import run
from api.settings import AppSettings
from indexer.artifacts import Pusher, Status, turn
from indexer.artifacts.status import write_status
from search.settings import ArtifactSettings
from tests.api.conftest import connected

CHANGE = {"changes": [{"op": "upsert", "product": {"id": "z", "title": "Zorbulator"}}]}


def shared(tmp_path: Path, role: str = "replica") -> ArtifactSettings:
    (tmp_path / "shared").mkdir(exist_ok=True)
    return ArtifactSettings.model_validate(
        {"location": str(tmp_path / "shared"), "role": role, "writer": "https://writer.shop"}
    )


async def test_a_replica_takes_no_changes_and_names_the_writer(data: Path, tmp_path: Path) -> None:
    async with connected(data, artifacts=shared(tmp_path)) as client:
        for refused in (
            await client.post("/v1/products", json=CHANGE),
            await client.delete("/v1/rules"),
        ):
            assert refused.status_code == 421, refused.text
            assert refused.json()["type"] == "urn:aisle:problem:not-the-writer"
            assert "https://writer.shop" in refused.json()["detail"]
        assert (await client.get("/v1/search?q=lamp")).json()["hits"]


async def test_a_replica_without_an_index_is_not_told_to_make_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(tmp_path / "replica", artifacts=shared(tmp_path)) as client:
        told = (await client.get("/readyz")).json()["detail"]
    (logged,) = (each for each in caplog.records if each.message == "not ready")
    for said in (told, vars(logged)["reason"]):
        assert "fetching" in said
        assert "aisle index" not in said


async def test_the_writer_takes_them_and_says_that_they_are_sent(
    data: Path, tmp_path: Path
) -> None:
    chosen = shared(tmp_path, "writer")
    async with connected(data, artifacts=chosen) as client:
        assert (await client.post("/v1/products", json=CHANGE)).status_code == 200
        gauges = (await client.get("/metrics")).text
        ready = (await client.get("/readyz")).json()
    assert "aisle_artifacts_behind_seconds" in gauges
    assert "shared" in ready["artifacts"]
    pushed = Pusher(AppSettings(data=data, artifacts=chosen)).push()
    assert pushed.version.endswith(".1")


@pytest.mark.parametrize("command", ["fold", "artifacts push", "snapshots rollback", "update -"])
def test_commands_refuse_to_change_what_is_fetched(
    indexed: Path,
    tmp_path: Path,
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AISLE_ARTIFACTS__LOCATION", str(tmp_path))
    monkeypatch.setenv("AISLE_ARTIFACTS__ROLE", "replica")
    assert run([*command.split(), "--data", str(indexed)]) == 2
    assert "is a replica's" in capsys.readouterr().err


async def test_who_waits_for_the_first_snapshot_is_told_how_far_it_is(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "artifacts").mkdir(parents=True)
    with (data / "artifacts" / "turn").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)  # another process of this machine fetches
        status = Status("s3://shop/live", "working", "20261122T101500-3f9a", file="words/a.idx")
        write_status(data, replace(status, done=12_000_000, total=300_000_000))
        async with connected(data, artifacts=shared(tmp_path)) as client:
            ready = await client.get("/readyz")
            search = await client.get("/v1/search?q=lamp")
    for answer in (ready, search):
        assert answer.status_code == 503
        assert "20261122T101500-3f9a" in answer.json()["detail"]
        assert "12 of 300 MB, words/a.idx" in answer.json()["detail"]


def test_a_command_does_not_fetch_beside_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "shared").mkdir()
    monkeypatch.setenv("AISLE_ARTIFACTS__LOCATION", str(tmp_path / "shared"))
    arguments = ["artifacts", "pull", "--data", str(tmp_path / "data")]
    assert run(arguments) == 2
    assert "holds nothing yet" in capsys.readouterr().err
    with turn(tmp_path / "data"):
        assert run(arguments) == 1
    assert "fetches by itself" in capsys.readouterr().err
