"""The pipeline over a real index: what is found, counted and paged, and what it falls back to."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from query.text import words
from query.understanding import Understanding
from search.engines import ENGINES
from search.engines.embedded.view import EmbeddedView
from search.errors import EncoderUnavailable
from search.fusion import FUSIONS
from search.pipeline import Pipeline
from search.retrieval import Retrieval
from search.seams import Encoder
from search.settings import Settings, WordsSettings
from search.types import Filter, Patch, Product, Query, SearchRequest, Upsert, Vectors, WordMatches
from search.understandings import Understandings
from tests.search.engines import shops

NOUNS = ("kettle", "lamp", "desk", "chair")
ADJECTIVES = ("red", "blue", "steel", "small", "tall")


class WordVectors:
    """A small honest encoder: each word has a direction, a text is the sum of its words'. `boiler`
    means what `kettle` means."""

    name, dimensions = "test", 16

    def encode(self, texts: Sequence[str]) -> Vectors:
        vectors = np.array([self._vector(text) for text in texts], np.float32)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)

    def _vector(self, text: str) -> np.ndarray:
        parts = [np.full(16, 1e-3)]
        for word in text.lower().replace("boiler", "kettle").split():
            known = random.Random(word)
            parts.append(np.array([known.gauss(0, 1) for _ in range(16)]))
        return np.asarray(np.sum(parts, axis=0))


def products() -> list[Product]:
    drawn = random.Random(4)
    return [
        Product(
            f"p{i:03}",
            f"{drawn.choice(ADJECTIVES)} {drawn.choice(ADJECTIVES)} {drawn.choice(NOUNS)}",
            brand=drawn.choice(("Acme", "Bo", "Cleo", "Dun")),
            price=float(drawn.randint(5, 90)),
            group=f"g{i // 3}" if i % 2 else None,
        )
        for i in range(150)
    ]


def pipeline(data: Path, retrievers: frozenset[str], encoder: Encoder | None) -> Pipeline:
    settings = Settings(data=data, threads=2, words=WordsSettings(enough=5))

    def encoders(name: str | None) -> Encoder:
        if encoder is None:
            raise EncoderUnavailable("gone")
        return encoder

    fusion = FUSIONS[settings.fusion.method](settings.fusion)
    return Pipeline(
        "test",
        ENGINES["embedded"](settings),
        Understandings(lambda _: Understanding(), words),
        Retrieval(encoders, fusion, retrievers, settings),
        settings,
    )


@pytest.fixture
def shop(tmp_path: Path) -> list[Product]:
    made = products()
    shops.build(tmp_path, made, WordVectors().encode([p.title for p in made]))
    return made


@pytest.fixture
async def hybrid(shop: list[Product], tmp_path: Path) -> AsyncIterator[Pipeline]:
    opened = pipeline(tmp_path, frozenset({"words", "meaning"}), WordVectors())
    yield opened
    await opened.engine.close()


async def every_page(search: Pipeline, request: SearchRequest) -> list[str]:
    found: list[str] = []
    while True:
        answer = await search.search(request)
        found += [hit.product.id for hit in answer.hits]
        if answer.cursor is None:
            return found
        request = replace(request, cursor=answer.cursor)


@pytest.mark.parametrize("text", ["red kettle", "steel", "tall blue desk", "small lamp"])
async def test_a_filter_gives_what_its_facet_counted(hybrid: Pipeline, text: str) -> None:
    request = SearchRequest(text, facets=("brand",), size=100)
    answer = await hybrid.search(request)
    assert answer.total == len(await every_page(hybrid, request))
    for value in answer.facets[0].values:
        chosen = replace(request, filters=(Filter("brand", (value.value,)),))
        within = await hybrid.search(chosen)
        assert within.total == value.count, value
        assert len(await every_page(hybrid, chosen)) == value.count
        others = {v.value: v.count for v in within.facets[0].values}
        assert others == {v.value: v.count for v in answer.facets[0].values}


async def test_filters_that_leave_nothing_are_met_with_fewer_words(
    hybrid: Pipeline, tmp_path: Path
) -> None:
    shops.change(tmp_path, [Upsert(Product("only", "velvet curtain", brand="Solo"))], WordVectors())
    await hybrid.engine.refresh()
    asked = SearchRequest("velvet kettle", filters=(Filter("brand", ("Solo",)),), facets=())
    answer = await hybrid.search(asked)
    assert [hit.product.id for hit in answer.hits] == ["only"]
    assert answer.relaxation == "fewer_words"


async def test_meaning_finds_what_no_word_says(hybrid: Pipeline) -> None:
    answer = await hybrid.search(SearchRequest("boiler"))
    assert answer.relaxation == "meaning_only"
    assert all("kettle" in hit.product.title for hit in answer.hits[:5])
    cheap_first = await hybrid.search(SearchRequest("boiler", sort="price_asc"))
    prices = [hit.product.price for hit in cheap_first.hits]
    assert prices == sorted(prices, key=lambda price: price or 0)
    assert {hit.product.id for hit in answer.hits} <= set(
        await every_page(hybrid, SearchRequest("boiler", sort="price_asc"))
    )


async def test_pages_neither_repeat_nor_skip_while_the_index_changes(
    hybrid: Pipeline, tmp_path: Path
) -> None:
    request = SearchRequest("red kettle", size=7)
    before = await every_page(hybrid, request)
    found: list[str] = []
    for step in range(100):
        answer = await hybrid.search(request)
        found += [hit.product.id for hit in answer.hits]
        if answer.cursor is None:
            break
        request = replace(request, cursor=answer.cursor)
        shops.change(
            tmp_path,
            [Upsert(Product(f"new{step}", "red kettle")), Patch(before[0], {"title": "old desk"})],
            WordVectors(),
        )
        await hybrid.engine.refresh()
    assert found == before
    now = await hybrid.search(SearchRequest("red kettle", size=100))
    assert "new0" in {hit.product.id for hit in now.hits}


async def test_one_variant_stands_for_its_group(hybrid: Pipeline, shop: list[Product]) -> None:
    groups = {p.id: p.group for p in shop}
    flat = await every_page(hybrid, SearchRequest("kettle", size=20))
    grouped = SearchRequest("kettle", size=100, group=True)
    answer = await hybrid.search(grouped)
    shown = [groups[hit.product.id] for hit in answer.hits if groups[hit.product.id]]
    assert len(shown) == len(set(shown))
    for hit in answer.hits:
        group = groups[hit.product.id]
        others = sum(groups[p] == group for p in flat) - 1 if group else 0
        assert hit.variants == others


async def test_why_here_tells_each_stages_place(hybrid: Pipeline) -> None:
    answer = await hybrid.search(SearchRequest("red kettle", explain=True))
    for hit in answer.hits:
        places = {stage.stage: stage for stage in hit.why}
        assert set(places) == {"words", "meaning", "fused"}
        assert places["fused"].rank == hit.position
        assert places["fused"].score == pytest.approx(hit.score)


async def test_without_an_encoder_words_still_answer(shop: list[Product], tmp_path: Path) -> None:
    search = pipeline(tmp_path, frozenset({"words", "meaning"}), None)
    answer = await search.search(SearchRequest("red kettle"))
    assert answer.hits
    assert answer.fallbacks == ("no encoder: words only",)
    await search.engine.close()


async def test_a_slow_encoder_is_not_waited_for(shop: list[Product], tmp_path: Path) -> None:
    import time

    class Slow(WordVectors):
        def encode(self, texts: Sequence[str]) -> Vectors:
            time.sleep(0.6)
            return super().encode(texts)

    search = pipeline(tmp_path, frozenset({"words", "meaning"}), Slow())
    limits = search.settings.limits.model_copy(update={"stage_seconds": 0.05})
    hurried = search.settings.model_copy(update={"limits": limits})
    search = replace(search, retrieval=replace(search.retrieval, settings=hurried))
    started = time.perf_counter()
    answer = await search.search(SearchRequest("red kettle"))
    assert time.perf_counter() - started < 0.5
    assert answer.hits
    assert answer.fallbacks == ("meaning took too long: words only",)
    await search.engine.close()


async def test_an_empty_query_lists_everything(hybrid: Pipeline) -> None:
    answer = await hybrid.search(SearchRequest("", facets=("brand",)))
    assert answer.total == 150
    assert answer.query == Query("")
    assert answer.relaxation == "none"


async def test_a_stage_that_breaks_is_stood_in_for(
    shop: list[Product], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(WordVectors):
        def encode(self, texts: Sequence[str]) -> Vectors:
            raise RuntimeError("the model file went away")

    search = pipeline(tmp_path, frozenset({"words", "meaning"}), Broken())
    answer = await search.search(SearchRequest("red kettle"))
    assert answer.hits
    assert answer.fallbacks == ("meaning failed: words only",)
    nowhere = SearchRequest("red kettle", (Filter("brand", ("Nobody",)),))
    answer = await search.search(nowhere)
    assert answer.hits == ()
    assert answer.fallbacks == ("meaning failed: words only",)

    async def broken(*_: object) -> WordMatches:
        raise RuntimeError("the words index went away")

    monkeypatch.setattr(EmbeddedView, "words", broken)
    with pytest.raises(RuntimeError):
        await search.search(SearchRequest("red kettle"))
    sound = replace(search, retrieval=replace(search.retrieval, encoders=lambda _: WordVectors()))
    answer = await sound.search(SearchRequest("red kettle"))
    assert answer.hits
    assert answer.fallbacks == ("words failed: meaning only",)
    await search.engine.close()


async def test_sorting_says_when_no_product_has_every_word(hybrid: Pipeline) -> None:
    exact = await hybrid.search(SearchRequest("red kettle", sort="price_asc"))
    assert exact.relaxation == "none"
    some = await hybrid.search(SearchRequest("red kettle desk lamp chair", sort="price_asc"))
    assert some.hits
    assert some.relaxation == "fewer_words"


async def test_every_named_product_is_ordered(hybrid: Pipeline, shop: list[Product]) -> None:
    few = hybrid.settings.model_copy(
        update={
            "words": hybrid.settings.words.model_copy(update={"limit": 10}),
            "meaning": hybrid.settings.meaning.model_copy(update={"limit": 5}),
            "fusion": hybrid.settings.fusion.model_copy(update={"limit": 12}),
        }
    )
    search = replace(hybrid, retrieval=replace(hybrid.retrieval, settings=few))
    names = tuple(product.id for product in shop[:60])
    answer = await search.search(SearchRequest("red kettle", (Filter("id", names),), size=100))
    assert {hit.product.id for hit in answer.hits} == set(names)
    unnamed = await search.search(SearchRequest("red kettle", size=100))
    assert len(unnamed.hits) <= 12
    assert not unnamed.total_exact
