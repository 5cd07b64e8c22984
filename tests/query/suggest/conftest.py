"""Suggestions made of given entries, and those of the generated shop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from fixtures import make_shop
from query.parts import Corpus, LoggedQuery
from query.suggest import Entry, SuggestBuilder, Suggester, distinct, write_entries
from search.types import Product

Make = Callable[[Sequence[Entry]], Suggester]
Learn = Callable[..., Suggester]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Suggestions made of entries."""

    def make(entries: Sequence[Entry]) -> Suggester:
        write_entries(tmp_path, distinct(entries))
        return Suggester.open(tmp_path)

    return make


def learned(
    directory: Path,
    products: Sequence[Product],
    log: Sequence[LoggedQuery] = (),
    lists: Path | None = None,
) -> Suggester:
    """Suggestions learned as the index job does."""
    builder = SuggestBuilder()
    for product in products:
        builder.add(product)
    directory.mkdir(parents=True, exist_ok=True)
    corpus = Corpus(count=len(products), sample=products, query_log=log, lists=lists)
    builder.write(directory, corpus)
    return Suggester.open(directory)


@pytest.fixture
def learn(tmp_path: Path) -> Learn:
    """Suggestions learned from products and a query log."""

    def learn(
        products: Sequence[Product],
        log: Sequence[LoggedQuery] = (),
        lists: Path | None = None,
    ) -> Suggester:
        return learned(tmp_path / "suggest", products, log, lists)

    return learn


@pytest.fixture(scope="session")
def shop_products() -> Sequence[Product]:
    return make_shop(products=1500).products


@pytest.fixture(scope="session")
def shop_suggester(
    tmp_path_factory: pytest.TempPathFactory, shop_products: Sequence[Product]
) -> Suggester:
    return learned(tmp_path_factory.mktemp("suggest"), shop_products)
