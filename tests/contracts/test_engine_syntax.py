"""A query can never become query syntax: what stands between its words means nothing, whatever it
means to the engine below. Run over the registry."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from query.text import words
from search.engines import ENGINES
from search.seams import Engine
from search.settings import Settings
from search.types import Filter, Product, Query
from tests.contracts.engines import EVERY, PUBLISH, chosen

HOSTILE = (
    "title:{a}", "{a}:{b}", '"{a} {b}"', "+{a} -{b}", "{a} AND NOT {b}", "({a} OR {b})", "{a}*",
    "*{a}", "*:*{a}", "?{a}", "{a}~2", "{a}^9", "/{a}.*/", "[{a} TO {b}]", "{{* TO {a}}}",
    "_exists_:{a}", "{a} && !{b}", "{a} || {b}", "\\{a}\\", "{a}\\", "{a}\"", "({a}", "{a}]",
    '{{"match_all":{{}}}} {a}', '{{"query":{{"term":{{"brand":"{a}"}}}}}}', "{a}' OR '1'='1",
    "{a}; DROP TABLE products --", "${{{a}}}", "{{{{{a}}}}}", "<b>{a}</b>", "{a}\r\n{b}", ">{a}",
    "title.{a}:>={b}", "field:IN [{a} {b}]",
)  # fmt: skip
"""What is syntax to Lucene, tantivy, JSON, SQL, templates and HTML."""
TITLES = {"a": "Red kettle", "b": "Blue kettle", "c": "Red lamp", "d": "Green sofa"}
VALUES = tuple(text.format(a="Acme", b="Bo") for text in HOSTILE)
NAMES = ("a.b", "a:b", 'a"b', "a*", "a b", "a\\.b", "values.a", "_source", "a^2", "{a}")
known = st.sampled_from(sorted({word for title in TITLES.values() for word in words(title)}))


@dataclass
class Asked:
    """An engine, and the loop it lives in."""

    engine: Engine
    runner: asyncio.Runner

    def found(self, query: Query, *filters: Filter) -> set[str]:
        async def search() -> set[str]:
            view = await self.engine.view()
            found = await view.words(query, filters, 500)
            return {product.id for product in await view.products(found.ranking.ordinals)}

        return self.runner.run(search())


@pytest.fixture(scope="module", params=EVERY)
def asked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Asked]:
    data = tmp_path_factory.mktemp("syntax")
    products = [Product(each, title) for each, title in TITLES.items()]
    products += [Product(f"v{n}", "Cup", brand=text) for n, text in enumerate(VALUES)]
    products += [Product(f"n{n}", "Mug", attributes={text: "x"}) for n, text in enumerate(NAMES)]
    with (
        pytest.MonkeyPatch.context() as patch,
        contextmanager(chosen)(request, patch) as name,
        asyncio.Runner() as runner,
    ):
        PUBLISH[name](data, products, np.eye(len(products), 64, dtype=np.float32))
        engine = ENGINES[name](Settings(data=data, threads=2))
        yield Asked(engine, runner)
        runner.run(engine.close())


@given(st.lists(st.tuples(st.sampled_from(HOSTILE), known, known), min_size=1, max_size=3))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_stands_between_words_means_nothing(
    asked: Asked, parts: list[tuple[str, str, str]]
) -> None:
    text = " ".join(form.format(a=a, b=b) for form, a, b in parts)
    terms = tuple(words(text))
    plain = {each for each, title in TITLES.items() if set(words(title)) & set(terms)}
    found = asked.found(Query(text, text, terms))
    assert found & set(TITLES) == plain
    assert found == asked.found(Query(" ".join(terms), " ".join(terms), terms))


@given(st.sampled_from(HOSTILE), known, known)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_not_even_a_whole_term_is_syntax(asked: Asked, form: str, a: str, b: str) -> None:
    text = form.format(a=a, b=b)
    either = {each for each, title in TITLES.items() if {a, b} & set(words(title))}
    assert asked.found(Query(text, text, (text,))) & set(TITLES) <= either


def test_a_filter_is_its_value_and_nothing_else(asked: Asked) -> None:
    for value in VALUES:
        same = {f"v{n}" for n, each in enumerate(VALUES) if each == value}
        condition = Filter("brand", (value,))
        assert asked.found(Query("cup", "cup", ("cup",)), condition) == same, value


def test_an_attribute_is_its_name_and_nothing_else(asked: Asked) -> None:
    for number, name in enumerate(NAMES):
        condition = Filter(f"attributes.{name}", ("x",))
        assert asked.found(Query("mug", "mug", ("mug",)), condition) == {f"n{number}"}, name
