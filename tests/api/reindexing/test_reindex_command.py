"""`aisle reindex` as people run it: tried before it is served, listed, taken back; and what it
refuses to begin with."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from api.cli import run
from search.engines.local.layout import read_current
from search.engines.server.blocking import BlockingServer
from search.settings import Settings
from search.types import Product
from tests.indexer.reindexing.conftest import OnServer, fast_path, on_server
from tests.indexer.reindexing.shop import (
    alias_of,
    expected_indices,
    lamps,
    own_indices,
    write_catalogue,
)

__all__ = ["fast_path", "on_server"]
pytestmark = pytest.mark.slow
Cli = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def cli(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[Settings], Cli]:
    """Runs a command with settings in the environment; its exit code, its JSON and what it said."""

    def with_settings(settings: Settings) -> Cli:
        monkeypatch.setenv("AISLE_UNDERSTANDING__ENABLED", "false")
        monkeypatch.setenv("AISLE_MEANING__ENCODER", "none")
        monkeypatch.setenv("AISLE_ENGINE", settings.engine)
        monkeypatch.setenv("AISLE_SERVER", settings.server.model_dump_json(exclude_unset=True))
        monkeypatch.setenv("AISLE_INDEX__KEEP_HOURS", "0")

        def called(*arguments: str | Path) -> tuple[int, Any, str]:
            code = run([*map(str, arguments), "--data", str(settings.data), "--json"])
            out, err = capfd.readouterr()
            return code, json.loads(out.splitlines()[-1]) if out else None, err

        return called

    return with_settings


def write_judgments(path: Path, ids: Sequence[str]) -> Path:
    rows = [f"kettle number {id_[1:]},{id_},1" for id_ in ids]
    path.write_text("query,product_id,grade\n" + "\n".join(rows) + "\n")
    return path


ENGINES = ["embedded", pytest.param("elasticsearch", marks=pytest.mark.elasticsearch)]


@pytest.mark.parametrize("engine", ENGINES)
def test_from_the_first_index_to_rollback(
    engine: str, fast_path: Path, on_server: OnServer, tmp_path: Path, cli: Callable[..., Cli]
) -> None:
    settings = on_server(engine, fast_path)
    aisle = cli(settings)
    file = write_catalogue(tmp_path / "shop.jsonl", lamps(30, "kettle"))
    judged = write_judgments(tmp_path / "judgments.csv", [f"p{i}" for i in range(10)])

    code, first, _ = aisle("reindex", file, "--judgments", judged, "--warm-up", "5")
    assert (code, first["before"], first["products"], first["warm_up"]) == (0, None, 30, 5)
    assert "nothing was served before" in first["gate"]
    code, same, _ = aisle("reindex", "--judgments", judged, "--warm-up", "5")
    assert (code, same["before"], same["read"]) == (0, first["version"], 30)
    assert same["checks"] == [{"condition": "ndcg@10 < -0.01", "value": 0.0}]

    # Titles that are another product's: refused, and nothing of it stays.
    mixed_up = [Product(f"p{i}", f"kettle number {29 - i}", brand="Kettle") for i in range(30)]
    bad = write_catalogue(tmp_path / "bad.jsonl", mixed_up)
    code, _, said = aisle("reindex", bad, "--judgments", judged, "--fail-if", "mrr@10 < -0.5")
    assert code == 1
    assert "fails: mrr@10 < -0.5 (it is -" in said
    assert "goes on" in said
    assert read_current(fast_path) == same["version"]
    assert not list((fast_path / "building").iterdir())
    assert own_indices(settings) == expected_indices(settings, [first["version"], same["version"]])

    code, listed, _ = aisle("reindex", "--list")
    assert code == 0
    assert [each["served"] for each in listed["snapshots"]] == [False, True]
    code, back, _ = aisle("reindex", "--rollback")
    assert (code, back["version"]) == (0, first["version"])
    assert aisle("search", "kettle")[1]["version"] == first["version"]
    if engine != "embedded":
        assert alias_of(settings) == expected_indices(settings, [first["version"]])
    code, _, said = aisle("reindex", "--rollback")
    assert code == 2
    assert "no earlier snapshot" in said


@pytest.mark.elasticsearch
def test_from_one_engine_to_another_and_back(
    fast_path: Path, on_server: OnServer, tmp_path: Path, cli: Callable[..., Cli]
) -> None:
    here, there = on_server("embedded", fast_path), on_server("elasticsearch", fast_path)
    file = write_catalogue(tmp_path / "shop.jsonl", lamps(30, "kettle"))
    judged = write_judgments(tmp_path / "judgments.csv", ["p0", "p1"])
    assert cli(here)("index", file)[0] == 0

    aisle = cli(there)
    code, _, said = aisle("search", "kettle")
    assert code == 1
    assert "made for engine 'embedded'" in said
    assert "aisle reindex" in said
    code, moved, _ = aisle("reindex", "--judgments", judged, "--warm-up", "3")
    assert (code, moved["engine"], moved["products"]) == (0, "elasticsearch", 30)
    assert moved["checks"][0]["value"] == 0.0
    assert aisle("search", "kettle number 7", "--size", "1")[1]["hits"][0]["id"] == "p7"

    # A server that still runs with the old setting, and whoever changes products there, are told.
    back = cli(here)
    row = tmp_path / "change.jsonl"
    row.write_text('{"id": "p1", "title": "changed"}\n')
    for command in (["search", "kettle"], ["update", row], ["fold"], ["reindex", "--rollback"]):
        code, _, said = back(*command)
        if command[0] == "reindex":
            assert code == 0
        elif command[0] != "fold":
            assert code == 1
            assert "set engine" in said


@pytest.mark.elasticsearch
@pytest.mark.opensearch
@pytest.mark.parametrize("case", ["address", "none", "product", "index", "alias", "shop"])
def test_a_server_that_cannot_be_used_is_refused_before_anything_is_read(
    case: str,
    fast_path: Path,
    on_server: OnServer,
    tmp_path: Path,
    cli: Callable[..., Cli],
) -> None:
    settings = on_server("elasticsearch", fast_path)
    prefix = settings.server.prefix
    update: dict[str, str | None] = {}
    with BlockingServer(settings) as server:
        if case == "index":
            server.request("PUT", f"/{prefix}")
        elif case == "alias":
            server.request("PUT", f"/{prefix}-of-others")
            server.request("PUT", f"/{prefix}-of-others/_alias/{prefix}")
        elif case == "shop":
            server.request("PUT", f"/{prefix}-20261121t101500-3f9a")
            server.request("PUT", f"/{prefix}-20261121t101500-3f9a/_alias/{prefix}")
    if case == "address":
        update = {"url": "http://127.0.0.1:9"}
    elif case == "none":
        update = {"url": None}
    elif case == "product":
        update = {"url": on_server("opensearch", fast_path).server.url}
    chosen = settings.model_copy(update={"server": settings.server.model_copy(update=update)})
    file = write_catalogue(tmp_path / "shop.jsonl", lamps(2))
    code, _, said = cli(chosen)("reindex", file)
    assert not (fast_path / "building").exists()
    expected = {
        "address": (1, "Elasticsearch does not answer"),
        "none": (2, 'url = "http://HOST:9200"'),
        "product": (2, "is not Elasticsearch; set engine to what it is"),
        "index": (2, f"has an index {prefix}, where Aisle needs an alias"),
        "shop": (2, "of a snapshot that this data directory never had"),
        "alias": (2, f"the alias {prefix} of Elasticsearch is on index {prefix}-of-others"),
    }
    assert (code, expected[case][1] in said) == (expected[case][0], True), said
