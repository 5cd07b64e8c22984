"""A ranking model from its file to the answer: over HTTP and from the command line."""

from __future__ import annotations

import asyncio
import math
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import orjson
import pytest
from numpy.typing import NDArray

from api.cli import run
from api.evaluation import IndexSearcher
from fixtures import Shop
from rankers import holder, load_model, model_checksum, save_model
from rankers.behavior import BehaviorMap, BehaviorStore
from rankers.features import FEATURES, NAMES, VERSION, compute
from rankers.scoring import Scorer
from search.build import open_search
from search.errors import AisleError
from search.ranking import pool
from search.retrieval import Trace
from search.seams import Facts
from search.settings import LimitSettings, MeaningSettings, RankingSettings, Settings
from search.types import FeatureTable, Pool, SearchRequest, Shopper
from tests.api.conftest import connected
from tests.rankers.models import make_model

CATEGORIES = tuple(name for name in NAMES if FEATURES[name].type == "category")


def write_model(path: Path, seed: int = 0, **given: Any) -> str:
    model = make_model(NAMES, VERSION, seed=seed, rounds=20, categories=CATEGORIES, **given)
    return save_model(model, path)[:12]


@pytest.fixture(scope="session")
def modeled(indexed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a model, for reading only."""
    data = tmp_path_factory.mktemp("modeled") / "data"
    shutil.copytree(indexed, data)
    write_model(data / "model.json", depth=50)
    return data


def patient(data: Path) -> AbstractAsyncContextManager[httpx.AsyncClient]:
    """A client of a server that gives every stage time, for a busy machine is slow, not wrong; and
    that moves nothing after the model."""
    limits, ranking = LimitSettings(stage_seconds=60), RankingSettings(out_of_stock="keep")
    return connected(data, limits=limits, ranking=ranking)


@asynccontextmanager
async def following(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server that looks for a new model all the time."""
    monkeypatch.setattr(holder, "POLL_SECONDS", 0.01)
    async with patient(data) as client:
        yield client


async def asked(client: httpx.AsyncClient, **parameters: Any) -> dict[str, Any]:
    answer = await client.get("/v1/search", params={"q": "steel kettle", **parameters})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def until_used(client: httpx.AsyncClient, version: str | None) -> None:
    for _ in range(1000):
        used = (await client.get("/readyz")).json()["model"]
        if (version is None and used is None) or (version and used and used.endswith(version)):
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"{version} was not taken up")


async def test_with_a_model_searches_are_ranked_unless_they_say_otherwise(modeled: Path) -> None:
    async with patient(modeled) as client:
        ready = (await client.get("/readyz")).json()
        ranked, hybrid = await asked(client, size=50), await asked(client, size=50, system="hybrid")
    model = load_model(modeled / "model.json")
    assert ready["model"] == f"noise {model_checksum(model)[:12]}"
    assert ready["fault"] is None
    assert ranked["system"] == "ranked"
    assert ranked["model"] == {"name": "noise", "version": model_checksum(model)[:12]}
    assert ranked["fallbacks"] == hybrid["fallbacks"] == ["no encoder: words only"]
    assert hybrid["model"] is None
    ids = [[hit["id"] for hit in body["hits"]] for body in (ranked, hybrid)]
    assert ids[0] != ids[1]
    assert sorted(ids[0]) == sorted(ids[1])


async def test_without_a_model_searches_are_hybrid(client: httpx.AsyncClient) -> None:
    body = await asked(client)
    assert body["system"] == "hybrid"
    assert body["model"] is None
    asked_for = await asked(client, system="ranked")
    assert "no ranking model: fused order" in asked_for["fallbacks"]
    assert [hit["id"] for hit in asked_for["hits"]] == [hit["id"] for hit in body["hits"]]


async def test_a_new_model_is_swapped_in_without_a_dropped_request(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = [write_model(data / "model.json", seed) for seed in (1, 2)]
    async with following(data, monkeypatch) as client:
        seen: list[str] = []
        stop = asyncio.Event()

        async def shop_on() -> None:
            while not stop.is_set():
                body = await asked(client, size=5)
                assert body["fallbacks"] == ["no encoder: words only"]
                seen.append(body["model"]["version"])

        shoppers = [asyncio.create_task(shop_on()) for _ in range(4)]
        await asyncio.sleep(0.2)
        third = write_model(data / "model.json", 3)
        await until_used(client, third)
        await asyncio.sleep(0.1)
        stop.set()
        await asyncio.gather(*shoppers)
    assert seen[0] == versions[1]
    assert seen[-1] == third
    assert set(seen) == {versions[1], third}


async def test_a_broken_model_leaves_the_old_one_serving_and_is_named(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = write_model(data / "model.json")
    async with following(data, monkeypatch) as client:
        await until_used(client, version)
        raw = (data / "model.json").read_bytes()
        (data / "model.json").write_bytes(raw[: len(raw) // 2])
        for _ in range(500):
            ready = await client.get("/readyz")
            if ready.json()["fault"]:
                break
            await asyncio.sleep(0.01)
        assert ready.status_code == 200
        assert "ends before its end" in ready.json()["fault"]
        assert ready.json()["model"] == f"noise {version}"
        assert (await asked(client))["model"]["version"] == version
        (data / "model.json").unlink()
        await until_used(client, None)
        assert (await asked(client))["system"] == "hybrid"


async def test_pages_go_on_in_one_order_though_the_model_is_replaced(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_model(data / "model.json", 1)
    async with following(data, monkeypatch) as client:
        whole = [hit["id"] for hit in (await asked(client, size=60))["hits"]]
        page = await asked(client, size=20)
        await until_used(client, write_model(data / "model.json", 2))
        found = [hit["id"] for hit in page["hits"]]
        while page["cursor"] and len(found) < 60:
            page = await asked(client, size=20, cursor=page["cursor"])
            found += [hit["id"] for hit in page["hits"]]
    assert found[:60] == whole


async def test_no_model_file_can_be_named_over_http(
    modeled: Path, client: httpx.AsyncClient
) -> None:
    for path in (modeled / "model.json", "model.json"):
        answer = await client.get("/v1/search", params={"q": "kettle", "system": f"ltr:{path}"})
        assert answer.status_code == 422
        posted = await client.post("/v1/search", json={"q": "a", "system": "ltr:model.json"})
        assert posted.status_code == 422


async def test_reasons_sum_to_the_score_and_the_greatest_come_first(modeled: Path) -> None:
    async with patient(modeled) as client:
        body = await asked(client, explain="true", size=100)
        assert all(hit["reasons"] is None for hit in (await asked(client))["hits"])
    explained = [hit["reasons"] for hit in body["hits"][:50]]
    assert all(hit["reasons"] is None for hit in body["hits"][50:])
    for reasons in explained:
        added = [each["contribution"] for each in reasons["features"]]
        assert sum(added) + reasons["base"] == pytest.approx(reasons["score"], abs=1e-6)
        assert [abs(each) for each in added] == sorted(map(abs, added), reverse=True)
        assert {each["feature"] for each in reasons["features"]} == set(NAMES)
    scores = [reasons["score"] for reasons in explained]
    assert scores == sorted(scores, reverse=True)


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


def bits(values: NDArray[np.float32]) -> bytes:
    """All there is to tell values apart by; there is one way to be unknown."""
    return np.where(np.isnan(values), np.float32(np.nan), values).tobytes()


async def assert_parity(data: Path, texts: list[str], store: BehaviorStore | None = None) -> None:
    """Features and scores as answers carry them, against those of training's own path, with what
    shoppers did where `store` has it."""

    def features(facts: Facts, known: Pool) -> FeatureTable:
        behavior = BehaviorMap(store).of(facts) if store else None
        return compute(facts, known, behavior=behavior)

    model = load_model(data / "model.json")
    scorer = Scorer.of(model)
    search = await open_search(Settings(data=data, meaning=MeaningSettings(encoder="none")))
    try:
        async with patient(data) as client:
            for text in texts:
                body = await asked(client, q=text, size=100, explain="true")
                view = await search.engine.view()
                request = SearchRequest(text)
                found = await search.systems["hybrid"].candidates(view, request, Trace())
                seen = await pool(view, found, Shopper())
                best = replace(seen, ranking=seen.ranking.head(model.depth))
                table = await view.compute(partial(features, known=best))
                scores = dict(zip(table.ordinals.tolist(), scorer.score(table.values), strict=True))
                rows = dict(zip(table.ordinals.tolist(), table.values, strict=True))
                explained = [hit for hit in body["hits"] if hit["reasons"]]
                assert len(explained) == min(model.depth, len(seen.ranking))
                for hit in explained:
                    ordinal = await view.find(hit["id"])
                    assert ordinal is not None
                    told = {each["feature"]: each["value"] for each in hit["reasons"]["features"]}
                    values = np.array(
                        [math.nan if told[name] is None else told[name] for name in NAMES],
                        np.float32,
                    )
                    assert bits(values) == bits(rows[ordinal])
                    assert hit["reasons"]["score"] == scores[ordinal]
    finally:
        await search.close()


async def test_features_and_scores_are_those_of_training_bit_for_bit(
    modeled: Path, shop: Shop
) -> None:
    texts = ["steel kettle", "kettle under $30", "lamp without shade", "blue", "kettel"]
    await assert_parity(modeled, [*texts, shop.products[3].title])


async def test_changed_products_have_the_same_features_in_both_too(data: Path) -> None:
    write_model(data / "model.json", depth=50)
    changes = [
        {"op": "upsert", "product": {"id": "new", "title": "steel kettle of today", "price": 9.5}},
    ]
    async with connected(data) as client:
        done = await client.post("/v1/products", json={"changes": changes})
        if done.status_code != 200:
            pytest.fail(done.text)
    await assert_parity(data, ["steel kettle", "kettle of today"])


def told(capfdbinary: pytest.CaptureFixture[bytes], *arguments: str | Path) -> tuple[int, str, str]:
    """Runs the command line here, for its processes would each load everything anew."""
    capfdbinary.readouterr()
    code = run([*map(str, arguments)])
    out, err = capfdbinary.readouterr()
    return code, out.decode(), err.decode()


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
    assert told(capfdbinary, "explain", "zither", "nobody", "--data", data)[0] == 1


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
    assert code == 1
    assert "aisle train" in err


async def test_an_evaluation_of_a_model_that_does_not_rank_stops(data: Path) -> None:
    search = await open_search(Settings(data=data, meaning=MeaningSettings(encoder="none")))
    try:
        with pytest.raises(AisleError, match="ranked did not rank 'kettle': no ranking model"):
            await IndexSearcher(search).run("ranked", ["kettle"], 10, None)
    finally:
        await search.close()
