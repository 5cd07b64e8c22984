"""The same shop in the embedded engine and on servers: the same answers, whatever is asked."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, get_args

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from search.engines import ENGINES
from search.seams import Engine, View
from search.settings import Settings, WordsSettings
from search.types import Change, Delete, Filter, Filters, Patch, Product, Query, Sort, Upsert
from tests.contracts.engines import MARKS, chosen
from tests.search.engines import shops

T = TypeVar("T")
SIZE, ASKED = 120, 60
SHARDS = {"elasticsearch": 3, "opensearch": 1}
NOBODY = np.empty(0, np.int32)
SORTS = get_args(Sort)
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

    async def orders(self, query: Query, filters: Filters, sort: Sort) -> None:
        """Both give the same order and the same facets."""
        own, other = [
            (
                (await view.sorted_words(query, filters, sort, 200)).ranking.ordinals.tolist(),
                await view.facets(query, filters, NOBODY, None),
                await view.facets(query, filters, NOBODY, ("attributes.size", "rating", "color")),
            )
            for view in (self.own, self.other)
        ]
        assert own == other, (query.terms, filters, sort)

    async def named(self, query: Query) -> None:
        """Both know the same products by name."""
        own, other = [await view.named(query) for view in (self.own, self.other)]
        assert own.outright.tolist() == other.outright.tolist()


PARAMS = [pytest.param(name, marks=mark) for name, mark in MARKS.items()]


def products_of(seed: int) -> list[Product]:
    rng = random.Random(seed)
    return [shops.random_product(rng, f"p{number}") for number in range(SIZE)]


@contextmanager
def engines_of(
    request: pytest.FixtureRequest, folder: Path, batches: Sequence[Sequence[Change]] = ()
) -> Iterator[tuple[asyncio.Runner, Engine, Engine]]:
    """The embedded engine and another of the same products, with the same changes since."""
    words, products = WordsSettings(enough=shops.ENOUGH), products_of(3)
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner:
        made: list[Engine] = []

        def make(name: str) -> None:
            shops.build(folder / name, products)
            for batch in batches:
                shops.change(folder / name, batch)
            made.append(ENGINES[name](Settings(data=folder / name, words=words, threads=1)))

        patch.setenv("AISLE_ENGINE", "embedded")
        make("embedded")
        patch.setenv("AISLE_SERVER__SHARDS", str(SHARDS[request.param]))
        for name in chosen(request, patch):
            make(name)
            yield runner, made[0], made[1]
            for engine in made:
                runner.run(engine.close())


@pytest.fixture(scope="module", params=PARAMS)
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    with engines_of(request, tmp_path_factory.mktemp("pair")) as (runner, own, other):
        yield Pair(runner, runner.run(own.view()), runner.run(other.view()))


def live_changes() -> list[list[Change]]:
    """New products, others in the place of known ones, new prices and titles, and deletions."""
    rng = random.Random(5)
    batches: list[list[Change]] = []
    for _ in range(3):
        names = rng.sample(range(SIZE + 10), 12)
        replaced = [Upsert(shops.random_product(rng, f"p{name}")) for name in names[:4]]
        prices = [Patch(f"p{name}", {"price": 5.0 + name, "stock": 1}) for name in names[4:7]]
        titles = [Patch(f"p{name}", {"title": f"steel lamp {name}"}) for name in names[7:9]]
        gone = [Delete(f"p{name}") for name in names[9:]]
        batches.append([*replaced, *prices, *titles, *gone])
    return batches


@pytest.fixture(scope="module", params=PARAMS)
def changed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    """Two that were changed alike."""
    folder = tmp_path_factory.mktemp("changed")
    with engines_of(request, folder, live_changes()) as (runner, own, other):
        yield Pair(runner, runner.run(own.view()), runner.run(other.view()))


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
    for number, (query, filters) in enumerate(list(queries())[: ASKED // 3]):
        asked = query if number % 6 else Query("")
        pair.run(pair.orders(asked, filters, SORTS[number % len(SORTS)]))


def test_products_named_outright_are_the_same(pair: Pair) -> None:
    for query, _ in list(queries())[:15]:
        pair.run(pair.named(query))


def test_after_the_same_live_changes_the_same_is_found(changed: Pair) -> None:
    """Products that are gone count among the words until a fold, on a server oftener than in the
    embedded engine: scores of a shop of which a third was changed differ by less than a tenth."""

    async def ask(query: Query, filters: Filters) -> None:
        own, other = [
            (await view.words(query, filters, 2 * SIZE)).ranking
            for view in (changed.own, changed.other)
        ]
        scores = dict(zip(other.ordinals.tolist(), other.scores.tolist(), strict=True))
        assert sorted(scores) == sorted(own.ordinals.tolist()), (query.terms, filters)
        found = [scores[each] for each in own.ordinals.tolist()]
        assert found == pytest.approx(own.scores.tolist(), rel=0.1), (query.terms, filters)

    for query, filters in queries():
        changed.run(ask(query, filters))


def test_after_the_same_live_changes_orders_and_facets_are_the_same(changed: Pair) -> None:
    assert changed.own.count == changed.other.count
    columns = [sort for sort in SORTS if sort != "relevance"]
    for number, (query, filters) in enumerate(list(queries())[: ASKED // 3]):
        asked = query if number % 6 else Query("")
        changed.run(changed.orders(asked, filters, columns[number % len(columns)]))
        changed.run(changed.named(asked))


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
