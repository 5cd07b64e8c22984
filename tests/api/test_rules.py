"""The shop's rules over HTTP, on the real application: read, written, tried out and followed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import connected

QUERY = "kettle"


@pytest.fixture
async def client(data: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with connected(data) as client:
        yield client


async def hits(client: httpx.AsyncClient, query: str = QUERY, **parameters: Any) -> list[Any]:
    return list((await answer(client, query, **parameters))["hits"])


async def answer(client: httpx.AsyncClient, query: str = QUERY, **parameters: Any) -> Any:
    found = await client.get("/v1/search", params={"q": query, "size": 10, **parameters})
    assert found.status_code == 200, found.text
    return found.json()


def pin(product: str, position: int = 1, rule: str = "a", **members: Any) -> dict[str, Any]:
    when = members.pop("when", {"query": QUERY})
    return {"id": rule, "when": when, "pin": [{"id": product, "position": position}], **members}


async def put(client: httpx.AsyncClient, rule: dict[str, Any], **headers: str) -> httpx.Response:
    return await client.put(f"/v1/rules/{rule['id']}", json=rule, headers=headers)


async def test_a_rule_is_in_force_when_its_put_is_answered(client: httpx.AsyncClient) -> None:
    last = (await hits(client))[-1]["id"]
    done = await put(client, pin(last))
    assert (done.status_code, done.json()["rules"]) == (201, 1)
    found = await answer(client, explain="true")
    assert found["hits"][0]["id"] == last
    assert found["hits"][0]["moves"] == [{"rule": "a", "kind": "pin", "before": 10}]
    assert found["rules"] == ["a"]
    assert (await client.get("/v1/rules/a")).json()["pin"][0]["id"] == last
    again = await put(client, pin(last, 2))
    assert again.status_code == 200
    gone = await client.delete("/v1/rules/a")
    assert (gone.status_code, gone.json()["rules"]) == (200, 0)
    assert (await hits(client))[-1]["id"] == last


async def test_the_address_names_a_rule_that_does_not_name_itself(
    client: httpx.AsyncClient,
) -> None:
    rule = {name: value for name, value in pin("P1").items() if name != "id"}
    assert (await client.put("/v1/rules/a", json=rule)).status_code == 201
    assert (await client.get("/v1/rules/a")).json()["id"] == "a"


async def test_a_rule_holds_for_a_misspelled_query(client: httpx.AsyncClient) -> None:
    last = (await hits(client))[-1]["id"]
    await put(client, pin(last))
    found = await answer(client, "ketle")
    assert found["understanding"]["spelling"]["text"] == "kettle"
    assert found["hits"][0]["id"] == last


async def test_a_redirect_and_a_segment(client: httpx.AsyncClient) -> None:
    when = {"query": QUERY, "segment": "members"}
    await put(client, {"id": "sale", "when": when, "redirect": "/sale"})
    assert (await answer(client))["redirect"] is None
    assert (await answer(client, segments=["north", "members"]))["redirect"] == "/sale"
    asked = {"q": QUERY, "segments": ["members"]}
    assert (await client.post("/v1/search", json=asked)).json()["redirect"] == "/sale"


async def test_sponsored_hits_are_marked(client: httpx.AsyncClient) -> None:
    ids = [hit["id"] for hit in await hits(client)]
    paid = {"positions": [2], "ids": [ids[7]]}
    await put(client, {"id": "paid", "when": {"query": QUERY}, "sponsored": paid})
    found = await hits(client)
    assert [hit["id"] for hit in found if hit["sponsored"]] == [ids[7]]
    assert found[1]["id"] == ids[7]
    assert [hit["id"] for hit in found].count(ids[7]) == 1


async def test_suggested_products_have_no_paid_places(client: httpx.AsyncClient) -> None:
    asked = {"q": QUERY, "products": "true"}
    plain = (await client.get("/v1/suggest", params=asked)).json()["products"]
    last = (await hits(client))[-1]["id"]
    paid = {"positions": [1], "ids": [last]}
    await put(client, {"id": "paid", "when": "everywhere", "sponsored": paid})
    assert (await hits(client))[0]["id"] == last
    assert (await client.get("/v1/suggest", params=asked)).json()["products"] == plain


async def test_pages_of_a_search_agree_though_the_rules_change(client: httpx.AsyncClient) -> None:
    whole = [hit["id"] for hit in await hits(client, size=20)]
    await put(client, pin(whole[12], 2))
    first = await answer(client, size=5)
    await put(client, pin(whole[1], 15))
    second = await answer(client, size=15, cursor=first["cursor"])
    shown = [hit["id"] for hit in first["hits"] + second["hits"]]
    assert shown[1] == whole[12]
    assert sorted(shown) == sorted(whole)


async def test_all_rules_are_replaced_at_once(client: httpx.AsyncClient, data: Path) -> None:
    ids = [hit["id"] for hit in await hits(client)]
    rules = {"zone": "Europe/Berlin", "rule": [pin(ids[5]), pin(ids[6], 2, "b")]}
    done = await client.put("/v1/rules", json=rules)
    assert done.json()["rules"] == 2
    read = await client.get("/v1/rules")
    assert [each["id"] for each in read.json()["rule"]] == ["a", "b"]
    assert read.headers["etag"] == done.headers["etag"] == f'"{read.json()["version"]}"'
    assert 'zone = "Europe/Berlin"' in (data / "rules.toml").read_text()
    assert (await client.delete("/v1/rules")).json()["rules"] == 0


async def test_a_change_to_rules_that_were_changed_meanwhile_is_refused(
    client: httpx.AsyncClient,
) -> None:
    version = (await client.get("/v1/rules")).headers["etag"]
    await put(client, pin("P00001"))
    for refused in (
        await put(client, pin("P00002"), **{"If-Match": version}),
        await client.delete("/v1/rules/a", headers={"If-Match": version}),
        await client.put("/v1/rules", json={"rule": []}, headers={"If-Match": version}),
    ):
        assert refused.status_code == 412
        assert refused.json()["type"] == "urn:aisle:problem:outdated"
    fresh = (await client.get("/v1/rules")).headers["etag"]
    assert (await put(client, pin("P00002"), **{"If-Match": fresh})).status_code == 200


async def test_changes_at_the_same_time_are_all_kept(client: httpx.AsyncClient) -> None:
    await asyncio.gather(*(put(client, pin("P00001", n, f"r{n}")) for n in range(1, 9)))
    rules = (await client.get("/v1/rules")).json()["rule"]
    assert sorted(each["id"] for each in rules) == [f"r{n}" for n in range(1, 9)]


@pytest.mark.parametrize(
    ("rule", "parts"),
    [
        ({"id": "a", "when": "everywhere"}, ["'a'", "does nothing"]),
        (pin("P1", 0), ["'a'", "pin 1, position"]),
        (pin("P1", boost=[{"filters": [{"name": "colour", "values": ["red"]}], "weight": 1}]),
         ["'a'", "colour", "color"]),
        (pin("P1", sponsored={"positions": [2], "ids": ["P2"], "most": 9}), ["sponsored_per_page"]),
        (pin("P1", unheard=1), ["unheard", "known are"]),
    ],
)  # fmt: skip
async def test_a_rule_that_cannot_be_used_changes_nothing(
    client: httpx.AsyncClient, data: Path, rule: dict[str, Any], parts: list[str]
) -> None:
    refused = await put(client, rule)
    assert refused.status_code == 422
    assert all(part in refused.json()["detail"] for part in parts), refused.text
    assert not (data / "rules.toml").exists()


async def test_requests_that_make_no_sense_are_refused(client: httpx.AsyncClient) -> None:
    assert (await client.put("/v1/rules/b", json=pin("P1"))).status_code == 422
    assert (await client.put("/v1/rules/a", content="{")).status_code == 415
    assert (await client.get("/v1/rules/never")).status_code == 404
    assert (await client.delete("/v1/rules/never")).status_code == 404
    headers = {"Content-Type": "application/json"}
    broken = await client.put("/v1/rules/a", content="{", headers=headers)
    assert broken.status_code == 400


async def test_a_file_that_the_settings_name_and_is_not_there_is_told(
    data: Path, tmp_path: Path
) -> None:
    path = tmp_path / "nope.toml"
    async with connected(data, rules={"file": path}) as client:
        ready = (await client.get("/readyz")).json()
        assert ready["rules"] == 0
        assert f"there is no file {path}, which [rules] file names" in ready["rules_fault"]
        assert "aisle_rules_refused 1.0" in (await client.get("/metrics")).text
        assert (await put(client, pin("P1"))).status_code == 201
        assert (await client.get("/readyz")).json()["rules_fault"] is None


async def test_rules_are_for_those_with_a_key(data: Path) -> None:
    async with connected(data, api_keys=["secret"]) as client:
        for refused in (
            await client.get("/v1/rules"),
            await put(client, pin("P1")),
            await client.delete("/v1/rules"),
            await client.post("/v1/rules/preview", json={}),
        ):
            assert refused.status_code == 401
        key = {"X-API-Key": "secret"}
        assert (await put(client, pin("P1"), **key)).status_code == 201
        elsewhere = {**key, "Origin": "https://evil.example"}
        assert (await put(client, pin("P1"), **elsewhere)).status_code == 403


async def test_a_preview_says_what_moves_and_keeps_nothing(
    client: httpx.AsyncClient, data: Path
) -> None:
    ids = [hit["id"] for hit in await hits(client)]
    body = {"search": {"q": "ketle", "size": 5}, "rule": pin(ids[3])}
    found = (await client.post("/v1/rules/preview", json=body)).json()
    assert [hit["id"] for hit in found["before"]["hits"]] == ids[:5]
    assert [hit["id"] for hit in found["after"]["hits"]] == [ids[3], *ids[:3], ids[4]]
    assert found["after"]["hits"][0]["moves"] == [{"rule": "a", "kind": "pin", "before": 4}]
    shifts = {each["id"]: (each["before"], each["after"]) for each in found["shifts"]}
    assert shifts == {ids[3]: (4, 1), ids[0]: (1, 2), ids[1]: (2, 3), ids[2]: (3, 4)}
    assert not (data / "rules.toml").exists()


async def test_a_preview_may_be_of_another_day_or_of_all_rules(client: httpx.AsyncClient) -> None:
    ids = [hit["id"] for hit in await hits(client)]
    later = {**pin(ids[4]), "from": "2031-05-01", "until": "2031-05-02"}
    body: dict[str, Any] = {"search": {"q": QUERY}, "rules": {"rule": [later]}}
    for day, expected in ((None, []), ("2031-05-02", ["a"]), ("2031-05-03", [])):
        found = (await client.post("/v1/rules/preview", json={**body, "at": day})).json()
        assert found["after"]["rules"] == expected
    await put(client, pin(ids[2]))
    without = (await client.post("/v1/rules/preview", json={"search": {"q": QUERY}})).json()
    assert (without["before"]["rules"], without["after"]["rules"]) == ([], ["a"])
    refused = await client.post("/v1/rules/preview", json={"rule": {"id": "x"}})
    assert refused.status_code == 422


async def test_a_file_changed_by_hand_is_followed_and_a_broken_one_is_told(
    client: httpx.AsyncClient, data: Path
) -> None:
    last = (await hits(client))[-1]["id"]
    good = f'[[rule]]\nid = "a"\nwhen = "everywhere"\npin = [{{ id = "{last}", position = 1 }}]'
    (data / "rules.toml").write_text(good)
    await eventually(client, lambda ready: ready["rules"] == 1)
    assert (await hits(client))[0]["id"] == last
    (data / "rules.toml").write_text("[[rule")
    await eventually(client, lambda ready: ready["rules_fault"] is not None)
    assert (await hits(client))[0]["id"] == last
    metrics = (await client.get("/metrics")).text
    assert "aisle_rules 1.0" in metrics
    assert "aisle_rules_refused 1.0" in metrics


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[rule\nid = 1", "line 1"),
        ('# ours\n\n[[rule]]\nid = "a"\nwhen = "everywhere"\nredirekt = "/b"', "line 6: rule 'a'"),
    ],
)
async def test_a_broken_file_is_no_fault_of_who_asks_and_can_be_replaced(
    client: httpx.AsyncClient, data: Path, text: str, told: str
) -> None:
    (data / "rules.toml").write_text(text)
    asked = [
        client.get("/v1/rules"),
        client.get("/v1/rules/a"),
        client.put("/v1/rules/b", json=pin("P1", rule="b")),
        client.delete("/v1/rules/a"),
        client.post("/v1/rules/preview", json={"search": {"q": QUERY}}),
    ]
    for answer in await asyncio.gather(*asked):
        assert answer.status_code == 409, answer.text
        problem = answer.json()
        assert problem["type"] == "urn:aisle:problem:rules-unusable"
        for part in ("rules.toml", told, "PUT /v1/rules"):
            assert part in problem["detail"]
    assert (data / "rules.toml").read_text() == text
    # What the request itself has wrong stays its own fault.
    assert (await client.put("/v1/rules", json={"rule": [{}]})).status_code == 422
    assert (await client.put("/v1/rules", json={"rule": [pin("P1")]})).status_code == 200
    assert (await client.get("/v1/rules")).status_code == 200


async def eventually(client: httpx.AsyncClient, holds: Any) -> None:
    for _ in range(100):
        if holds((await client.get("/readyz")).json()):
            return
        await asyncio.sleep(0.05)
    pytest.fail("nothing happened in five seconds")


async def test_rules_may_be_turned_off(data: Path) -> None:
    async with connected(data, rules={"enabled": False}) as client:
        refused = await client.get("/v1/rules")
        assert refused.status_code == 422
        assert "turned off" in refused.json()["detail"]


async def test_plain_systems_heed_no_rules(client: httpx.AsyncClient) -> None:
    last = (await hits(client, system="bm25-raw"))[-1]["id"]
    await put(client, pin(last))
    assert (await hits(client, system="bm25-raw"))[-1]["id"] == last
    assert (await hits(client, system="bm25"))[0]["id"] == last
