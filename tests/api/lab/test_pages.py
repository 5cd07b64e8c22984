"""Every page of the lab: with nothing, with something, as HTML, CSV and SVG."""

from __future__ import annotations

import csv
import io
import re
import time
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import httpx
import pytest

from api.experiments.sqlite import FILE, SqliteStore
from api.lab.charts import draw_shares
from api.lab.finding import _fresh
from api.lab.models import serving_since
from api.lab.routes import PAGES
from eval.experiments import Arm, Experiment, Step
from tests.api.conftest import connected
from tests.api.lab.world import (
    BETTER,
    FORMULA,
    HOSTILE,
    NIGHT,
    QUERIES,
    WORSE,
    ready,
    report_of,
    sentence,
    try_something,
    write,
)
from training.registry import Change

COMPARE = f"/lab/runs/compare?a={WORSE}&b={BETTER}"


def export(path: str, file: str) -> str:
    place, _, query = path.partition("?")
    return f"{place.replace('/lab', '/lab/export', 1)}/{file}?{query}"


async def rows(client: httpx.AsyncClient, address: str) -> list[list[str]]:
    answer = await client.get(address)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8", answer.text
    return list(csv.reader(io.StringIO(answer.text)))


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("/lab", "aisle index"),
        ("/lab/runs", "aisle eval --data"),
        ("/lab/runs/compare", "aisle eval --data"),
        ("/lab/experiments", "aisle experiment create"),
        ("/lab/models", "aisle retrain --data"),
        ("/lab/propensity", "aisle propensity --events"),
        ("/lab/drift", "aisle drift --data"),
        ("/lab/learning-curve", "aisle train curve --data"),
    ],
)
async def test_a_page_without_data_says_what_to_run(
    tmp_path: Path, path: str, command: str
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    async with connected(data) as client:
        page = (await client.get(path)).text
    [typed, *_] = re.findall("<pre><code>(.*?)</code></pre>", page)
    # Every word is whole: options do not break at their hyphens.
    assert re.findall("<span>(.*?)</span>", typed) == re.sub("<.*?>", "", typed).split()
    assert re.sub("<.*?>", "", typed).startswith(command)
    assert str(data) in page
    assert "<table" not in page
    assert not list(data.glob("lab/*"))


async def test_the_command_that_the_propensity_page_names_fills_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    async with connected(data) as client:
        page = (await client.get("/lab/propensity")).text
        [typed, *_] = re.findall("<pre><code>(.*?)</code></pre>", page)
        _, place = re.sub("<.*?>", "", typed).split("&gt; ")
        row = {"position": 1, "propensity": 1.0, "low": 1.0, "high": 1.0}
        rows = [row, {**row, "position": 2, "propensity": 0.5}]
        write(Path(place), {"estimator": "poisson", "positions": rows, "misfit": {}})
        page = (await client.get("/lab/propensity")).text
    assert "Position 2 is looked at 50% as often as position 1, by aisle propensity" in page


async def test_the_overview_says_it_all_in_a_sentence_each(lab: httpx.AsyncClient) -> None:
    await ready(lab, "/lab/runs")
    page = (await lab.get("/lab")).text
    assert "1 of 1 experiment running: rollout-1." in page
    assert re.search(r"Model \w+ serves since .* \(a person chose it\)", page)
    assert "Train again: queries drifted." in page
    assert BETTER in page


async def test_runs_are_listed_the_newest_first_and_found_by_name(lab: httpx.AsyncClient) -> None:
    page = await ready(lab, "/lab/runs")
    assert sentence(page) == f"2 runs are kept; the newest is {BETTER}."
    assert re.findall('<th scope="row"[^>]*>([^<]*)', page) == [BETTER, WORSE]
    found = await rows(lab, export("/lab/runs?q=worse", "runs.csv"))
    assert [row[0] for row in found] == ["run", WORSE]
    assert found[1][3] == str(len(QUERIES))


async def test_two_runs_are_compared_in_a_sentence_tables_and_a_picture(
    lab: httpx.AsyncClient,
) -> None:
    page = await ready(lab, COMPARE)
    assert sentence(page).startswith(f"{BETTER} is better than {WORSE}: ndcg@10 +0.333 [+0.272")
    assert "p &lt; 0.001" in sentence(page)
    metrics = await rows(lab, export(COMPARE, "metrics.csv"))
    assert [row[0] for row in metrics] == ["metric", "ndcg@10", "mrr@10"]
    assert float(metrics[1][3]) == pytest.approx(40 / 60 * 0.5)
    assert metrics[1][-2:] == ["40", "0"]
    picture = await lab.get(export(COMPARE, "differences.svg"))
    drawn = ElementTree.fromstring(picture.content)
    assert len(drawn.findall("{*}rect")) == 1 + 40  # the paper, and a bar a query that moved


async def test_queries_are_paged_filtered_and_exported_whole(lab: httpx.AsyncClient) -> None:
    page = await ready(lab, COMPARE)
    assert "1–50 of 60" in page
    assert page.count("/lab/runs/query?") == 50
    assert "51–60 of 60" in (await lab.get(f"{COMPARE}&page=2")).text
    assert "51–60 of 60" in (await lab.get(f"{COMPARE}&page=2&metric=mrr@10")).text
    assert (await lab.get(f"{COMPARE}&find=KETTLE+1")).text.count("/lab/runs/query?") == 11
    assert "No query matches." in (await lab.get(f"{COMPARE}&find=%25")).text
    assert "No query matches." in (await lab.get(f"{COMPARE}&way=down")).text
    found = await rows(lab, export(COMPARE, "queries.csv"))
    assert len(found) == 1 + len(QUERIES)
    moved = [abs(float(row[3])) for row in found[1:]]
    assert moved == sorted(moved, reverse=True)


async def test_what_is_typed_by_shoppers_stays_text(lab: httpx.AsyncClient) -> None:
    page = await ready(lab, COMPARE)
    assert "<b onclick" not in page
    link = re.search(r'<a href="(/lab/runs/query\?[^"]+)">&lt;b onclick', page)
    assert link
    query = await lab.get(link[1].replace("&amp;", "&"))
    assert "“&lt;b onclick" in query.text
    assert "Steel &lt;i&gt;kettle&lt;/i&gt;" in query.text
    found = await rows(lab, export(COMPARE, "queries.csv"))
    texts = [row[0] for row in found]
    assert HOSTILE in texts
    assert f"'{FORMULA}" in texts


async def test_a_query_shows_both_lists_with_grades_and_places(lab: httpx.AsyncClient) -> None:
    await ready(lab, COMPARE)
    query = f"/lab/runs/query?a={WORSE}&b={BETTER}&q=kettle+30"
    assert "ndcg@10 is 0.500 with" in sentence((await lab.get(query)).text)
    assert await rows(lab, export(query, "a.csv")) == [
        ["place", "product", "grade", "in B"],
        ["1", "p3", "", "3"],
        ["2", "p2", "0.0", "2"],
        ["3", "Steel <i>kettle</i>", "3.0", "1"],
    ]
    missing = await lab.get(f"/lab/runs/query?a={WORSE}&b={BETTER}&q=nothing")
    assert missing.status_code == 404
    assert "were not scored on the query" in missing.text


async def test_runs_that_do_not_compare_are_refused_with_the_reason(tmp_path: Path) -> None:
    from eval import StoredRun, save_run

    data = tmp_path / "data"
    for name, gain in (("one", 1.0), ("two", 2.0)):
        gains = {"kettle": {"p1": gain}}
        run = StoredRun(name, "x", {"kettle": ("p1",)}, gains, ("kettle",), {"ndcg@10": (1.0,)})
        save_run(run, data / "runs" / name)
    async with connected(data) as client:
        page = await ready(client, "/lab/runs/compare?a=one&b=two")
        assert sentence(page) == "These runs could not be compared."
        assert "scored by different judgments" in page
        unknown = await client.get("/lab/runs/compare?a=one&b=../one")
        assert unknown.status_code == 404


async def test_an_experiment_shows_its_finding_as_it_narrows(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    try_something(data)
    write(data / "lab" / "experiment-rollout-1.json", report_of("rollout-1"))
    async with connected(data) as client:
        page = await ready(client, "/lab/experiments/rollout-1")
        assert sentence(page) == "next is better than now."
        assert "As of " in page
        assert "7 sessions were left out." in page
        assert "to see &lt;b&gt;it&lt;/b&gt;" in page
        for name in ("sequence-1", "shares"):
            picture = await client.get(export("/lab/experiments/rollout-1", f"{name}.svg"))
            assert ElementTree.fromstring(picture.content).tag.endswith("svg")
            assert b"@media (max-width: 480px) { text { font-size: 19px }" in picture.content
        counts = await rows(client, export("/lab/experiments/rollout-1", "counts.csv"))
        assert counts[1][:5] == ["now", "100", "80", "0.05", "20"]
        assert counts[1][-1] == "≤ 20"
        history = await rows(client, export("/lab/experiments/rollout-1", "history.csv"))
        assert [row[1] for row in history] == ["what", "share", "created"]
        assert "clicks a search (decides)" in page
        assert "next − now: clicks a search, as it narrows" in page
        assert (await client.get("/lab/experiments/nothing")).status_code == 404


async def test_what_a_stopped_experiment_found_is_computed_once_after_its_stop() -> None:
    now = time.time()
    running = Experiment("x", "ab", (Arm("a"), Arm("b")))
    assert _fresh(running, 120.0) == 120.0
    stopped = replace(running, status="stopped", stopped=now - 5_000)
    assert _fresh(stopped, 120.0) == pytest.approx(5_000, abs=60)
    # What was found while it ran, a moment ago, is no finding of the whole.
    assert _fresh(replace(stopped, stopped=time.time()), 120.0) < 60


async def test_a_rollout_that_was_taken_back_says_why_first(tmp_path: Path) -> None:
    try_something(tmp_path)
    store = SqliteStore(tmp_path / FILE)
    [made] = store.experiments()
    why = "1.4% of the requests failed"
    over = replace(made, status="stopped", share=0.0, stopped=NIGHT, reason=why)
    assert store.change(over, Step(NIGHT, made.name, "rolled back", why, 0.0), made)
    write(tmp_path / "lab" / "experiment-rollout-1.json", report_of("rollout-1"))
    async with connected(tmp_path) as client:
        page = await ready(client, "/lab/experiments/rollout-1")
        assert f"UTC: {why}. next is better than now." in page


async def test_an_experiment_is_shown_while_the_lab_computes_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.lab.jobs._MOST", 0)
    try_something(tmp_path)
    async with connected(tmp_path) as client:
        answer = await client.get("/lab/experiments/rollout-1")
        assert (answer.status_code, answer.text.count("try again in a minute")) == (200, 2)
        assert "guardrails held" in answer.text
        assert "clicks a search at least 80% of the baseline" in answer.text


def test_shares_are_written_as_they_are() -> None:
    steps = [(0.0, 0.05, "created"), (20.0, 0.0, "rolled back")]
    drawn = draw_shares(steps, 30.0, "slow", "from now")
    assert [f">{each}%<" in drawn for each in ("5", "3.75", "2.5", "1.25", "0")] == [True] * 5
    assert "from now: 1 min" in drawn


async def test_many_experiments_are_paged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.lab.text.PAGE", 5)
    data = tmp_path / "data"
    data.mkdir()
    try_something(data, count=7)
    async with connected(data) as client:
        page = (await client.get("/lab/experiments")).text
        assert "1–5 of 7" in page
        assert "6–7 of 7" in (await client.get("/lab/experiments?page=2")).text
        assert "None of 7" in (await client.get("/lab/experiments?page=99999999")).text
        assert len(await rows(client, "/lab/export/experiments/experiments.csv")) == 8
        assert 'aria-label="Parts of' not in (await client.get("/lab/experiments?q=-6")).text


async def test_a_model_shows_every_check_of_the_gate(lab: httpx.AsyncClient) -> None:
    [heads, model] = await rows(lab, "/lab/export/models/models.csv")
    assert dict(zip(heads, model, strict=True))["gate"] == "refused: judgments"
    page = (await lab.get(f"/lab/models/{model[0]}")).text
    assert sentence(page) == "The gate refused it: 1 of 1 check failed. It serves."
    assert "judgments: it may be worse" in page
    assert "eb-labels" in page
    assert (await lab.get("/lab/models/ffff")).status_code == 404


@pytest.mark.parametrize(
    ("path", "picture", "said"),
    [
        ("/lab/propensity", "curve", "Position 3 is looked at 33% as often as position 1"),
        ("/lab/drift", "drift", "Train again: queries drifted."),
        ("/lab/learning-curve", "learning-curve", "With 20 judged queries the linear model gains"),
    ],
)
async def test_what_was_learned_is_drawn(
    lab: httpx.AsyncClient, path: str, picture: str, said: str
) -> None:
    assert sentence((await lab.get(path)).text).startswith(said)
    drawn = await lab.get(export(path, f"{picture}.svg"))
    assert drawn.headers["content-type"] == "image/svg+xml"
    assert ElementTree.fromstring(drawn.content).get("aria-label")
    assert len(await rows(lab, export(path, f"{picture}.csv"))) > 1
    nothing = await lab.get(export(path, "nothing.csv"))
    assert nothing.status_code == 404


async def test_damaged_files_are_as_good_as_none(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for name in ("drift.json", "learning-curve.json", "lab/propensity.json"):
        write(data / name, ["not", "this"])
    async with connected(data) as client:
        for path in ("/lab", "/lab/drift", "/lab/learning-curve", "/lab/propensity"):
            assert (await client.get(path)).status_code == 200, path


async def test_pages_hold_no_script_and_no_style_and_are_not_kept(lab: httpx.AsyncClient) -> None:
    for path in PAGES:
        if "{" in path or path.endswith("query"):
            continue
        answer = await lab.get(path)
        assert answer.headers["cache-control"] == "no-store"
        assert not re.search(r"<script|<style|\sstyle=|\son\w+=|https?://(?!shop/)", answer.text)
        sheets = re.findall(r'rel="stylesheet" href="([^"]+)"', answer.text)
        assert [(await lab.get(sheet)).status_code for sheet in sheets] == [200, 200]
        assert answer.text.count("<h1>") == 1
        assert answer.text.count("<table") == answer.text.count("<caption>")


def test_a_model_that_was_put_there_by_hand_is_told_from_one_that_was_promoted() -> None:
    change = Change(60.0, "promote", "4f1a2b", "", "")
    assert serving_since("4f1a2b", [change]) == "Model 4f1a2b serves since 1970-01-01 00:01 UTC."
    assert (
        serving_since("c0ffee", [change]) == "Model c0ffee serves, put there without the registry."
    )
    assert serving_since(None, [change]) == "No model: the fused order serves."
