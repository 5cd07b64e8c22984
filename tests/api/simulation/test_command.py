"""`aisle simulate` and `aisle demo`, as somebody at a terminal meets them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import orjson
import pytest

from api.settings import load_settings
from fixtures import generate_shop
from rankers import load_model
from tests.api.conftest import Run, aisle
from tests.api.logged import rows


@pytest.mark.slow
def test_it_writes_a_log_and_says_what_is_in_it(cli: Run, data: Path, judgments: Path) -> None:
    call = ("simulate", "--data", data, "--judgments", judgments, "--shoppers", 60)
    code, out, err = cli(*call, "--until", "2026-11-01", "--swap", "0.2", "--json")
    assert code == 0, err
    said = json.loads(out.splitlines()[-1])
    assert said["kept"]["searches"] == said["searches"] == len(rows(data, "searches"))
    assert said["kept"]["events"] == len(rows(data, "events"))
    assert [each["position"] for each in said["positions"]] == list(range(1, 11))
    code, out, err = cli(*call, "--until", "2026-11-01", "--swap", "0.2")
    assert code == 0, err
    assert "60 shoppers" in out
    assert "0 searches and 0 events" in out  # they were there before


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--click-model", "eager"), "no click model 'eager'; there are joachims"),
        (("--judgments", "nowhere.csv"), "there is no nowhere.csv"),
        (("--system", "psychic"), "unknown system 'psychic'"),
        (("--positions", "1"), "greater than or equal to 2"),
    ],
)
def test_bad_input_is_named(
    cli: Run, data: Path, judgments: Path, options: tuple[str, ...], reason: str
) -> None:
    code, _, err = cli("simulate", "--data", data, "--judgments", judgments, *options)
    assert code == 2
    assert reason in err
    assert not (data / "events").exists()


def _keep(path: Path, queries: int) -> None:
    """Leaves the judgments of the first queries."""
    head, *lines = path.read_text().splitlines(keepends=True)
    kept = list(dict.fromkeys(next(csv.reader([line]))[0] for line in lines))[:queries]
    path.write_text(head + "".join(x for x in lines if next(csv.reader([x]))[0] in kept))


@pytest.mark.slow
def test_the_demo_opens_with_a_model_that_shoppers_taught_it(
    cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, started = tmp_path / "data", list[object]()
    generate_shop(data / "shop", products=400)
    (data / "shop" / ".complete").touch()
    _keep(data / "shop" / "judgments.csv", 120)
    monkeypatch.setattr("api.commands.demo_command.start", started.append)
    monkeypatch.setenv("AISLE_MEANING__ENCODER", "none")
    call = ("demo", "--data", data, "--port", 0, "--shoppers", 1500)
    plain = cli(*call, "--no-learning")
    assert plain[0] == 0, plain[2]
    assert not (data / "events").exists()
    code, _, err = cli(*call)
    assert code == 0, err
    learned = orjson.loads((data / "demo.json").read_bytes())["learned"]
    assert " ".join(learned["told"].split()) in " ".join(err.split())
    assert "1,500 simulated shoppers" in learned["told"]
    half = {row["query"] for row in rows(data, "searches")}
    assert 0 < len(half) <= learned["asked"] == learned["held_out"]
    kept = orjson.loads((data / "models" / learned["version"] / "entry.json").read_bytes())
    assert kept["lineage"]["simulated"]["shoppers"] == 1500
    assert kept["verdict"]["passed"] == learned["promoted"] == (data / "model.json").exists()
    if learned["promoted"]:
        assert load_model(data / "model.json").name == "learned-from-simulated-clicks"
    searches = len(rows(data, "searches"))
    again = cli(*call)
    assert " ".join(learned["told"].split()) in " ".join(again[2].split())
    assert len(rows(data, "searches")) == searches
    assert len(started) == 3
    # Where others serve, it is made and sent to them.
    shared = tmp_path / "shared"
    shared.mkdir()
    monkeypatch.setenv("AISLE_ARTIFACTS__LOCATION", str(shared))
    assert cli(*call, "--no-serve")[0] == 0
    assert (shared / "CURRENT").exists()
    assert len(started) == 3


def test_a_model_of_ones_own_is_left_alone(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from api.simulation.learning import may_learn

    settings = load_settings(data)
    assert may_learn(settings)
    chosen = settings.ranking.model_copy(update={"model": data / "own.json"})
    assert not may_learn(settings.model_copy(update={"ranking": chosen}))
    off = settings.ranking.model_copy(update={"enabled": False})
    assert not may_learn(settings.model_copy(update={"ranking": off}))


def test_help_names_the_click_models() -> None:
    said = aisle("simulate", "--help").stdout.decode()
    assert "joachims, ultra, trust, cascade or dbn" in " ".join(said.split())
