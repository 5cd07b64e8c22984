"""What an answer holds when time, or the server of the words, runs out while it is made."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from search import fallbacks
from search.engines.embedded.view import EmbeddedView
from search.errors import EncoderUnavailable, EngineUnavailable
from search.pipeline import Pipeline
from search.resilience import stages, within
from search.seams import Encoder
from search.types import Filter, SearchRequest, Vectors, WordMatches
from tests.search.engines import shops
from tests.search.test_pipeline import WordVectors, pipeline
from tests.search.test_understood_search import BOTH, PRODUCTS, ask, entity, found

AWAY = "the server went away"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Pipeline]:
    shops.build(tmp_path, PRODUCTS, WordVectors().encode([p.title for p in PRODUCTS]))
    opened = pipeline(tmp_path, BOTH, WordVectors())
    yield opened
    await opened.engine.close()


async def test_without_words_meaning_is_waited_for_longer(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> WordMatches:
        await asyncio.sleep(0.01)
        raise EngineUnavailable(AWAY)

    class Slow(WordVectors):
        def encode(self, texts: Sequence[str]) -> Vectors:
            time.sleep(0.3)
            return super().encode(texts)

    monkeypatch.setattr(EmbeddedView, "words", away)
    monkeypatch.setattr(stages, "CANDIDATES", 0.02)  # of ten seconds
    slow = replace(shop.retrieval, encoders=lambda _: Slow())
    with within(10):
        answer = await replace(shop, retrieval=slow).search(SearchRequest("red kettle"))
    assert "cheap" in found(answer)
    assert fallbacks.WORDS in answer.fallbacks
    assert not any("too long" in each for each in answer.fallbacks)


async def test_what_was_found_before_words_went_away_is_the_answer(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = EmbeddedView.words, 0

    async def once(self: EmbeddedView, *asked: object) -> WordMatches:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise EngineUnavailable(AWAY)
        return await real(self, *asked)  # type: ignore[arg-type]

    def nobody(name: str | None) -> Encoder:
        raise EncoderUnavailable("gone")

    monkeypatch.setattr(EmbeddedView, "words", once)
    only_words = replace(shop, retrieval=replace(shop.retrieval, encoders=nobody))
    nowhere = Filter("brand", ("Nobody",))
    answer = await only_words.search(SearchRequest("red kettle", (nowhere,)))
    assert (answer.hits, calls) == ((), 2)
    assert fallbacks.WORDS in answer.fallbacks

    calls, lamp = 0, replace(entity("product_type", "lamp", "lamp"), use="boost", filter=None)
    answer = await ask(
        only_words,
        "red kettle lamp",
        lambda query: replace(query, entities=(lamp, entity("color", "red", "red"))),
    )
    assert (set(found(answer)), calls) == ({"cheap", "middle", "dear", "unpriced"}, 2)
    assert fallbacks.WORDS in answer.fallbacks


async def test_nothing_to_answer_by_is_refused(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> WordMatches:
        raise EngineUnavailable(AWAY)

    def nobody(name: str | None) -> Encoder:
        raise EncoderUnavailable("gone")

    monkeypatch.setattr(EmbeddedView, "words", away)
    alone = replace(shop, retrieval=replace(shop.retrieval, encoders=nobody))
    with pytest.raises(EngineUnavailable, match=AWAY):
        await alone.search(SearchRequest("red kettle"))
