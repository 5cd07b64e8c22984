"""Who takes changes, and what a machine says of what it shares."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.cli import run
from api.settings import AppSettings
from indexer.artifacts import Pusher
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
