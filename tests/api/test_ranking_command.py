"""A ranking model from the command line: used, shown, explained, refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from api.evaluation import IndexSearcher
from fixtures import Shop
from rankers.features import NAMES
from search.build import open_search
from search.errors import AisleError
from search.settings import MeaningSettings, Settings
from tests.api.modeled import modeled, told, write_model

__all__ = ["modeled"]


def test_ranking_and_explaining_never_load_what_only_training_needs(modeled: Path) -> None:
    program = """
import sys
from api.cli import run
code = run(['search', 'steel kettle', '--data', sys.argv[1], '--explain', '--json'])
heavy = {'lightgbm', 'sklearn', 'scipy.sparse', 'optuna', 'torch', 'pandas', 'duckdb', 'pyarrow'}
print(code, sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(modeled)], capture_output=True, timeout=120
    )
    *_, found, loaded = done.stdout.splitlines()
    assert orjson.loads(found)["hits"][0]["reasons"]["features"][0]["contribution"] is not None
    assert loaded == b"0 []", done.stderr.decode()


def test_the_command_line_shows_uses_and_compares_models(
    data: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    other = tmp_path / "other.json"
    version = write_model(other, 5, name="other")
    code, out, err = told(capfdbinary, "models", "use", other, "--data", data, "--json")
    assert code == 0, err
    assert orjson.loads(out)["version"] == version
    shown = orjson.loads(told(capfdbinary, "models", "show", "--data", data, "--json")[1])
    assert (shown["name"], shown["trees"], shown["features"]) == ("other", 20, len(NAMES))
    search = ("search", "steel kettle", "--data", data, "--json", "--system")
    used = orjson.loads(told(capfdbinary, *search, "ranked")[1])
    named = orjson.loads(told(capfdbinary, *search, f"ltr:{other}")[1])
    assert [hit["id"] for hit in used["hits"]] == [hit["id"] for hit in named["hits"]]
    assert named["model"]["name"] == "other"
    hits = [hit["id"] for hit in used["hits"]]
    asked = ("explain", "steel kettle", hits[7], "--above", hits[0], "--data", data)
    sentences = told(capfdbinary, *asked)[1]
    assert f"{hits[7]} is number 8 of" in sentences
    assert "What makes most of the difference" in sentences
    why = orjson.loads(told(capfdbinary, *asked, "--json")[1])
    gap = why["above"]["reasons"]["score"] - why["hit"]["reasons"]["score"]
    assert sum(each["difference"] for each in why["differences"]) == pytest.approx(gap, abs=1e-6)


def test_what_the_whole_query_shares_is_one_sum_and_no_reason(
    modeled: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    at = ("--data", modeled)
    search = ("search", "steel kettle", *at, "--explain", "--size", "8")
    hits = orjson.loads(told(capfdbinary, *search, "--json")[1])["hits"]
    values: dict[str, set[float | None]] = {}
    for hit in hits:
        features = hit["reasons"]["features"]
        shared = [each for each in features if each["shared"]]
        assert hit["reasons"]["query"] == pytest.approx(sum(e["contribution"] for e in shared))
        assert {"query_words", "hour"} <= {each["feature"] for each in shared}
        for each in shared:
            values.setdefault(each["feature"], set()).add(each["value"])
    assert all(len(same) == 1 for same in values.values())
    table = told(capfdbinary, *search)[1]
    sentences = told(capfdbinary, "explain", "steel kettle", hits[7]["id"], "--above",
                     hits[0]["id"], *at)[1]  # fmt: skip
    for text in (table, sentences):
        assert "query itself" in " ".join(text.split())
        assert "query words" not in text
        assert "_" not in text.replace("out_of_stock", "")


def test_what_is_not_found_is_explained_by_what_keeps_it_away(
    data: Path, shop: Shop, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    cheap = min((each for each in shop.products if each.price), key=lambda each: each.price or 0)
    asked = ("explain", "zither", cheap.id, "--filter", "price=1000..", "--data", data)
    code, out, _ = told(capfdbinary, *asked)
    assert code == 0
    assert f"{cheap.id} is not among" in out
    assert "It does not satisfy price=1000.0..." in out
    assert "It has none of the words." in out
    assert told(capfdbinary, "explain", "zither", "nobody", "--data", data)[0] == 2


def test_a_model_that_cannot_be_used_is_refused_and_changes_nothing(
    data: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    write_model(data / "model.json")
    before = (data / "model.json").read_bytes()
    (tmp_path / "half.json").write_bytes(before[:500])
    code, _, err = told(capfdbinary, "models", "use", tmp_path / "half.json", "--data", data)
    assert code == 2
    assert "ends before its end" in err
    assert (data / "model.json").read_bytes() == before
    missing = f"ltr:{tmp_path / 'none'}"
    code, _, err = told(capfdbinary, "search", "kettle", "--data", data, "--system", missing)
    assert code == 2
    assert "aisle train" in err


async def test_an_evaluation_of_a_model_that_does_not_rank_stops(data: Path) -> None:
    search = await open_search(Settings(data=data, meaning=MeaningSettings(encoder="none")))
    try:
        with pytest.raises(AisleError, match="ranked did not rank 'kettle': no ranking model"):
            await IndexSearcher(search).run("ranked", ["kettle"], 10, None)
    finally:
        await search.close()
