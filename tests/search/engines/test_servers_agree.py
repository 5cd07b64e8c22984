"""The same shop in the embedded engine and on servers: the same answers, whatever is asked."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar, get_args

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from search.engines import ENGINES
from search.seams import View
from search.settings import Settings, WordsSettings
from search.types import Filter, Filters, Query, Sort
from tests.contracts.engines import MARKS, chosen
from tests.search.engines import shops

T = TypeVar("T")
SIZE, ASKED = 120, 60
SHARDS = {"elasticsearch": 3, "opensearch": 1}
NOBODY = np.empty(0, np.int32)
FILTERS: tuple[Filters, ...] = (
    (),
    (),
    (Filter("brand", ("Acme",)),),
    (Filter("brand", ("Acme",), exclude=True), Filter("in_stock", ("true",))),
    (Filter("price", low=1.0, high=20.0),),
    (Filter("category", ("Home",)),),
    (Filter("attributes.size", ("red", "5")),),
    (Filter("words", ("steel kettle",)),),
)
SYNTAX = (
    *"+-!(){}[]^\"~*?:\\/&|<>=@#$%,;.'",
    *("AND", "OR", "NOT", "TO", "&&", "||", "title:", "all:kettle", "_exists_:price", "*:*"),
    *('"red kettle"~2', "kettle^1000", "/ket.*/", "[1 TO *]", '{"match_all":{}}', "${jndi:x}"),
    *("\x00", "\u2028", "é", "日本", "🫖", "\ud7ff", " ", "\t"),
)


class Pair:
    """Two engines of one shop, asked one after the other."""

    def __init__(self, runner: asyncio.Runner, own: View, other: View) -> None:
        self._runner, self.own, self.other = runner, own, other

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    async def words(self, query: Query, filters: Filters, *, relax: bool = False) -> None:
        """Both find the same products in the same order, with the same scores."""
        own, other = [await v.words(query, filters, 50, relax) for v in (self.own, self.other)]
        asked = (query.terms, filters)
        assert own.relaxation == other.relaxation, asked
        assert own.ranking.ordinals.tolist() == other.ranking.ordinals.tolist(), asked
        assert other.ranking.scores == pytest.approx(own.ranking.scores, rel=1e-4), asked


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=mark) for name, mark in MARKS.items()]
)
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    rng, words = random.Random(3), WordsSettings(enough=shops.ENOUGH)
    products = [shops.random_product(rng, f"p{number}") for number in range(SIZE)]
    folder = tmp_path_factory.mktemp("pair")
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner:
        views, engines = [], []
        shops.build(folder / "embedded", products)
        settings = Settings(data=folder / "embedded", words=words, threads=1)
        engines.append(ENGINES["embedded"](settings))
        views.append(runner.run(engines[0].view()))
        patch.setenv("AISLE_SERVER__SHARDS", str(SHARDS[request.param]))
        for name in chosen(request, patch):
            shops.build(folder / name, products)
            engines.append(ENGINES[name](Settings(data=folder / name, words=words, threads=1)))
            views.append(runner.run(engines[1].view()))
            yield Pair(runner, *views)
        for engine in engines:
            runner.run(engine.close())


def queries() -> Iterator[tuple[Query, Filters]]:
    """Words of the shop, misspelled and unknown ones among them, with filters."""
    rng = random.Random(11)
    words = (*shops.WORDS, *shops.NEGATING, "kettel", "stel", "unknown", "xm41000", "desks")
    for _ in range(ASKED):
        text = " ".join(rng.choices(words, k=rng.randint(1, 4)))
        yield shops.understood(text), rng.choice(FILTERS)


def test_words_find_the_same_in_the_same_order(pair: Pair) -> None:
    for number, (query, filters) in enumerate(queries()):
        pair.run(pair.words(query, filters, relax=number % 4 == 0))


def test_every_order_and_facet_is_the_same(pair: Pair) -> None:
    async def ask(query: Query, filters: Filters, sort: Sort) -> None:
        own, other = [
            (
                (await view.sorted_words(query, filters, sort, 200)).ranking.ordinals.tolist(),
                await view.facets(query, filters, NOBODY, None),
                await view.facets(query, filters, NOBODY, ("attributes.size", "rating", "color")),
            )
            for view in (pair.own, pair.other)
        ]
        assert own == other, (query.terms, filters, sort)

    sorts = get_args(Sort)
    for number, (query, filters) in enumerate(list(queries())[: ASKED // 3]):
        asked = query if number % 6 else Query("")
        pair.run(ask(asked, filters, sorts[number % len(sorts)]))


def test_products_named_outright_are_the_same(pair: Pair) -> None:
    async def ask(query: Query) -> None:
        own, other = [await view.named(query) for view in (pair.own, pair.other)]
        assert own.outright.tolist() == other.outright.tolist()

    for query, _ in list(queries())[:15]:
        pair.run(ask(query))


@hypothesis(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(
        st.one_of(st.sampled_from(SYNTAX), st.sampled_from(shops.WORDS), st.text(max_size=8)),
        max_size=8,
    ).flatmap(lambda parts: st.sampled_from(("", " ")).map(lambda between: between.join(parts)))
)
@example('title:kettle" OR *:*')
@example("kettle) OR (price:[0 TO *]")
@example("a" * 40_000)
def test_no_text_becomes_query_syntax(pair: Pair, text: str) -> None:
    """What a shopper types finds on a server what it finds where nothing could parse it; as typed,
    too, without anything having been taken from it."""
    pair.run(pair.words(shops.understood(text), ()))
    typed = tuple(text.split())[:20]
    pair.run(pair.words(Query(text, text, typed), ()))
