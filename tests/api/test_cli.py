"""The command line: what it prints, where, and how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from api.cli import COMMANDS
from indexer.mapping import load_mapping
from tests.api.conftest import AISLE, Run, connected


def last_json(out: str) -> Any:
    return json.loads(out.splitlines()[-1])


def test_index_reports_what_became_of_every_row(cli: Run, tmp_path: Path) -> None:
    catalogue = tmp_path / "products.jsonl"
    catalogue.write_text(
        '{"id": "1", "title": "Lamp"}\n{"id": "2"}\nnot json\n{"id": "1", "title": "Lamp again"}\n'
    )
    code, out, err = cli(
        *("index", catalogue, "--preset", "aisle", "--data", tmp_path / "data"),
        *("--no-vectors", "--json"),
    )
    report = last_json(out)
    assert code == 0, err
    assert list(report) == ["version", "read", "indexed", "rejected", "seconds"]
    assert (report["read"], report["indexed"], report["rejected"]) == (4, 1, 3)
    rejects = tmp_path / "data" / "rejects" / f"{report['version']}.jsonl"
    assert len(rejects.read_text().splitlines()) == 3
    assert "3 rows were left out, 1 of them" in err
    assert str(rejects) in err


def test_index_says_what_it_guessed(cli: Run, tmp_path: Path) -> None:
    catalogue = tmp_path / "products.csv"
    catalogue.write_text("sku,name,cost,size [cm]\na,Lamp,3,4\nb,Mug,4,5\n")
    code, out, err = cli("index", catalogue, "--data", tmp_path / "data", "--no-vectors")
    assert code == 0
    assert re.search(r"Guessed mapping.* name +│ title +│ its name", err, re.DOTALL)
    assert "│ size [cm] " in err
    assert "Indexed 2 of 2 rows" in " ".join(out.split())


def test_a_guessed_mapping_is_kept_to_be_used_again(cli: Run, tmp_path: Path) -> None:
    catalogue, kept = tmp_path / "products.csv", tmp_path / "shop.toml"
    catalogue.write_text("sku,name,cost\na,Lamp,3\nb,Mug,4\n")
    call = ("index", catalogue, "--data", tmp_path / "data", "--no-vectors")
    assert cli(*call, "--save-mapping", kept)[0] == 0
    assert load_mapping(kept).fields["title"].sources == ("name",)
    kept.write_text(kept.read_text() + "\n# edited\n")
    code, _, err = cli(*call, "--save-mapping", kept)
    assert (code, "--mapping" in err) == (2, True)
    assert kept.read_text().endswith("# edited\n")
    code, out, err = cli(*call, "--mapping", kept)
    assert "Indexed 2 of 2 rows" in " ".join(out.split())
    assert "Guessed" not in err


@pytest.mark.parametrize(
    ("content", "options", "says"),
    [
        (None, (), "does not exist"),
        ("", (), "empty"),
        ("not json\n", (), "none of the first 1 rows"),
        ('{"id": "1", "title": "A"}\n', ("--preset", "nonsense"), "known are"),
        ('{"id": "1", "title": "A"}\n', ("--mapping", "none.toml"), "does not exist"),
        ('{"id": "1"}\n{"id": "2"}\n', ("--preset", "aisle"), "none of the 2 rows"),
        ('{"id": "1"}\n{"id": "2", "title": "A"}\n', ("--preset", "aisle", "--max-rejects", "0"),
         "mapping is likely wrong"),
    ],
)  # fmt: skip
def test_a_catalogue_that_cannot_be_used_is_bad_input(
    cli: Run, tmp_path: Path, content: str | None, options: tuple[str, ...], says: str
) -> None:
    catalogue = tmp_path / "products.jsonl"
    if content is not None:
        catalogue.write_text(content)
    code, out, err = cli(
        "index", catalogue, "--data", tmp_path / "data", "--no-vectors", "--json", *options
    )
    assert code == 2, err
    assert out == ""
    assert says in err.lower()
    assert "Traceback" not in err


async def test_search_prints_the_http_body(cli: Run, indexed: Path) -> None:
    code, out, _ = await asyncio.to_thread(
        cli,
        *("search", "lamp", "--data", indexed, "--size", "3", "--filter", "price=..80"),
        *("--facets", "brand", "--json"),
    )
    async with connected(indexed) as client:
        target = "/v1/search?q=lamp&size=3&filter.price=..80&facets=brand"
        served = (await client.get(target)).json()
    printed = last_json(out)
    assert code == 0
    assert len(printed["hits"]) == 3
    assert printed["query_id"] is None  # nothing is logged
    for name in ("timings_ms", "query_id", "cursor"):
        del printed[name], served[name]
    assert printed == served


def test_search_shows_a_table_and_the_way_on(cli: Run, indexed: Path) -> None:
    code, out, _ = cli("search", "lamp", "--data", indexed, "--size", "2", "--explain")
    assert code == 0
    assert "words 1" in out
    assert "more: --cursor" in out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--filter", "price"), "NAME=VALUE"),
        (("--filter", "price=cheap"), "10..50"),
        (("--filter", "colour=red"), "filter.color"),
        (("--sort", "cheapest"), "price_asc"),
        (("--system", "magic"), "known are bm25"),
        (("--size", "-1"), "size"),
        (("--cursor", "x"), "cursor"),
    ],
)
def test_search_refuses_with_a_remedy(
    cli: Run, indexed: Path, options: tuple[str, ...], says: str
) -> None:
    code, out, err = cli("search", "lamp", "--data", indexed, *options)
    assert (code, out) == (2, "")
    assert says in err


def test_commands_without_an_index_say_what_to_do(cli: Run, tmp_path: Path) -> None:
    for arguments in (("search", "x"), ("fold",), ("snapshots", "verify")):
        code, _, err = cli(*arguments, "--data", tmp_path / "none")
        assert code == 1
        assert len(err.splitlines()) == 1
        assert "aisle index" in err


def test_update_applies_the_good_lines_and_names_the_bad(
    cli: Run, data: Path, tmp_path: Path
) -> None:
    lines = tmp_path / "changes.jsonl"
    lines.write_text(
        '{"op": "upsert", "product": {"id": "z1", "title": "Zorbulator", "price": NaN}}\n'
        '\n{"id": "z2", "title": "Zorbulator"}\n{"op": "delete", "id": "none"}\n{oops\n'
    )
    code, out, err = cli("update", lines, "--data", data, "--json")
    report = last_json(out)
    assert code == 0
    assert report.pop("version").endswith(".1")
    assert report == {
        **{"read": 4, "upserted": 1, "patched": 0, "deleted": 0},
        **{"rejected": 2, "missing": 1},
    }
    assert "line 1, product.price: is not a finite number" in err
    assert "line 5: is not JSON" in err
    found = last_json(cli("search", "zorbulator", "--data", data, "--json")[1])
    assert [hit["id"] for hit in found["hits"]] == ["z2"]


def test_update_with_nothing_usable_is_bad_input(cli: Run, data: Path, tmp_path: Path) -> None:
    lines = tmp_path / "changes.jsonl"
    lines.write_text("oops\n")
    assert cli("update", lines, "--data", data)[0] == 2
    assert cli("update", tmp_path / "none.jsonl", "--data", data)[0] == 2


def test_snapshots_are_listed_verified_and_rolled_back(
    cli: Run, data: Path, tmp_path: Path
) -> None:
    (tmp_path / "z.jsonl").write_text('{"id": "z1", "title": "Zorbulator"}\n')
    first = last_json(cli("snapshots", "list", "--data", data, "--json")[1])["served"]
    cli("update", tmp_path / "z.jsonl", "--data", data)
    second = last_json(cli("fold", "--data", data, "--json")[1])["version"]
    listed = last_json(cli("snapshots", "list", "--data", data, "--json")[1])
    assert listed == {"served": second, "snapshots": [first, second]}
    assert cli("snapshots", "verify", "--data", data)[0] == 0

    assert last_json(cli("snapshots", "rollback", "--data", data, "--json")[1])["version"] == first
    assert last_json(cli("search", "lamp", "--data", data, "--json")[1])["version"] > first
    assert cli("snapshots", "rollback", "none", "--data", data)[0] == 2

    part = next((data / "snapshots" / second).rglob("*.npy"))
    part.write_bytes(part.read_bytes()[:-1] + b"\x00\x01")
    code, _, err = cli("snapshots", "verify", second, "--data", data)
    assert code == 1
    assert part.name in err


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["full", "rerank"])
def test_eval_scores_the_shop_against_its_judgments(
    cli: Run, indexed: Path, shop_files: Path, mode: str
) -> None:
    code, out, err = cli(
        *("eval", "--data", indexed, "--judgments", shop_files / "judgments.csv"),
        *("--systems", "bm25,random", "--mode", mode, "--json"),
    )
    report = last_json(out)
    assert code == 0, err
    assert set(report["systems"]) == {"bm25", "random"}
    scores = report["systems"]["bm25"]
    assert {"ndcg@10", "condensed_ndcg@10", "judged@10", "recall@100", "mrr@10"} <= set(scores)
    assert set(scores["ndcg@10"]) == {"mean", "low", "high"}
    assert scores["ndcg@10"]["low"] > report["systems"]["random"]["ndcg@10"]["high"]
    if mode == "rerank":
        assert scores["judged@10"]["mean"] == pytest.approx(1)
    [pair] = [c for c in report["comparisons"] if c["metric"] == "ndcg@10"]
    assert {"a", "b", "metric", "delta", "low", "high", "p"} <= set(pair)


def test_eval_refuses_what_it_cannot_read(cli: Run, indexed: Path, tmp_path: Path) -> None:
    (tmp_path / "j.csv").write_text("query,product_id\nlamp,1\n")
    assert cli("eval", "--data", indexed, "--judgments", tmp_path / "j.csv")[0] == 2
    assert cli("eval", "--data", indexed, "--judgments", tmp_path / "none.csv")[0] == 2


def test_a_directory_without_permission_is_one_line(cli: Run, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        target = tmp_path / "file"
        target.write_text("")
        target /= "data"
    else:
        tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
        target = tmp_path / "data"
    catalogue = Path(__file__).parent / "none.jsonl"
    code, _, err = cli("index", catalogue, "--data", target, "--no-vectors")
    assert code in (1, 2)
    assert "Traceback" not in err


@pytest.mark.parametrize("arguments", [("nonsense",), ("search",), ("search", "x", "--nonsense")])
def test_a_wrong_call_exits_with_2(cli: Run, arguments: tuple[str, ...]) -> None:
    code, out, err = cli(*arguments)
    assert (code, out) == (2, "")
    assert "Usage" in err


def test_every_command_has_help(cli: Run) -> None:
    _, out, _ = cli("--help")
    for name in COMMANDS:
        assert name in out
        assert cli(name, "--help")[0] == 0


@pytest.mark.slow
def test_a_closed_pipe_is_no_traceback(indexed: Path) -> None:
    call = [*AISLE, "search", "lamp", "--data", str(indexed), "--json"]
    with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as reading:
        assert reading.stdout is not None
        assert reading.stderr is not None
        reading.stdout.close()  # as `head` does when it has seen enough
        assert reading.stderr.read() == b""
    assert reading.returncode == 1


@pytest.mark.slow
def test_the_demo_indexes_once(
    cli: Run, tmp_path: Path, shop_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = tmp_path / "products.jsonl"
    lines = (shop_files / "products.jsonl").read_text().splitlines(keepends=True)
    catalogue.write_text("".join(lines[:40]))
    started: list[object] = []
    monkeypatch.setattr("api.commands.demo_command.start", started.append)
    monkeypatch.setenv("AISLE_MEANING__ENCODER", "none")
    call = ("demo", "--data", tmp_path / "data", "--catalogue", catalogue)
    first = cli(*call, "--port", "0")
    again = cli(*call, "--port", "0")
    assert (first[0], again[0], len(started)) == (0, 0, 2)
    assert "Indexing" in first[2]
    assert "up to date" in again[2]
    cli("index", catalogue, "--data", tmp_path / "data", "--no-vectors")
    assert "Indexing" in cli(*call, "--port", "0")[2]
