"""`aisle propensity`, and what it draws."""

from __future__ import annotations

import csv
import gzip
import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from api.cli import run
from training.propensity import bars, draw_curve, estimate, estimator, report_json
from training.propensity.misfit import Misfit
from training.simulation import click_model, make_world, simulate_counts, simulate_log
from training.simulation.worlds import sessions_of

Output = pytest.CaptureFixture[str]


def sessions(path: Path, first: int = 0, model: str = "joachims", queries: int = 40) -> Path:
    """3,000 simulated sessions as a CSV file."""
    rng = np.random.default_rng(0)
    world = make_world(0, queries=queries, candidates=8, depth=5)
    (shown,) = sessions_of(world, 3000, rng)
    clicks = click_model(model).draw(shown.grades, rng)
    with path.open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(("sess_id", "query", "rank", "clicked_doc_id", "clicked"))
        for session, (query, documents) in enumerate(
            zip(shown.queries, shown.candidates, strict=True)
        ):
            for place, document in enumerate(documents):
                hit = bool(clicks[session, place])
                writer.writerow((session, f"q{query}", place + first, f"{document}", hit))
    return path


def test_json_says_the_curve_its_fit_and_its_components(tmp_path: Path, capsys: Output) -> None:
    given = sessions(tmp_path / "log.csv")
    assert run(["propensity", "--events", str(given), "--bootstrap", "50", "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert sorted(found) == ["components", "estimator", "misfit", "positions"]
    assert found["estimator"] == "poisson"
    assert found["components"] == [[1, 2, 3, 4, 5]]
    second = found["positions"][1]
    assert sorted(second) == ["high", "low", "position", "propensity"]
    assert second["low"] < 0.5 < second["high"]
    assert found["misfit"]["warning"] is None
    assert {"overall", "by_position"} == set(found["misfit"]["held_out"])


def test_a_misfit_is_warned_of_beside_the_json(tmp_path: Path, capsys: Output) -> None:
    given = sessions(tmp_path / "log.csv", model="cascade", queries=10)
    assert run(["propensity", "--events", str(given), "--bootstrap", "0", "--json"]) == 0
    printed = capsys.readouterr()
    assert "Warning: positions do not act alone" in printed.err
    assert json.loads(printed.out)["misfit"]["warning"]


def test_people_get_a_table_bars_and_a_picture(tmp_path: Path, capsys: Output) -> None:
    given, picture = sessions(tmp_path / "log.csv", first=1), tmp_path / "curve.svg"
    arguments = ["propensity", "--events", str(given), "--bootstrap", "20"]
    assert run([*arguments, "--picture", str(picture)]) == 0
    printed = capsys.readouterr()
    assert "█" in printed.out
    assert "bootstrap over queries" in printed.out
    assert "15,000 impressions" in printed.err
    drawn = ElementTree.parse(picture).getroot()
    assert drawn.attrib["aria-label"] == "How likely a position is looked at"


def test_one_query_is_remarked_upon(tmp_path: Path, capsys: Output) -> None:
    path = tmp_path / "one.csv"
    rows = [
        f"{s},ipad,{place},{(place + s) % 3},{(s + place) % (3 + place) == 0}"
        for s in range(600)
        for place in range(3)
    ]
    path.write_text("\n".join(["sess_id,query,rank,clicked_doc_id,clicked", *rows]))
    assert run(["propensity", "--events", str(path), "--bootstrap", "20"]) == 0
    assert "all clicks are of one query" in capsys.readouterr().err


def test_bad_files_are_refused_and_nothing_is_drawn(tmp_path: Path, capsys: Output) -> None:
    picture = tmp_path / "curve.svg"
    zero, one = sessions(tmp_path / "a.csv"), sessions(tmp_path / "b.csv", first=1)
    whole = gzip.compress(zero.read_bytes())
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(whole[: len(whole) // 2])
    clickless = tmp_path / "none.csv"
    clickless.write_text(zero.read_text().replace("True", "False"))
    top = tmp_path / "top.csv"
    lines = zero.read_text().splitlines()
    top.write_text("\n".join([lines[0], *(line for line in lines if line.split(",")[2] == "0")]))
    for files, message in (
        ([zero, one], "ranks begin at 0 in"),
        ([cut], "cut.csv.gz"),
        ([clickless], "no clicks"),
        ([top], "everything was shown at position 1"),
        ([tmp_path / "absent.csv"], "absent.csv"),
    ):
        arguments = [part for file in files for part in ("--events", str(file))]
        assert run(["propensity", *arguments, "--picture", str(picture)]) == 2, files
        error = capsys.readouterr().err
        assert message in error
        assert "Traceback" not in error
    assert not picture.exists()


def test_an_unknown_estimator_is_bad_input(tmp_path: Path, capsys: Output) -> None:
    assert run(["propensity", "--events", str(tmp_path), "--estimator", "naive"]) == 2
    assert "there are poisson, allpairs, em, chain" in capsys.readouterr().err


def test_the_picture_stays_within_its_frame_and_needs_no_color() -> None:
    drawn = simulate_counts(make_world(0, queries=40), click_model("joachims"), 5000)
    text = draw_curve(estimate(drawn, estimator(), bootstrap=20), "a < b & c")
    ElementTree.fromstring(text)
    points = re.findall(r"(-?[\d.]+),(-?[\d.]+)", text)
    assert all(0 <= float(x) <= 720 and 0 <= float(y) <= 400 for x, y in points)
    assert all(len(set(shade)) == 1 for shade in re.findall(r"#(\w{3})\b", text))


def test_bars_are_as_long_as_the_values() -> None:
    drawn = simulate_counts(make_world(0, queries=40), click_model("joachims"), 50_000)
    curve = estimate(drawn, estimator(), bootstrap=20)
    lengths = [bar.count("█") for bar in bars(curve, 100)]
    assert lengths[0] == 100
    assert lengths == [round(100 * value) for value in curve.propensities.values]
    assert report_json(curve, Misfit(""))["misfit"]["held_out"] is None


@pytest.mark.real
@pytest.mark.slow
def test_retrotech_is_looked_at_less_and_less(real_data: Path, capsys: Output) -> None:
    folder = real_data / "retrotech" / "sessions"
    assert run(["propensity", "--events", str(folder), "--bootstrap", "30", "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    curve = [row["propensity"] for row in found["positions"]]
    assert len(curve) == 30
    assert 0.45 < curve[1] < 0.65
    assert curve[:10] == sorted(curve[:10], reverse=True)
    tried = found["misfit"]["held_out"]["overall"]
    assert tried["both"] > max(tried["position_only"], tried["document_only"])


@pytest.mark.slow
def test_a_directory_of_parquet_tables_is_read(tmp_path: Path, capsys: Output) -> None:
    world = make_world(0, queries=40, candidates=8, depth=5)
    simulate_log(tmp_path, world, click_model("ultra"), 4000)
    assert run(["propensity", "--events", str(tmp_path), "--bootstrap", "20", "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["positions"][1]["propensity"] == pytest.approx(0.61 / 0.68, abs=0.15)
