"""`aisle eval` from end to end: systems beside each other, kept, compared and held to others."""

from __future__ import annotations

import csv
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from api.cli import run
from api.evaluation import IndexSearcher
from api.judged_before import marks_of
from api.settings import load_settings
from eval import list_runs, load_judgments, load_run
from rankers import save_model
from search.build import open_search
from tests.api.ranked import ordering, written

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Runs `aisle eval` here, wide enough for any path; gives its code, standard output and
    standard error."""
    monkeypatch.setattr("api.commands.console.out", Console(width=300, highlight=False))

    def called(*arguments: str | Path) -> tuple[int, str, str]:
        code = run(["eval", *map(str, arguments)])
        out, err = capfd.readouterr()
        return code, out, err

    return called


@pytest.fixture(scope="module")
def judgments(shop_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The judgments of a few queries, with their kinds."""
    judged = load_judgments(shop_files / "judgments.csv")
    path = tmp_path_factory.mktemp("judged") / "judgments.csv"
    with path.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["query", "product_id", "rating", "kind"])
        for i, query in enumerate(judged.relevant_queries()[:30]):
            for product, gain in judged.gains[query].items():
                lines.writerow([query, product, gain, "even" if i % 2 == 0 else "odd"])
    return path


def last_json(out: str) -> Any:
    return json.loads(out.splitlines()[-1])


def test_a_model_judged_by_what_it_learned_from_is_told(
    cli: Cli, data: Path, judgments: Path, tmp_path: Path
) -> None:
    queries = load_judgments(judgments).relevant_queries()
    model = replace(ordering(1.0), training=marks_of(queries[:10]))
    save_model(model, path := tmp_path / "model.json")
    asked = ("--judgments", judgments, "--data", data, "--systems", f"hybrid,ltr:{path}", "--json")
    code, out, _ = cli(*asked)
    assert code == 0
    told = f"ltr:{path} learned from 10 of {len(queries)} judged queries, which flatters it"
    assert last_json(out)["notes"][0] == told


def test_systems_of_the_index_files_and_kept_runs_stand_beside_each_other(
    cli: Cli, data: Path, judgments: Path, tmp_path: Path
) -> None:
    judged = load_judgments(judgments)
    model, trec = written(tmp_path / "turned.json", -1.0), tmp_path / "mine.json"
    trec.write_text(json.dumps({q: dict(known) for q, known in judged.gains.items()}))
    code, out, err = cli(
        *("--data", data, "--judgments", judgments, "--systems", f"bm25,ltr:{model},random"),
        *("--runs", f"ideal={trec}", "--save", "first", "--json"),
    )
    assert code == 0, err
    report = last_json(out)
    names = ["bm25", f"ltr:{model}", "random", "ideal"]
    assert list(report["systems"]) == names
    assert report["systems"]["ideal"]["ndcg@10"]["mean"] == pytest.approx(1)
    assert set(report["by"]) == {"kind", "length", "category"}
    assert report["slices"]["even"]["queries"] == 15
    # The model turns the order around: what it misses was retrieved, and some of it never seen.
    causes = report["failures"][f"ltr:{model}"]["causes"]
    assert set(causes) == {"not_retrieved", "retrieved_low", "ranked_low"}
    assert causes["ranked_low"]["share"] > 0.3
    assert set(report["failures"]["bm25"]["causes"]) == {"not_retrieved", "ranked_low"}
    first = report["moved"][0]
    assert first["list_a"][0]["title"]

    kept = {each.path.name: each.run for each in list_runs(data / "runs")}
    assert len(kept) == 3
    assert all(name.endswith(".json.gz") for name in kept)
    bm25 = kept["bm25.json.gz"]
    assert bm25 is not None
    assert set(bm25.inputs) == {"judgments", "index", "settings"}
    assert bm25.versions["snapshot"].startswith("20")
    assert bm25.gains == judged.gains
    assert dict(bm25.slices["kind"]) == judged.kinds
    assert bm25.scores()["ndcg@10"].mean == report["systems"]["bm25"]["ndcg@10"]["mean"]
    model_run = next(run for name, run in kept.items() if name.endswith("turned.json.gz"))
    assert model_run is not None
    assert model_run.inputs["model"]

    # Kept runs score what they scored, and compare as they did.
    code, out, err = cli(
        *("--data", data, "--judgments", judgments, "--systems", "run:first/bm25,run:first/ideal"),
        "--json",
    )
    again = last_json(out)
    assert again["systems"]["run:first/bm25"] == report["systems"]["bm25"]
    assert again["coverage"]["run:first/bm25"] == report["coverage"]["bm25"]
    assert again["failures"]["run:first/bm25"]["lost"] == report["failures"]["bm25"]["lost"]
    code, out, err = cli("diff", "first/bm25", "first/ideal", "--data", data, "--json")
    assert code == 0, err
    compared = last_json(out)["comparisons"][0]
    [before] = [
        c
        for c in report["comparisons"]
        if (c["a"], c["b"], c["metric"]) == ("bm25", "ideal", "ndcg@10")
    ]
    numbers = ("delta", "low", "high", "p", "p_t", "effect_size", "a_wins", "b_wins")
    assert [compared[n] for n in numbers] == [before[n] for n in numbers]
    code, out, _ = cli("runs", "--data", data)
    assert code == 0
    assert "first/ideal" in out


def test_a_gate_lets_the_same_pass_and_stops_what_is_worse(
    cli: Cli, data: Path, judgments: Path, tmp_path: Path
) -> None:
    common = ("--data", data, "--judgments", judgments)
    assert cli(*common, "--systems", "bm25", "--save", "main")[0] == 0
    gate = ("--baseline", "main", "--fail-if", "ndcg@10 < -0.01")
    code, out, _ = cli(*common, "--systems", "bm25", *gate, "--json")
    assert code == 0
    assert last_json(out)["gate"]["passed"] is True

    worse = written(tmp_path / "turned.json", -1.0)
    picture = tmp_path / "gate.svg"
    more = ("--fail-if", "recall@100.low < -1", "--fail-if", "P(rel=3)@5[kind=odd] < -0.001")
    code, out, err = cli(
        *(*common, "--systems", f"ltr:{worse}", *gate, *more, "--picture", picture, "--json")
    )
    assert code == 1
    checks = last_json(out)["gate"]["checks"]
    assert [check["failed"] for check in checks] == [True, False, True]
    assert "fails: ndcg@10 < -0.01 (it is -" in err
    assert ET.parse(picture).getroot().tag.endswith("svg")

    code, out, err = cli(*common, "--systems", f"ltr:{worse}", *gate)
    assert code == 1
    assert f"Gate: ltr:{worse} against baseline main/bm25 fails" in " ".join(out.split())


def test_what_cannot_be_compared_is_refused(
    cli: Cli, data: Path, judgments: Path, tmp_path: Path
) -> None:
    common = ("--data", data, "--judgments", judgments)
    by_id, other = tmp_path / "by-id.trec", tmp_path / "other.csv"
    by_id.write_text("17 Q0 P00001 1 1.0 x\n")
    lines = judgments.read_text().splitlines()
    other.write_text("\n".join(lines[:40]) + "\n")
    run_file = tmp_path / "run.json"
    run_file.write_text(json.dumps({q: ["P00001"] for q in load_judgments(judgments).gains}))
    assert cli(*common, "--runs", f"one={run_file}", "--save", "all")[0] == 0
    assert (
        cli("--data", data, "--judgments", other, "--runs", f"one={run_file}", "--save", "few")[0]
        == 0
    )
    gate = ("--fail-if", "ndcg@10 < 0")
    for arguments, message in [
        ((*common, "--runs", f"mine={by_id}"), "mine has none of the judged queries: its first is"),
        ((*common, "--runs", "mine=nowhere"), "there is no run 'nowhere'"),
        ((*common, "--runs", "mine"), "write NAME=WHERE"),
        ((*common, "--runs", f"a={run_file}", "--runs", f"a={run_file}"), "have the same name"),
        ((*common, "--systems", "bm25", *gate), "needs a run to compare with: --baseline RUN"),
        ((*common, "--systems", "bm25", "--baseline", "few", *gate), "scored by other judgments"),
        (
            (*common, "--systems", "bm25,bm25-raw", "--baseline", "all", *gate),
            "compared with one system, not with bm25, bm25-raw",
        ),
        ((*common, "--baseline", "all", "--mode", "rerank", "--systems", "bm25"), "--mode full"),
        ((*common, "--systems", "bm25", "--fail-if", "up", "--baseline", "all"), "is no condition"),
        (("diff", "all", "few", "--data", data), "scored by different judgments"),
        (("diff", "all", "all", "--data", data, "--metrics", "map"), "was not scored by map"),
    ]:
        code, _, err = cli(*arguments)
        assert code in (1, 2), arguments
        assert message in err, err
        assert "Traceback" not in err


def test_texts_of_queries_and_how_often_they_are_searched_come_from_files(
    cli: Cli, data: Path, judgments: Path, tmp_path: Path
) -> None:
    queries = list(load_judgments(judgments).gains)[:4]
    (tmp_path / "topics.tsv").write_text("".join(f"{i}\t{q}\n" for i, q in enumerate(queries)))
    known = load_judgments(judgments).gains
    (tmp_path / "qrels").write_text(
        "".join(f"{i} 0 {p} {g}\n" for i, q in enumerate(queries) for p, g in known[q].items())
    )
    (tmp_path / "log.csv").write_text(f"query,count\n{queries[0]},90\n{queries[1]},10\n")
    (tmp_path / "run").write_text("".join(f"{i} Q0 P1 1 1 x\n{i} Q0 P2 2 1 x\n" for i in range(4)))
    code, out, err = cli(
        *("--data", data, "--judgments", tmp_path / "qrels", "--systems", "bm25"),
        *("--queries", tmp_path / "topics.tsv", "--log", tmp_path / "log.csv"),
        *("--runs", f"mine={tmp_path / 'run'}", "--json"),
    )
    assert code == 0, err
    report = last_json(out)
    assert report["queries"] == 4
    assert report["systems"]["bm25"]["ndcg@10"]["mean"] > 0.1
    sizes = {part: each["queries"] for part, each in report["by"]["frequency"].items()}
    assert sizes == {"head": 1, "tail": 1, "never searched": 2}
    assert any("mine: 8 of 8 products have the same score" in note for note in report["notes"])
    assert any(
        "mine: 2 of the 2 products among its first 10 are not in the index" in note
        for note in report["notes"]
    )


def test_runs_of_others_need_no_index_and_are_found_by_their_directory(
    cli: Cli, judgments: Path, tmp_path: Path
) -> None:
    data = tmp_path / "no data"
    run_file = tmp_path / "run.json"
    run_file.write_text(json.dumps({q: ["P00001"] for q in load_judgments(judgments).gains}))
    place = tmp_path / "kept" / "here"
    code, out, err = cli(
        *("--data", data, "--judgments", judgments, "--runs", f"one={run_file}", "--save", place)
    )
    assert code == 0, err
    assert f"kept: {place / 'one.json.gz'}" in err
    assert load_run(place).name == "here/one"
    assert "one: ndcg@10" in out


async def test_places_left_to_chance_are_not_what_is_measured(
    indexed: Path, shop_files: Path
) -> None:
    queries = load_judgments(shop_files / "judgments.csv").relevant_queries()[:5]
    runs = []
    plain: dict[str, object] = {}
    for exploration in (plain, {"method": "swap", "probability": 0.5}):
        search = await open_search(load_settings(indexed, exploration=exploration))
        try:
            runs.append(await IndexSearcher(search).run("bm25", queries, 20, None))
        finally:
            await search.close()
    assert runs[0] == runs[1]


def test_a_system_that_cannot_be_run_is_named_before_any_is(
    cli: Cli, data: Path, judgments: Path
) -> None:
    common = ("--data", data, "--judgments", judgments)
    code, _, err = cli(*common, "--systems", "bm25,magic")
    assert (code, "unknown system 'magic'; known are" in err) == (2, True)
    code, _, err = cli(*common, "--systems", "bm25,ranked")
    assert (code, "ranked has no ranking model to order by" in err) == (1, True)
    assert "search with" not in err


def test_the_shops_own_log_says_how_often_queries_are_searched(
    cli: Cli, data: Path, judgments: Path
) -> None:
    query = next(iter(load_judgments(judgments).gains))
    (data / "query-log.csv").write_text(f"query,count\n{query},3\n")
    code, out, err = cli("--data", data, "--judgments", judgments, "--systems", "bm25", "--json")
    assert code == 0, err
    sizes = {part: each["queries"] for part, each in last_json(out)["by"]["frequency"].items()}
    assert sizes == {"head": 1, "never searched": 29}


def test_mistakes_are_told_before_an_index_is_opened(
    cli: Cli,
    data: Path,
    judgments: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def opened(*_: object) -> None:
        raise AssertionError("the index was opened")

    monkeypatch.setattr("search.build.open_search", opened)
    monkeypatch.chdir(judgments.parent)
    qrels = tmp_path / "judged.qrels"
    qrels.write_text("red 0 p1 1\n")
    asked = ("--judgments", judgments, "--data")
    for arguments, reason in (
        ((*asked, tmp_path / "none"), "there is no data directory"),
        ((*asked, tmp_path / "none", "--save", "x"), "there is no data directory"),
        (("--judgments", judgments), "there is no data directory data"),
        (("runs", "--data", tmp_path / "none"), "there is no data directory"),
        ((*asked, data, "--systems", "bm52"), "unknown system 'bm52'; known are ranked"),
        ((*asked, data, "--picture", tmp_path / "no" / "x.svg"), "there is no directory"),
        ((*asked, data, "--systems", f"run:{qrels}"), "looks like qrels"),
        ((*asked, data, "--systems", "run:no.trec"), "there is no run 'no.trec': no such file"),
    ):
        code, out, err = cli(*arguments)
        said = "".join(err.replace("│", "").split())
        assert (out, reason.replace(" ", "") in said) == ("", True), err
        assert code == 2, reason


def test_kept_runs_are_not_kept_again_and_kinds_may_come_with_queries(
    cli: Cli, data: Path, judgments: Path, tmp_path: Path
) -> None:
    judged = load_judgments(judgments)
    plain, kinds, run_file = (tmp_path / name for name in ("j.csv", "kinds.csv", "run.json"))
    with plain.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["query", "product_id", "rating"])
        lines.writerows([q, p, g] for q, known in judged.gains.items() for p, g in known.items())
    with kinds.open("w", newline="") as file:
        csv.writer(file).writerows([("query", "kind"), *judged.kinds.items()])
    run_file.write_text(json.dumps({q: dict(known) for q, known in judged.gains.items()}))
    asked = ("--data", data, "--judgments", plain, "--queries", kinds)
    code, out, err = cli(*asked, "--systems", f"run:{run_file}", "--save", "one", "--json")
    assert code == 0, err
    assert last_json(out)["slices"]["even"]["queries"] == 15
    [kept] = (data / "runs" / "one").iterdir()
    code, _, err = cli(*asked, "--systems", f"run:{kept}", "--save", "two")
    assert (code, (data / "runs" / "two").exists()) == (0, False)
    assert "nothing is kept as two" in err
    code, out, err = cli(
        *(*asked, "--systems", f"run:{kept}", "--baseline", kept),
        *("--fail-if", "ndcg@10[kind=even] >= 0"),
    )
    assert code == 1
    assert out.startswith("Gate: ")
    assert "Gate: " in err
