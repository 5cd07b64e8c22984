"""The demo shop's entities, learned once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from fixtures import make_shop
from query.entities.builder import EntitiesBuilder
from query.entities.rewriter import Entities, open_entities
from query.parts import Corpus
from search.types import Product

Learn = Callable[[Sequence[Product]], Entities]


def build(products: Sequence[Product], directory: Path) -> Entities:
    builder = EntitiesBuilder()
    for product in products:
        builder.add(product)
    directory.mkdir()
    builder.write(directory, Corpus(count=len(products), sample=products))
    return open_entities(directory)


@pytest.fixture(scope="session")
def shop_entities(tmp_path_factory: pytest.TempPathFactory) -> Entities:
    return build(make_shop().products, tmp_path_factory.mktemp("shop") / "entities")


@pytest.fixture
def learn(tmp_path: Path) -> Learn:
    return lambda products: build(products, tmp_path / "entities")
