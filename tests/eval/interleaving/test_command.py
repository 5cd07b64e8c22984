"""`aisle interleave`, as somebody at a terminal meets it."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from api.cli import run
from eval.stored import StoredRun, save_run

Call = Callable[..., tuple[int, str, str]]
QUERIES = {f"query {n}": [f"p{n}-{k}" for k in range(12)] for n in range(6)}
GAINS = {
    query: {product: float(max(3 - k // 2, 0)) for k, product in enumerate(products)}
    for query, products in QUERIES.items()
}


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str]) -> Call:
    def called(*arguments: str | Path | int) -> tuple[int, str, str]:
        code = run(["interleave", *map(str, arguments)])
        out, err = capfd.readouterr()
        return code, out, " ".join(err.split())

    return called


def trec(path: Path, rankings: Mapping[str, Sequence[str]]) -> Path:
    lines = [
        f"{query.replace(' ', '_')} Q0 {product} {rank} {1 / rank:.6f} {path.stem}"
        for query, products in rankings.items()
        for rank, product in enumerate(products, 1)
    ]
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """TREC runs of three rankers from good to bad, and judgments."""
    qrels = tmp_path / "judged.qrels"
    qrels.write_text(
        "\n".join(
            f"{query.replace(' ', '_')} 0 {product} {gain:g}"
            for query, each in GAINS.items()
            for product, gain in each.items()
        )
    )
    middle = {query: [*p[4:8], *p[:4], *p[8:]] for query, p in QUERIES.items()}
    bad = {query: products[::-1] for query, products in QUERIES.items()}
    return {
        "good": trec(tmp_path / "good.run", QUERIES),
        "middle": trec(tmp_path / "middle.run", middle),
        "bad": trec(tmp_path / "bad.run", bad),
        "qrels": qrels,
    }


@pytest.mark.parametrize(
    "method", ["team-draft", "balanced", "probabilistic", "optimized", "preference"]
)
def test_the_better_run_wins_and_says_when(cli: Call, files: dict[str, Path], method: str) -> None:
    call = ("--method", method, "--a", files["bad"], "--b", files["good"], "--judgments")
    code, out, err = cli(*call, files["qrels"], "--sessions", 400, "--seed", 1, "--json")
    assert code == 0, err
    said = json.loads(out.splitlines()[-1])
    assert (said["method"], said["a"], said["b"]) == (method, "bad", "good")
    assert said["wins"] + said["losses"] + said["ties"] == said["sessions"] == 400
    assert said["low"] <= said["delta"] <= said["high"] < 0
    assert (said["sign"], said["better"]) == (-1, "good")
    assert said["p"] < 0.01
    assert said["e_value"] > 20
    assert 0 < said["decided_at"] <= 400
    assert said["true_delta"] < 0


def test_the_same_seed_gives_the_same_result(cli: Call, files: dict[str, Path]) -> None:
    call = ("--a", files["good"], "--b", files["middle"], "--judgments", files["qrels"], "--json")
    one, same, other = (cli(*call, "--sessions", 60, "--seed", n)[1] for n in (3, 3, 4))
    assert one == same
    assert one != other


def test_it_says_it_in_words_and_draws_it(
    cli: Call, files: dict[str, Path], tmp_path: Path
) -> None:
    picture = tmp_path / "sequence.svg"
    call = ("--a", files["good"], "--b", files["bad"], "--judgments", files["qrels"])
    code, out, err = cli(*call, "--sessions", 300, "--picture", picture)
    assert code == 0, err
    assert "good is better than bad, decided after" in out
    assert "confidence sequence" in out
    assert "1/α = 20 is enough" in " ".join(out.split())
    labels = [line.split("│")[1].strip() for line in out.splitlines() if line.count("│") > 2]
    sessions = [line for line in out.splitlines() if "session " in line]
    assert len(labels) == len(set(labels))
    assert len(sessions) == 2
    drawn = ET.parse(picture).getroot()
    assert drawn.attrib["aria-label"] == "good − bad: credit a session, team-draft"
    assert "decided at" in "".join(drawn.itertext())
    # From the side of the better run, whichever was named first.
    swapped = ("--a", files["bad"], "--b", files["good"], "--judgments", files["qrels"])
    _, out, _ = cli(*swapped, "--sessions", 300)
    [won, lost] = re.findall(r"(\d+) (?:wins|losses)", " ".join(out.split()))[:2]
    assert int(won) > int(lost)
    assert "for good)" in " ".join(out.split())


def test_three_runs_are_compared_pair_by_pair(cli: Call, files: dict[str, Path]) -> None:
    call = ("--run", files["good"], "--run", files["middle"], "--run", files["bad"])
    asked = ("--method", "preference", "--judgments", files["qrels"], "--sessions", 300, "--json")
    code, out, err = cli(*call, *asked)
    assert code == 0, err
    said = json.loads(out.splitlines()[-1])
    assert [(p["a"], p["b"]) for p in said["pairs"]] == [
        *(("good", "middle"), ("good", "bad"), ("middle", "bad"))
    ]
    assert {p["sign"] for p in said["pairs"]} == {1}
    assert said["pairs"][0]["alpha"] == pytest.approx(0.05 / 3)


def test_saved_runs_bring_their_judgments(cli: Call, tmp_path: Path) -> None:
    for name, order in (("one", 1), ("two", -1)):
        rankings = {query: tuple(products[::order]) for query, products in QUERIES.items()}
        save_run(StoredRun(name, name, rankings, GAINS), tmp_path / name)
    call = ("--a", tmp_path / "one.json.gz", "--b", tmp_path / "two", "--debiased", "--json")
    code, out, err = cli(*call, "--clicks", "joachims", "--sessions", 300)
    assert code == 0, err
    said = json.loads(out.splitlines()[-1])
    assert (said["sign"], said["decided_by"]) == (1, "confidence sequence")


def test_kept_runs_are_known_by_name(cli: Call, tmp_path: Path) -> None:
    for name, order in (("one", 1), ("two", -1)):
        rankings = {query: tuple(products[::order]) for query, products in QUERIES.items()}
        save_run(StoredRun(name, name, rankings, GAINS), tmp_path / "runs" / name)
    call = ("--a", "one", "--b", "two", "--sessions", 10, "--json")
    assert cli(*call, "--data", tmp_path)[0] == 0
    code, _, err = cli(*call, "--data", tmp_path / "elsewhere")
    assert code == 2
    assert "one" in err


def test_who_does_not_look_needs_no_judgments(cli: Call, files: dict[str, Path]) -> None:
    call = ("--a", files["good"], "--b", files["bad"], "--clicks", "random", "--json")
    code, out, err = cli(*call, "--sessions", 400)
    assert code == 0, err
    said = json.loads(out.splitlines()[-1])
    assert said["low"] < 0 < said["high"]
    assert (said["decided_at"], said["decided_by"], said["true_delta"]) == (None, None, None)


def test_an_a_a_is_all_ties_and_said_to_be_one(cli: Call, files: dict[str, Path]) -> None:
    call = ("--a", files["good"], "--b", files["good"], "--clicks", "random")
    code, _, err = cli(*call)
    assert code == 2
    assert "rank every query alike, so nothing can be told apart" in err
    code, out, err = cli(*call, "--allow-same", "--sessions", 150, "--json")
    assert code == 0, err
    assert "this is an A/A" in err
    said = json.loads(out.splitlines()[-1])
    assert (said["ties"], said["p"], said["e_value"], said["sign"]) == (150, 1, 1, 0)
    assert said["same"]


def test_one_query_and_unknown_products_are_said(
    cli: Call, files: dict[str, Path], tmp_path: Path
) -> None:
    rankings = {"query 0": ["unknown", "p0-0", "p0-1"], "query 77": ["p1"]}
    odd = trec(tmp_path / "odd.run", rankings)
    call = ("--a", files["good"], "--b", odd, "--judgments", files["qrels"], "--sessions", 50)
    code, _, err = cli(*call)
    assert code == 0
    assert "Compared on 1 of 7 queries: the others are not in every run" in err
    assert "One query only" in err
    assert "92% of the ranked products were judged" in err


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--method", "coin"), "no interleaving 'coin'; there are team-draft"),
        (("--clicks", "eager"), "no click model 'eager'; there are random, perfect"),
        (("--sessions", "0"), "greater than or equal to 1"),
        (("--b", "nowhere.run"), "there is no run 'nowhere.run'"),
        (("--judgments", "nowhere.csv"), "cannot read nowhere.csv"),
        (("--clicks", "dbn", "--debiased"), "dbn shoppers have no propensities"),
        (("--method", "balanced", "--run", "{middle}"), "balanced compares at most 2 rankings"),
        (("--picture", "p.png"), "p.png does not end with .svg"),
    ],
)
def test_bad_input_is_named(
    cli: Call, files: dict[str, Path], options: tuple[str, ...], reason: str
) -> None:
    call = ("--a", files["good"], "--b", files["bad"], "--judgments", files["qrels"])
    code, _, err = cli(*call, *(option.format(**files) for option in options))
    assert code == 2
    assert reason in err


def test_what_shoppers_cannot_know_is_asked_for(cli: Call, files: dict[str, Path]) -> None:
    code, _, err = cli("--a", files["good"], "--b", files["bad"], "--clicks", "perfect")
    assert code == 2
    assert "give --judgments FILE, or --clicks random" in err
    code, _, err = cli("--a", files["good"])
    assert code == 2
    assert "name two runs" in err


def test_runs_without_a_common_or_a_judged_query_are_refused(
    cli: Call, files: dict[str, Path], tmp_path: Path
) -> None:
    other = trec(tmp_path / "other.run", {"something": ["p0-0", "p0-1"]})
    call = ("--judgments", files["qrels"])
    code, _, err = cli("--a", files["good"], "--b", other, *call)
    assert code == 2
    assert "no query in common" in err
    another = trec(tmp_path / "another.run", {"something": ["p0-1", "p0-0"]})
    code, _, err = cli("--a", other, "--b", another, *call)
    assert code == 2
    assert "none of the runs' queries is judged" in err


@pytest.mark.parametrize(("gain", "code"), [(-1.0, 2), (float("nan"), 2), (0.0, 0)])
def test_gains_that_are_none_are_refused_and_none_at_all_is_said(
    cli: Call, tmp_path: Path, gain: float, code: int
) -> None:
    for name, order in (("one", 1), ("two", -1)):
        rankings = {"q": tuple(QUERIES["query 0"][::order])}
        save_run(StoredRun(name, name, rankings, {"q": {"p0-0": gain}}), tmp_path / name)
    asked = ("--clicks", "perfect", "--sessions", 20)
    found, _, err = cli("--a", tmp_path / "one", "--b", tmp_path / "two", *asked)
    assert found == code
    assert ("No product in these rankings is relevant" in err) == (code == 0)
