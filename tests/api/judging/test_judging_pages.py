"""The judging page's requests, on the real application: blind, acknowledged, and refused."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.judging.answers import AnswerLogs
from tests.api.conftest import connected
from tests.api.judging.worlds import POOLS, grade, lamps

WORK, ANSWERS = "/lab/judge/lamps/work", "/lab/judge/lamps/answers"
RESULTS = "/lab/judge/lamps/results"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Of a server without any index: judging needs none."""
    lamps(tmp_path)
    async with connected(tmp_path) as client:
        yield client


def body(number: int = 1, **members: Any) -> dict[str, Any]:
    given = {"id": f"answer-{number:04}", "rater": "Ana", "action": "grade"}
    return {**given, "query": 0, "product": "l1", "grade": 2, **members}


async def work(client: httpx.AsyncClient, rater: str = "Ana", **query: int) -> Any:
    found = await client.get(WORK, params={"rater": rater, **query})
    assert found.status_code == 200, found.text
    return found.json()


def ids(found: Any) -> list[str]:
    return [each["id"] for each in found["query"]["products"]]


async def test_products_are_shown_blind_and_in_the_raters_own_order(
    client: httpx.AsyncClient,
) -> None:
    found = await client.get(WORK, params={"rater": "Ana"})
    assert "secret" not in found.text
    assert not {"system", "systems", "rank", "score"} & set(found.json()["query"]["products"][0])
    assert found.json()["query"]["products"][0]["title"].startswith("Title of l")
    orders = {tuple(ids(await work(client, f"rater {n}"))) for n in range(12)}
    assert len(orders) > 1
    assert all(set(order) == set(POOLS["lamp"]) for order in orders)
    assert ids(await work(client, " ANA ")) == ids(found.json())


async def test_an_answer_is_on_disk_when_it_is_acknowledged(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    done = await client.post(ANSWERS, json=body())
    assert done.status_code == 200, done.text
    assert done.json()["answers"] == {"l1": 2, "l2": None, "l3": None}
    assert done.json()["progress"] == {"total": 5, "graded": 1, "skipped": 0, "done": False}
    log = (tmp_path / "judging" / "lamps" / "answers" / "ana.jsonl").read_text()
    assert '"product":"l1","grade":2' in log


async def test_a_rater_goes_on_where_they_stopped(client: httpx.AsyncClient) -> None:
    for number, product in enumerate(POOLS["lamp"]):
        await client.post(ANSWERS, json=body(number, product=product))
    found = await work(client)
    assert (found["query"]["number"], found["query"]["text"]) == (1, "kettle")
    assert (await work(client, "Bob"))["query"]["number"] == 0
    skip = body(8, action="skip", query=1, product="k1", grade=None)
    await client.post(ANSWERS, json=skip)
    await client.post(ANSWERS, json=body(9, query=1, product="k2"))
    found = await work(client)
    assert (found["query"], found["skipped_query"], found["progress"]["done"]) == (None, 1, True)
    undone = (await client.post(ANSWERS, json={**body(10), "action": "undo"})).json()
    assert (undone["query"], undone["product"]) == (1, "k2")
    assert undone["answers"] == {"k1": "skip", "k2": None}


async def test_another_window_of_the_rater_catches_up(client: httpx.AsyncClient) -> None:
    await client.post(ANSWERS, json=body(1, product="l1", grade=0))
    other = (await client.post(ANSWERS, json=body(2, product="l2", grade=3))).json()
    assert other["answers"] == {"l1": 0, "l2": 3, "l3": None}
    again = (await client.post(ANSWERS, json=body(2, product="l2", grade=3))).json()
    assert again["progress"]["graded"] == 2


@pytest.mark.parametrize(
    ("members", "status", "said"),
    [
        ({"grade": 4}, 422, "grade must be a whole number from 0 to 3"),
        ({"grade": -1}, 422, "from 0 to 3"),
        ({"grade": None}, 422, "from 0 to 3"),
        ({"grade": True}, 422, "grade"),
        ({"grade": 1.5}, 422, "grade"),
        ({"query": 2}, 404, "no query 2; they are counted from 0 to 1"),
        ({"query": None}, 404, "no query"),
        ({"product": "k1"}, 404, "'k1' is not among the products of that query"),
        ({"product": None}, 404, "not among"),
        ({"rater": " "}, 422, "cannot name a rater"),
        ({"action": "guess"}, 422, "action"),
        ({"id": "x"}, 422, "id"),
        ({"system": "bm25"}, 422, "system"),
    ],
)
async def test_an_answer_that_cannot_be_one_is_refused(
    client: httpx.AsyncClient, tmp_path: Path, members: dict[str, Any], status: int, said: str
) -> None:
    refused = await client.post(ANSWERS, json=body(**members))
    assert refused.status_code == status
    assert refused.headers["content-type"] == "application/problem+json"
    assert said in refused.json()["detail"]
    assert list((tmp_path / "judging" / "lamps" / "answers").iterdir()) == []


async def test_what_is_not_there_is_not_found(client: httpx.AsyncClient) -> None:
    for path in (
        "/lab/judge/none",
        "/lab/judge/none/work?rater=a",
        "/lab/judge/..%2f/work?rater=a",
    ):
        assert (await client.get(path)).status_code == 404, path
    assert (await client.get(WORK, params={"rater": "a", "query": 9})).status_code == 404
    assert (await client.get(WORK, params={"rater": "a", "query": "x"})).status_code == 422
    assert (await client.get(WORK)).status_code == 422
    assert (await client.post("/lab/judge/none/answers", json=body())).status_code == 404
    assert (await client.post(ANSWERS, content=b"no")).status_code == 415


async def test_pages_of_other_sites_cannot_answer(client: httpx.AsyncClient) -> None:
    refused = await client.post(ANSWERS, json=body(), headers={"origin": "http://evil.example"})
    assert refused.status_code == 403
    own = await client.post(ANSWERS, json=body(), headers={"origin": "http://shop"})
    assert own.status_code == 200


async def test_judging_needs_the_key_where_one_is_set(tmp_path: Path) -> None:
    lamps(tmp_path)
    async with connected(tmp_path, api_keys="hush") as client:
        asked = await client.get("/lab/judge/lamps")
        assert asked.status_code == 401
        assert 'name="key"' in asked.text
        assert (await client.get(WORK, params={"rater": "Ana"})).status_code == 401
        assert (await client.post(ANSWERS, json=body())).status_code == 401
        known = httpx.BasicAuth("ana", "hush")
        assert (await client.get("/lab/judge/lamps", auth=known)).status_code == 200
        assert (await client.post(ANSWERS, json=body(), auth=known)).status_code == 200


async def test_what_others_gave_is_shown_to_raters_who_are_done(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    task = lamps(tmp_path, name="other")
    everything = {(query, each): 1 for query, pool in POOLS.items() for each in pool}
    grade(tmp_path, task, "Bob", {pair: n % 4 for n, pair in enumerate(everything)})
    path = "/lab/judge/other/results"
    early = await client.get(path, params={"rater": "Ana"})
    assert early.status_code == 422
    assert "Ana has 5 products left to judge" in early.text
    unasked = await client.get(path)
    assert "judge first, then look" in unasked.text
    assert "Bob" not in early.text + unasked.text
    grade(tmp_path, task, "Ana", everything)
    shown = await client.get(path, params={"rater": "Ana"})
    assert "5 of 5 products are graded, 5 of them by two raters or more" in shown.text
    assert "Title of l1" in shown.text
    [typed] = re.findall("<pre><code>(.*?)</code></pre>", shown.text)
    exported = re.sub("<.*?>", "", typed)
    assert exported == f"aisle judge export other --out other.csv --data {tmp_path}"
    file = await client.get("/lab/export/judge/other/results/disagreed.csv?rater=Ana")
    assert file.text.splitlines()[0] == "query,product,Ana,Bob"
    assert "Bob 5/5" in (await client.get("/lab/judge")).text


async def test_titles_stay_when_products_are_gone(data: Path) -> None:
    lamps(data)
    async with connected(data) as client:
        found = await work(client)
        gone = await client.get("/v1/products/l1")
    assert gone.status_code == 404
    assert {each["title"] for each in found["query"]["products"]} == {
        f"Title of {each}" for each in POOLS["lamp"]
    }


async def test_a_task_that_cannot_be_read_leaves_the_others(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    lamps(tmp_path, name="broken")
    (tmp_path / "judging" / "broken" / "task.json").write_text("{")
    listed = await client.get("/lab/judge")
    assert listed.status_code == 200
    assert "/lab/judge/lamps" in listed.text
    assert "broken/task.json cannot be read" in listed.text
    refused = await client.get("/lab/judge/broken")
    assert refused.status_code == 500
    assert "cannot be read" in refused.text


async def test_the_lab_turned_off_takes_judging_with_it(tmp_path: Path) -> None:
    task = lamps(tmp_path)
    async with connected(tmp_path, lab={"enabled": False}) as client:
        assert (await client.get("/lab/judge/lamps")).status_code == 404
        assert (await client.post(ANSWERS, json=body())).status_code == 404
    assert AnswerLogs(tmp_path, task).raters() == []
