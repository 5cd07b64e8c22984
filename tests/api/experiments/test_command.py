"""`aisle experiment`: made, listed, stopped, told, and refused with a reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from api.cli import run
from api.experiments.seams import Cell, Tally
from api.experiments.shadow_report import COMPARED, OVERLAP
from api.experiments.sqlite import FILE, SqliteStore
from search.encoder import OnnxEncoder
from tests.api.experiments.logs import did, mixed, written
from tests.api.ranked import written as model_file
from tests.search.cross_encoders import make_cross_encoder

Said = pytest.CaptureFixture[str]


def experiment(data: Path, *arguments: str) -> int:
    return run(["experiment", *arguments, "--data", str(data)])


def told(capsys: Said, data: Path, *arguments: str) -> Any:
    capsys.readouterr()
    assert experiment(data, *arguments, "--json") == 0
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_an_experiment_is_made_listed_and_stopped_for_good(data: Path, capsys: Said) -> None:
    two = ("--kind", "ab", "--a", "hybrid", "--b", "bm25")
    made = told(capsys, data, "create", "words", *two, "--traffic", ".5", "--alpha", ".01")
    assert (made["name"], made["slot"], made["alpha"]) == ("words", [0, 0.5], 0.01)
    assert [arm["name"] for arm in made["arms"]] == ["a", "b"]
    [listed] = told(capsys, data, "list")
    assert listed == made
    assert told(capsys, data, "status", "words")["arms"] == {}
    assert experiment(data, "status", "words") == 0
    assert "counted nothing yet" in capsys.readouterr().out
    assert told(capsys, data, "stop", "words", "--reason", "seen enough")["stopped"] == ["words"]
    assert [step["what"] for step in told(capsys, data, "history", "words")] == [
        "created", "stopped",
    ]  # fmt: skip
    for arguments, said in (
        (("stop", "words"), "stopped already (seen enough)"),
        (("create", "words", *two), "a stopped one cannot be started again"),
        (("stop",), "name one experiment, or give --all"),
        (("stop", "words", "--all"), "name one experiment, or give --all"),
        (("status", "luck"), "there is no experiment luck; there are: words"),
        (("report", "luck"), "there is no experiment luck"),
        (("report", "words", "--metric", "luck"), "no metric 'luck'"),
    ):
        assert experiment(data, *arguments) == 2
        assert said in capsys.readouterr().err


def test_a_shadow_is_reported_by_how_it_ranks(data: Path, capsys: Said) -> None:
    two = ("--kind", "shadow", "--a", "hybrid", "--b", "bm25")
    assert experiment(data, "create", "first", "--kind", "ab", *two[2:]) == 0
    said = capsys.readouterr().out
    assert "takes the whole of layer ranking" in " ".join(said.split())
    assert f"aisle experiment report first --data {data} " in said
    assert experiment(data, "create", "behind", *two, "--traffic", ".2") == 0
    assert "20% of sessions, in no layer" in capsys.readouterr().out
    [made] = [each for each in SqliteStore(data / FILE).experiments() if each.name == "behind"]
    assert (made.slot, made.share) == ((0.0, 1.0), 0.2)
    assert told(capsys, data, "history", "behind")[0]["share"] == 0.2
    assert told(capsys, data, "report", "behind")["kind"] == "shadow"
    store = SqliteStore(data / FILE)
    store.add({Cell("behind", "b", 1): Tally(requests=1, sums={COMPARED: 1.0, OVERLAP: 0.5})})
    assert experiment(data, "report", "behind") == 0
    assert ".50" in capsys.readouterr().out
    assert experiment(data, "status", "behind") == 0
    assert "of the first 10 results 50% are the same" in " ".join(capsys.readouterr().out.split())
    assert told(capsys, data, "status", "behind")["shadow"]["overlap@10"] == 0.5


def test_what_is_refused_says_what_can_be_done(data: Path, capsys: Said) -> None:
    two = ("--kind", "ab", "--a", "hybrid", "--b", "bm25")
    assert experiment(data, "create", "most", *two, "--traffic", ".6") == 0
    assert experiment(data, "create", "more", *two, "--layer", "other") == 2
    assert "give --layer ranking --traffic 0.4 at most" in capsys.readouterr().err
    assert experiment(data, "create", "more", *two) == 2
    assert "most has 60%; stop one, or ask for --traffic 0.4" in capsys.readouterr().err
    assert experiment(data, "create", "rest", *two, "--traffic", ".4") == 0
    for layer in ("ranking", "other"):
        capsys.readouterr()
        assert experiment(data, "create", "more", *two, "--layer", layer) == 2
        said = capsys.readouterr().err
        assert "or create it with less --traffic next time" in said
        assert "--layer" not in said
    assert experiment(data, "history", "most") == 0
    assert "60%" in capsys.readouterr().out


def test_status_says_what_servers_wait_for(
    data: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AISLE_SYSTEMS__MINE__BASE", "bm25")
    two = ("--kind", "ab", "--a", "hybrid", "--b", "mine")
    assert experiment(data, "create", "words", *two) == 0
    assert told(capsys, data, "status", "words")["waits"] == []
    monkeypatch.delenv("AISLE_SYSTEMS__MINE__BASE")
    assert "no system mine" in told(capsys, data, "status", "words")["waits"][0]
    assert experiment(data, "status", "words") == 0
    assert "words waits: there is no system mine" in capsys.readouterr().out


def test_an_arm_without_its_model_is_told(data: Path, capsys: Said) -> None:
    assert experiment(data, "create", "words", "--kind", "ab", "--a", "bm25", "--b", "ranked") == 0
    assert "no ranking model is in use" in " ".join(capsys.readouterr().err.split())


def test_a_test_has_guardrails_and_status_says_how_far_they_are(data: Path, capsys: Said) -> None:
    arms = ("--kind", "ab", "--a", "hybrid", "--b", "bm25")
    limits = ("--errors", "2", "--click-rate", "0", "--revenue", ".9", "--least", "5")
    made = told(capsys, data, "create", "guarded", *arms, *limits)
    assert made["guardrails"] == {
        "p99_milliseconds": 100.0, "click_rate": None, "errors": 0.02, "zero_results": 0.05,
        "revenue": 0.9, "least": 5,
    }  # fmt: skip
    now = told(capsys, data, "status", "guarded")["guardrails_now"]
    assert {each["name"] for each in now} == {"p99", "errors", "zero_results", "revenue"}
    assert {each["state"] for each in now} == {"waits"}
    assert experiment(data, "status", "guarded") == 0
    assert "5 requests of each arm" in " ".join(capsys.readouterr().out.split())


def test_one_command_stops_everything(data: Path, capsys: Said) -> None:
    for name, *more in (
        ("one", "--a", "hybrid", "--b", "bm25"),
        ("two", "--diversity", "calm=0", "--diversity", "varied=.5", "--layer", "variety"),
    ):
        assert experiment(data, "create", name, "--kind", "ab", *more) == 0
    assert sorted(told(capsys, data, "stop", "--all")["stopped"]) == ["one", "two"]
    assert {each.status for each in SqliteStore(data / FILE).experiments()} == {"stopped"}
    assert told(capsys, data, "stop", "--all")["stopped"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--kind", "interleave", "--a", "hybrid", "--b", "hybrid"), "--allow-same"),
        (("--kind", "interleave", "--a", "hybrid", "--b", "ranked"), "no ranking model is in use"),
        (("--kind", "interleave", "--a", "bm25", "--b", "ranked"), "no ranking model is in use"),
        (("--kind", "ab", "--a", "hybrid", "--b", "model:77"), "no model has the version '77'"),
        (("--kind", "ab", "--a", "hybrid", "--b", "nope"), "there is no system nope"),
        (("--kind", "ab", "--a", "hybrid", "--arm", "c"), "NAME=SYSTEM"),
        (("--kind", "ab", "--a", "hybrid", "--arm", "c=bm25:x"), "no weight"),
        (("--kind", "ab", "--a", "hybrid", "--diversity", "b=much"), "ARM=0.3"),
        (("--kind", "ab", "--a", "hybrid", "--b", "bm25", "--traffic", "0"), "0 of the traffic"),
        (("--kind", "cards", "--a", "hybrid"), "cards"),
    ],
)
def test_what_cannot_run_is_refused_before_it_does(
    data: Path, capsys: Said, arguments: tuple[str, ...], said: str
) -> None:
    assert experiment(data, "create", "words", *arguments) == 2
    assert said in capsys.readouterr().err
    assert not (data / FILE).exists()


def test_what_a_cross_encoder_reads_can_be_interleaved_once_it_can_be_opened(
    data: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch, encoder: OnnxEncoder
) -> None:
    monkeypatch.setenv("AISLE_SYSTEMS__READ__RANKING__CROSS_ENCODER", "cross")
    monkeypatch.setenv("AISLE_SYSTEMS__FEW__RANKING__CROSS_ENCODER", "cross")
    monkeypatch.setenv("AISLE_SYSTEMS__FEW__RANKING__READ", "5")
    one = ("--kind", "interleave", "--a", "hybrid", "--b", "read")
    assert experiment(data, "create", "one", *one) == 2
    assert "cannot take part: no usable cross-encoder" in " ".join(capsys.readouterr().err.split())
    make_cross_encoder(encoder, data, "red")
    assert experiment(data, "create", "one", *one) == 0
    assert experiment(data, "stop", "--all") == 0
    fewer = ("--kind", "interleave", "--a", "read", "--b", "few")
    assert experiment(data, "create", "two", *fewer) == 0


def test_variety_alone_cannot_be_interleaved_nor_what_only_differs_in_stock(
    data: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, table in (("kept", "RANKING__OUT_OF_STOCK"), ("varied", "DIVERSITY__STRENGTH")):
        monkeypatch.setenv(f"AISLE_SYSTEMS__{name.upper()}__BASE", "hybrid")
        value = "keep" if name == "kept" else "0.5"
        monkeypatch.setenv(f"AISLE_SYSTEMS__{name.upper()}__{table}", value)
        arguments = ("create", name, "--kind", "interleave", "--a", "hybrid", "--b", name)
        assert experiment(data, *arguments) == 2
        assert "--kind ab" in capsys.readouterr().err
    assert experiment(data, "create", "apart", "--kind", "ab", "--a", "hybrid", "--b", "kept") == 0


def test_weights_and_versions_are_told_apart(
    data: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = model_file(data / "up.json", 1.0)
    monkeypatch.chdir(data)  # servers work elsewhere, and find the file all the same
    arms = ("--arm", "old=hybrid:3", "--arm", f"new=ltr:{path.name}:1")
    made = told(capsys, data, "create", "weighed", "--kind", "ab", *arms)
    assert [(arm["system"], arm["weight"]) for arm in made["arms"]] == [
        ("hybrid", 3.0), (f"ltr:{path}", 1.0),
    ]  # fmt: skip


def test_a_report_is_a_sentence_a_table_and_a_picture(
    data: Path, tmp_path: Path, capsys: Said
) -> None:
    arguments = ("create", "test", "--kind", "interleave", "--a", "hybrid", "--b", "bm25")
    made = told(capsys, data, *arguments)
    assert experiment(data, "report", "test") == 0
    assert "No searches of test are logged yet" in capsys.readouterr().out
    searches = [mixed(n, f"s{n}", ["a", "b", "", ""], time=made["created"]) for n in range(40)]
    events = [did(each, "p1", time=made["created"]) for each in searches]
    log = written(tmp_path / "log", searches, events)
    picture = tmp_path / "report.svg"
    more = ("--events", str(log), "--picture", str(picture))
    assert experiment(data, "report", "test", *more) == 0
    assert "searched in the last 10 minutes" in " ".join(capsys.readouterr().out.split())
    assert experiment(data, "stop", "test") == 0
    assert experiment(data, "report", "test", *more) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "hybrid (a) is better than bm25 (b), decided after" in out
    assert "40 / 0 / 0" in out
    assert picture.read_text().startswith("<svg")
    plain = told(capsys, data, "report", "test", "--events", str(log))
    assert plain["decision"]["winner"] == "a"
    assert plain == told(capsys, data, "report", "test", "--events", str(log)) | {
        "experiment": plain["experiment"]
    }
