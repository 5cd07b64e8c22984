"""A cross-encoder from its directory to the answer: over HTTP and from the command line."""

from __future__ import annotations

import re
import shutil
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import orjson
import pytest

from search.encoder import OnnxEncoder
from search.settings import LimitSettings, RankingSettings
from tests.api.conftest import Run, connected
from tests.api.logged import rows
from tests.api.modeled import asked, write_model
from tests.search.cross_encoders import make_cross_encoder


@pytest.fixture(scope="module")
def read(indexed: Path, encoder: OnnxEncoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a model and a cross-encoder, for reading only."""
    data = tmp_path_factory.mktemp("read") / "data"
    shutil.copytree(indexed, data)
    write_model(data / "model.json", depth=50)
    make_cross_encoder(encoder, data, "kettle", weight=20.0)
    return data


def patient(data: Path, **ranking: object) -> AbstractAsyncContextManager[httpx.AsyncClient]:
    """A client of a server that gives every stage time, and moves nothing afterwards."""
    chosen = RankingSettings.model_validate({"out_of_stock": "keep", **ranking})
    return connected(data, limits=LimitSettings(stage_seconds=60), ranking=chosen)


async def test_the_answer_tells_what_was_read_and_how_long_it_took(read: Path) -> None:
    async with patient(read) as client:
        before = await asked(client, size=50)
    async with patient(read, cross_encoder="cross") as client:
        body = await asked(client, size=50, explain=True)
        plain = await client.get("/v1/search", params={"q": "steel kettle"})
        ready = (await client.get("/readyz")).json()
        metrics = (await client.get("/metrics")).text
    ids = [[hit["id"] for hit in each["hits"]] for each in (before, body)]
    assert ids[0][:20] != ids[1][:20]
    assert sorted(ids[0][:20]) == sorted(ids[1][:20])
    assert ids[0][20:] == ids[1][20:]
    assert body["model"] == before["model"]
    assert body["fallbacks"] == ["no encoder: words only"]
    places = [{each["stage"]: each for each in hit["why"]}["cross_encoder"] for hit in body["hits"]]
    assert sorted(each["rank"] for each in places[:20]) == list(range(1, 21))
    assert all(each["rank"] is None and each["score"] is None for each in places[20:])
    assert body["timings_ms"]["read"] > 0
    assert "read;dur=" in plain.headers["Server-Timing"]
    assert 'aisle_stage_seconds_count{stage="read"} 2.0' in metrics
    assert (ready["cross_encoder_fault"], ready["away"]) == (None, [])
    assert (before["cross_encoder"], body["cross_encoder"]) == (None, "cross")
    assert ready["cross_encoders"] == ["cross"]
    assert "aisle_cross_encoder_fault 0.0" in metrics
    logged = {row["search_id"]: row["attributes"] for row in rows(read, "searches")}
    assert orjson.loads(logged[body["query_id"]])["cross_encoder"] == "cross"
    assert "cross_encoder" not in orjson.loads(logged[before["query_id"]])


async def test_one_that_is_not_there_is_told_by_readyz_and_answers_go_on(read: Path) -> None:
    async with patient(read) as client:
        before = await asked(client, size=50)
    async with patient(read, cross_encoder="gone") as client:
        body = await asked(client, size=50)
        ready = await client.get("/readyz")
        metrics = (await client.get("/metrics")).text
    assert (body["cross_encoder"], ready.json()["cross_encoders"]) == (None, ["gone"])
    assert "aisle_cross_encoder_fault 1.0" in metrics
    assert body["fallbacks"][1:] == ["no cross-encoder: ranked order"]
    assert [hit["id"] for hit in body["hits"]] == [hit["id"] for hit in before["hits"]]
    assert ready.status_code == 200
    assert "encoders/gone" in ready.json()["cross_encoder_fault"]


def test_sentences_say_where_it_has_a_product(
    read: Path, cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AISLE_RANKING__CROSS_ENCODER", "cross")
    at = ("--data", read)
    hits = orjson.loads(cli("search", "steel kettle", "--size", "50", "--json", *at)[1])["hits"]
    code, out, err = cli("explain", "steel kettle", hits[0]["id"], *at)
    assert code == 0, err
    assert "Among the hits that the cross-encoder read, it is number 1 by its title." in out
    assert re.search(
        r"It scores \S+ there, which adds \S+ at its weight of 20,", " ".join(out.split())
    )
    assert "cross-encoder" not in cli("explain", "steel kettle", hits[30]["id"], *at)[1]


def test_where_it_and_the_model_disagree_the_sentences_say_so(
    read: Path, cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AISLE_RANKING__CROSS_ENCODER", "cross")
    at = ("--data", read)
    out = cli("search", "steel kettle", "--size", "20", "--explain", "--json", *at)[1]
    hits = {hit["id"]: hit["reasons"]["score"] for hit in orjson.loads(out)["hits"]}
    (first, score), *_ = hits.items()
    better = next(each for each, of in hits.items() if of > score)
    out = cli("explain", "steel kettle", better, "--above", first, *at)[1]
    assert f"The model itself has {better} above it by {hits[better] - score:.3f}." in out


def test_an_evaluation_stops_where_nothing_reads(
    data: Path, shop_files: Path, cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AISLE_SYSTEMS__READ__BASE", "bm25")
    monkeypatch.setenv("AISLE_SYSTEMS__READ__RANKING__CROSS_ENCODER", "gone")
    judged = ("--judgments", shop_files / "judgments.csv", "--data", data)
    code, _, err = cli("eval", *judged, "--systems", "bm25,read")
    assert code == 1
    assert "read has no cross-encoder to order by" in " ".join(err.split())
