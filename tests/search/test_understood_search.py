"""What searching does with an understood query: filters given up, boosts, names, what is told."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from query.compose import compose
from query.normalize import normalize_query
from query.text import words
from query.understanding import Understanding
from search.boosting import PREFERENCE_WEIGHT
from search.errors import BadInput
from search.pipeline import Pipeline
from search.ranking import RankingStage
from search.types import (
    Boost,
    CategoryProbability,
    Entity,
    Filter,
    Negation,
    PriceBounds,
    Product,
    Query,
    SearchRequest,
    SearchResponse,
    Vector,
    Vectors,
)
from search.understandings import Understandings
from tests.search.engines import shops
from tests.search.test_pipeline import WordVectors, pipeline
from tests.search.test_ranking_stage import ByTitleLength, Models

BOTH, WORDS, MEANING = frozenset({"words", "meaning"}), frozenset({"words"}), frozenset({"meaning"})
PRODUCTS = [
    Product("cheap", "red kettle", brand="Acme", color="red", price=10.0, sales_rank=4),
    Product("middle", "red kettle", brand="Bo", color="red", price=30.0, sales_rank=3),
    Product("dear", "red kettle", brand="Cleo", color="red", price=90.0, sales_rank=2),
    Product("unpriced", "red kettle", brand="Dun", color="red"),
    Product("lamp", "blue lamp with shade", brand="Bo", price=15.0, sales_rank=1),
    Product("bare", "blue lamp without shade", brand="Acme", price=12.0),
    Product("long", "kettle xk42 for the kettle stand", brand="Acme", price=20.0),
    Product("exact", "kettle stand", brand="Bo", price=22.0),
    Product("more", "kettle kettle stand stand", brand="Bo", price=22.0),
]
Change = Callable[[Query], Query]


def understanding(change: Change, refine: Change | None = None) -> Understanding:
    """A real understanding whose only part says what a test wants it to."""
    refiners = {"intent": lambda query, vector: refine(query)} if refine else {}
    rewriters = {"normalize": normalize_query, "phrases": change, "compose": compose}
    return Understanding(rewriters, refiners)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Pipeline]:
    shops.build(tmp_path, PRODUCTS, WordVectors().encode([p.title for p in PRODUCTS]))
    opened = pipeline(tmp_path, BOTH, WordVectors())
    yield opened
    await opened.engine.close()


async def ask(
    shop: Pipeline,
    request: SearchRequest | str,
    change: Change = lambda query: query,
    refine: Change | None = None,
    retrievers: frozenset[str] = BOTH,
) -> SearchResponse:
    understandings = Understandings(lambda _: understanding(change, refine), words)
    retrieval = replace(shop.retrieval, retrievers=retrievers)
    asked = request if isinstance(request, SearchRequest) else SearchRequest(request)
    return await replace(shop, understandings=understandings, retrieval=retrieval).search(asked)


def found(answer: SearchResponse) -> list[str]:
    return [hit.product.id for hit in answer.hits]


def entity(kind: str, value: str, text: str, probability: float = 0.95) -> Entity:
    condition = Filter(kind, (value,))
    return Entity(kind, value, text, 0, 0, probability, "filter", condition)


async def test_understood_filters_narrow_and_their_facets_agree(shop: Pipeline) -> None:
    request = SearchRequest("red kettle", facets=("brand",))
    answer = await ask(shop, request, lambda q: replace(q, entities=(entity("brand", "Bo", "bo"),)))
    assert "middle" in found(answer)
    assert {hit.product.brand for hit in answer.hits} == {"Bo"}
    assert answer.total == len(answer.hits)
    selected = [value for value in answer.facets[0].values if value.selected]
    assert [(value.value, value.count) for value in selected] == [("Bo", answer.total)]
    assert answer.dropped == ()


async def test_a_price_alone_lists_what_it_buys_most_popular_first(shop: Pipeline) -> None:
    def under_16(query: Query) -> Query:
        return replace(query, price=PriceBounds(high=16.0, text="under $16", start=0, end=9))

    request = SearchRequest("under $16", facets=("brand",))
    for retrievers in (BOTH, WORDS, MEANING):
        answer = await ask(shop, request, under_16, retrievers=retrievers)
        assert found(answer) == ["lamp", "cheap", "bare"]
        assert (answer.query.terms, answer.total, answer.relaxation) == ((), 3, "none")


async def test_the_least_sure_filter_that_is_in_the_way_is_given_up(shop: Pipeline) -> None:
    doubtful, sure = entity("color", "blue", "", 0.91), entity("brand", "Bo", "", 0.99)

    def two(query: Query) -> Query:
        return replace(query, entities=(sure, doubtful))

    answer = await ask(shop, SearchRequest("red kettle", facets=("brand",)), two)
    assert answer.dropped == (doubtful.filter,)
    assert {hit.product.brand for hit in answer.hits} == {"Bo"}
    assert answer.total == len(answer.hits)
    assert answer.query.filters == (sure.filter, doubtful.filter)


async def test_a_filter_that_is_not_in_the_way_stays(shop: Pipeline) -> None:
    sure, doubtful = entity("color", "green", "", 0.99), entity("brand", "Bo", "", 0.91)
    answer = await ask(shop, "red kettle", lambda q: replace(q, entities=(sure, doubtful)))
    assert answer.dropped == (sure.filter,)
    assert {hit.product.brand for hit in answer.hits} == {"Bo"}


async def test_the_price_goes_before_a_refusal_and_the_shoppers_own_filters_stay(
    shop: Pipeline,
) -> None:
    refused = Filter("brand", ("Acme",), exclude=True)

    def nothing_left(query: Query) -> Query:
        return replace(
            query,
            price=PriceBounds(high=1.0, start=99, end=99),
            negations=(Negation("acme", 99, 99, (refused,)),),
        )

    own = (Filter("color", ("red",)),)
    answer = await ask(shop, SearchRequest("kettle", own), nothing_left)
    assert answer.dropped == (Filter("price", high=1.0),)
    assert {hit.product.brand for hit in answer.hits} == {"Bo", "Cleo", "Dun"}
    own = (Filter("brand", ("Nobody",)),)
    answer = await ask(shop, SearchRequest("kettle", own), nothing_left)
    assert found(answer) == []


async def test_what_the_index_cannot_filter_by_is_given_up_not_an_error(shop: Pipeline) -> None:
    strange = entity("attributes.wattage", "900", "900")

    def asks(query: Query) -> Query:
        return replace(query, entities=(strange, entity("brand", "Bo", "bo")))

    for sort in ("relevance", "price_asc"):
        answer = await ask(shop, SearchRequest("kettle", sort=sort), asks)
        assert answer.dropped == (strange.filter,)
        assert {hit.product.brand for hit in answer.hits} == {"Bo"}
    with pytest.raises(BadInput, match=r"attributes\.wattage"):
        await ask(shop, SearchRequest("kettle", (Filter("attributes.wattage", ("900",)),)), asks)


async def test_words_that_a_title_refuses_are_left_out(shop: Pipeline) -> None:
    refused = Negation("shade", 99, 99, (Filter("words", ("shade",), exclude=True),))
    answer = await ask(shop, "blue lamp", lambda q: replace(q, negations=(refused,)))
    assert "bare" in found(answer)
    assert "lamp" not in found(answer)


@pytest.mark.parametrize("retrievers", [BOTH, WORDS, MEANING])
async def test_a_boost_moves_what_satisfies_it_by_its_weight(
    shop: Pipeline, retrievers: frozenset[str]
) -> None:
    boosts = (Boost(Filter("brand", ("Cleo",)), 0.2), Boost(Filter("attributes.no", ("x",)), 9.0))
    request = SearchRequest("red kettle", explain=True)
    plain = await ask(shop, request, retrievers=retrievers)
    answer = await ask(
        shop, request, refine=lambda q: replace(q, boosts=boosts), retrievers=retrievers
    )
    assert found(answer)[0] == "dear"
    rest = [product for product in found(plain) if product != "dear"]
    assert found(answer)[1:] == rest
    best = plain.hits[0].score
    before = {hit.product.id: hit.score for hit in plain.hits}
    assert answer.hits[0].score == pytest.approx(before["dear"] + 0.2 * best)
    why = {stage.stage: stage for stage in answer.hits[0].why}
    assert why["boosts"].score == pytest.approx(0.2 * best)
    assert why["fused"].score == pytest.approx(before["dear"])
    assert {s.stage: s.score for s in answer.hits[1].why}["boosts"] is None


async def test_a_wish_for_low_prices_orders_alike_products_by_price(shop: Pipeline) -> None:
    def wishes(preference: str) -> Change:
        price = PriceBounds(preference=preference, text="cheap", start=99, end=99)  # type: ignore[arg-type]
        return lambda query: replace(query, price=price)

    kettles = {"cheap", "middle", "dear", "unpriced"}
    low = await ask(shop, "red kettle", wishes("low"))
    assert [p for p in found(low) if p in kettles] == ["cheap", "middle", "dear", "unpriced"]
    high = await ask(shop, "red kettle", wishes("high"))
    assert [p for p in found(high) if p in kettles][:3] == ["dear", "middle", "cheap"]
    ignored = await ask(shop, SearchRequest("red kettle", ignored=("price",)), wishes("high"))
    plain = await ask(shop, "red kettle")
    assert found(ignored) == found(plain)
    assert low.hits[0].score <= plain.hits[0].score * (1 + PREFERENCE_WEIGHT) + 1e-6


@pytest.mark.parametrize("retrievers", [BOTH, WORDS, MEANING])
async def test_a_named_product_goes_first(shop: Pipeline, retrievers: frozenset[str]) -> None:
    def lookup(query: Query) -> Query:
        return replace(query, intent="product_lookup")

    for text, product in (("kettle stand", "exact"), ("Kettle XK-42", "long")):
        answer = await ask(shop, text, refine=lookup, retrievers=retrievers)
        assert found(answer)[0] == product
        scores = [hit.score for hit in answer.hits]
        assert scores == sorted(scores, reverse=True)


async def test_a_model_may_lower_what_has_the_code_but_not_what_is_named(shop: Pipeline) -> None:
    def lookup(query: Query) -> Query:
        return replace(query, intent="product_lookup")

    shortest = Models(ByTitleLength(sign=-1.0))
    ranked = replace(shop, ranking=RankingStage(shortest, shop.settings))
    titles = [hit.product.title for hit in (await ask(ranked, "Kettle XK-42", refine=lookup)).hits]
    assert [len(title) for title in titles] == sorted(map(len, titles))
    longest = replace(shop, ranking=RankingStage(Models(ByTitleLength()), shop.settings))
    assert found(await ask(longest, "kettle stand", refine=lookup))[:2] == ["exact", "long"]


@pytest.mark.parametrize("sort", ["relevance", "price_asc"])
async def test_the_answer_carries_what_the_vector_added(shop: Pipeline, sort: str) -> None:
    seen: list[Vector | None] = []

    def refine(query: Query, vector: Vector | None) -> Query:
        seen.append(vector)
        return replace(query, categories=(CategoryProbability(("Home",), 0.9),), intent="broad")

    understands = Understanding({"normalize": normalize_query, "compose": compose}, {"x": refine})
    search = replace(shop, understandings=Understandings(lambda _: understands, words))
    request = SearchRequest("red kettle", sort=sort)  # type: ignore[arg-type]
    answer = await search.search(request)
    assert answer.query.intent == "broad"
    assert answer.query.boosts[-1].filter == Filter("category", ("Home",))
    assert seen[0] == pytest.approx(WordVectors().encode(["red kettle"])[0])
    only_words = replace(search, retrieval=replace(search.retrieval, retrievers=WORDS))
    answer = await only_words.search(request)
    assert (answer.query.intent, seen[-1]) == ("broad", None)


async def test_what_was_corrected_is_what_is_encoded(shop: Pipeline) -> None:
    class Remembering(WordVectors):
        texts: tuple[str, ...] = ()

        def encode(self, texts: Sequence[str]) -> Vectors:
            self.texts += tuple(texts)
            return super().encode(texts)

    encoder = Remembering()
    search = replace(shop, retrieval=replace(shop.retrieval, encoders=lambda _: encoder))
    await ask(search, "red ketle", lambda query: replace(query, corrected="red kettle"))
    await ask(
        search,
        "red kettle under 20",
        lambda q: replace(q, price=PriceBounds(high=20.0, text="under 20", start=11, end=19)),
    )
    assert encoder.texts == ("red kettle", "red kettle")


async def test_a_slow_encoder_is_waited_for_once_however_many_filters_go(shop: Pipeline) -> None:
    class Slow(WordVectors):
        def encode(self, texts: Sequence[str]) -> Vectors:
            time.sleep(1.0)
            return super().encode(texts)

    def asks(query: Query) -> Query:
        refused = tuple(Filter("words", (word,)) for word in ("none", "nothing", "nowhere"))
        negation = Negation("x", 0, 0, refused)
        return replace(query, entities=(entity("brand", "None", ""),), negations=(negation,))

    limits = shop.settings.limits.model_copy(update={"stage_seconds": 0.2})
    settings = shop.settings.model_copy(update={"limits": limits})
    slow = replace(shop.retrieval, settings=settings, encoders=lambda _: Slow())
    started = time.perf_counter()
    answer = await ask(replace(shop, retrieval=slow), "red kettle", asks)
    assert time.perf_counter() - started < 0.8
    assert answer.fallbacks == ("meaning took too long: words only",)
    assert len(answer.dropped) == 4
    assert answer.hits


async def test_a_color_gives_way_to_the_kind_asked_for(shop: Pipeline) -> None:
    def lamp_in(color: str) -> Change:
        kind = replace(entity("product_type", "lamp", "lamp"), use="boost", filter=None)
        return lambda query: replace(query, entities=(entity("color", color, color), kind))

    answer = await ask(shop, "red lamp", lamp_in("red"))
    assert found(answer)[0] in ("lamp", "bare")
    assert [each.name for each in answer.dropped] == ["color"]
    nowhere = replace(entity("product_type", "sofa", "sofa"), use="boost", filter=None)
    answer = await ask(
        shop, "red sofa", lambda q: replace(q, entities=(entity("color", "red", "red"), nowhere))
    )
    assert answer.dropped == ()
    assert {hit.product.color for hit in answer.hits} == {"red"}
