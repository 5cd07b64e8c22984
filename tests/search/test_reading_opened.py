"""A search that reads, opened as settings say: which systems read, with what, and without it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from search.build import Search, open_search
from search.cross_encoder import CrossEncoder, open_cross_encoder
from search.encoder import OnnxEncoder
from search.settings import Settings
from search.types import Interleaving, Product, Scores, SearchRequest, SearchResponse, Treatment
from tests.search.cross_encoders import make_cross_encoder
from tests.search.engines import shops

COLORS = ("red", "blue", "green", "white")
PRODUCTS = [Product(f"k{i:02}", f"kettle {COLORS[i % 4]}" + " steel" * (i // 4)) for i in range(40)]
REQUEST = SearchRequest("kettle", size=40, explain=True)
NO_VECTORS = "no encoder: words only"
READ = {"cross_encoder": "cross"}


@pytest.fixture(scope="module")
def indexed(encoder: OnnxEncoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a cross-encoder that likes what is blue."""
    data = tmp_path_factory.mktemp("read")
    shops.build(data, PRODUCTS)
    make_cross_encoder(encoder, data, "blue kettle", weight=50.0)
    return data


@asynccontextmanager
async def opened(
    data: Path, ranking: Mapping[str, Any] = READ, **systems: Mapping[str, Any]
) -> AsyncIterator[Search]:
    settings = Settings.model_validate(
        {"data": data, "ranking": ranking, "systems": systems, "limits": {"stage_seconds": 30}}
    )
    search = await open_search(settings)
    try:
        yield search
    finally:
        await search.close()


async def asked(search: Search, system: str | None = None, **more: Any) -> SearchResponse:
    return await search.search(replace(REQUEST, system=system, **more))


def ids(answer: SearchResponse) -> list[str]:
    return [hit.product.id for hit in answer.hits]


def is_read(answer: SearchResponse) -> bool:
    return any(each.stage == "cross_encoder" for hit in answer.hits for each in hit.why)


async def test_a_cross_encoder_that_the_settings_name_moves_the_best_hits(indexed: Path) -> None:
    async with opened(indexed, {}) as search:
        before = await asked(search)
        assert not search.readers
    async with opened(indexed) as search:
        answer = await asked(search)
        assert {name: one.fault for name, one in search.readers.items()} == {"cross": None}
    assert (before.system, answer.system) == ("hybrid", "ranked")
    assert answer.fallbacks == (NO_VECTORS,)  # it needs no model beside it
    assert sorted(ids(answer)[:20]) == sorted(ids(before)[:20])
    assert ids(answer)[20:] == ids(before)[20:]
    titles = [hit.product.title for hit in before.hits[:20]]
    scores = open_cross_encoder(indexed, "cross").scores("kettle", titles)
    assert [hit.product.title for hit in answer.hits[:20]] == [
        titles[i] for i in np.argsort(-scores)
    ]
    assert "blue" in answer.hits[0].product.title
    assert not is_read(before)
    assert is_read(answer)


async def test_the_systems_of_words_and_meaning_are_not_read(indexed: Path) -> None:
    async with opened(indexed) as search:
        read = {name for name in search.systems if is_read(await asked(search, name))}
    assert read == {"ranked", "ranked-raw"}


async def test_a_system_of_the_shops_own_reads_as_its_table_says(indexed: Path) -> None:
    tables: dict[str, Any] = {
        "like": {},
        "off": {"ranking": {"cross_encoder": ""}},
        "three": {"ranking": {"read": 3}},
        "plain": {"base": "hybrid"},
        "words": {"base": "bm25", "ranking": READ},
    }
    async with opened(indexed, READ, **tables) as search:
        found = {name: await asked(search, name) for name in (*tables, "ranked", "bm25")}
        assert len(search.readers) == 1
    assert {name for name, each in found.items() if is_read(each)} == {
        *("like", "three", "words", "ranked")
    }
    assert ids(found["like"]) == ids(found["ranked"])
    assert ids(found["three"])[3:] == ids(found["bm25"])[3:]
    assert ids(found["three"])[:3] != ids(found["bm25"])[:3]
    assert ids(found["words"]) == ids(found["ranked"])
    assert NO_VECTORS not in found["words"].fallbacks


@pytest.mark.parametrize("wrong", [{"cross_encoder": "../cross"}, {"read": 1}, {"read": 101}])
def test_what_cannot_be_named_or_read_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"ranking": wrong})


async def test_interleaved_systems_read_each_as_its_own(indexed: Path) -> None:
    tables: dict[str, Any] = {"off": {"base": "bm25"}, "on": {"base": "bm25", "ranking": READ}}
    plan = Interleaving("team-draft", ("a", "b"), ("off", "on"), 1)
    async with opened(indexed, {}, **tables) as search:
        off, on = await asked(search, "off"), await asked(search, "on")
        treated = Treatment(("test",), ("",), interleaving=plan)
        both = await asked(search, treatment=treated, id="s")
    assert both.teams is not None
    assert {"a", "b"} <= set(both.teams.teams)
    for product, ranks in zip(ids(both), both.teams.ranks, strict=True):
        assert ranks == (ids(off).index(product) + 1, ids(on).index(product) + 1)


async def test_further_pages_are_those_of_one_order(indexed: Path) -> None:
    async with opened(indexed) as search:
        whole, found = ids(await asked(search)), list[str]()
        cursor: str | None = None
        while not found or cursor:
            answer = await asked(search, size=7, cursor=cursor)
            assert answer.system == "ranked"
            found, cursor = found + ids(answer), answer.cursor
    assert found == whole


@pytest.mark.parametrize("harm", ["missing", "altered", "cut", "of single texts"])
async def test_one_that_cannot_be_opened_is_named_and_taken_up_once_it_can(
    harm: str,
    indexed: Path,
    encoder: OnnxEncoder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    data = shutil.copytree(indexed, tmp_path / "data")
    made = data / "encoders" / "cross"
    if harm == "altered":
        (made / "head.npy").write_bytes(bytes(8))
    elif harm == "cut":
        raw = (made / "model.onnx").read_bytes()
        (made / "model.onnx").write_bytes(raw[: len(raw) // 2])
    else:
        shutil.rmtree(made)
        if harm == "of single texts":
            shutil.copytree(encoder.directory, made)
    async with opened(data) as search:
        (reader,) = search.readers.values()
        assert reader.fault is not None
        assert "aisle train cross-encoder" in reader.fault
        answer = await asked(search)
        assert ids(answer) == ids(await asked(search, "bm25"))
        assert answer.fallbacks == (NO_VECTORS, "no cross-encoder: ranked order")
        assert sum(reader.fault in each.message for each in caplog.records) == 1
        shutil.rmtree(made, ignore_errors=True)
        shutil.copytree(indexed / "encoders" / "cross", made)
        monkeypatch.setattr("search.encoders.RETRY_SECONDS", 0.0)
        healed = await asked(search)
        assert healed.fallbacks == (NO_VECTORS,)
        assert {one.fault for one in search.readers.values()} == {None}
        assert is_read(healed)


async def test_what_was_read_is_remembered_while_serving(
    indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings.model_validate({"data": indexed, "ranking": READ})
    scores = CrossEncoder.scores
    for kept, times in ((100, 1), (0, 2)):
        read: list[int] = []

        def counted(
            self: CrossEncoder, query: str, texts: Sequence[str], read: list[int] = read
        ) -> Scores:
            read.append(len(texts))
            return scores(self, query, texts)

        with monkeypatch.context() as patched:
            patched.setattr(CrossEncoder, "scores", counted)
            search = await open_search(settings, query_cache=kept)
            answers = [await asked(search) for _ in range(2)]
            await search.close()
        assert ids(answers[0]) == ids(answers[1])
        assert [each for each in read if each > 1] == [20] * times


async def test_many_at_once_are_each_read(indexed: Path) -> None:
    async with opened(indexed) as search:
        alone = ids(await asked(search))
        found = await asyncio.gather(*(asked(search) for _ in range(12)))
    assert all(ids(each) == alone for each in found)
