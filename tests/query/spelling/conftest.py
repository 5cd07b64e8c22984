"""Spelling as learned from a small shop, built once."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from fixtures import make_shop
from query.parts import Corpus, LoggedQuery
from query.spelling import Corrector, SpellingBuilder, open_spelling
from search.types import Product

PROTECTED = "ketle  # our own brand of lamp\n"
LOG = (LoggedQuery("zorbalux charger", count=40, clicks=9),)


def learned(
    directory: Path,
    products: Iterable[Product],
    log: tuple[LoggedQuery, ...] = (),
    lists: Path | None = None,
) -> Corrector:
    """The corrector of a catalogue."""
    products = tuple(products)
    builder = SpellingBuilder()
    for product in products:
        builder.add(product)
    directory.mkdir(parents=True, exist_ok=True)
    builder.write(directory, Corpus(len(products), products, query_log=log, lists=lists))
    return open_spelling(directory)


@pytest.fixture(scope="session")
def shop_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is written for the demo shop's first 2,500 products, a log and a list."""
    root = tmp_path_factory.mktemp("spelling")
    (root / "protected.txt").write_text(PROTECTED)
    learned(root / "part", make_shop(products=2500).products, LOG, root)
    return root / "part"


@pytest.fixture(scope="session")
def corrector(shop_directory: Path) -> Corrector:
    """Opened once more, as serving does."""
    return open_spelling(shop_directory)
