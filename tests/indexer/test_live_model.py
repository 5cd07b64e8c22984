"""After any sequence of changes, merges, full indexes, restarts and crashes, the index shows
exactly the shop that a plain dictionary holds."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from indexer.build import Products, build_index
from indexer.live import LiveWriter
from indexer.merge import fold
from search.engines.embedded.snapshot import OpenSnapshot
from search.engines.local.changes import Batch, Entry, encode_batch
from search.types import Change, Delete, Patch, Product, Upsert
from tests.indexer.shop import (
    WordHashCatalogueEncoder,
    WordHashEncoder,
    assert_shows,
    opened,
    shop_settings,
)

FAST = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Where syncing costs nothing: these tests do it thousands of times."""
IDS = st.sampled_from([f"p{i}" for i in range(8)])
WORDS = st.sampled_from(["kettle", "lamp", "red", "blue", "xk200"])
TITLES = st.lists(WORDS, min_size=1, max_size=3).map(" ".join)
BRANDS = st.sampled_from([None, "Norrvik", "Tuvala"])
PRICES = st.none() | st.integers(0, 60).map(float)
SIZES = st.sampled_from([{}, {"size": "s"}, {"size": "m"}])
PRODUCTS = st.builds(Product, id=IDS, title=TITLES, brand=BRANDS, price=PRICES, attributes=SIZES)
PATCHES = st.builds(
    Patch,
    IDS,
    st.fixed_dictionaries({}, optional={"price": PRICES, "title": TITLES, "brand": BRANDS}),
)
CHANGES = st.lists(
    st.one_of(PRODUCTS.map(Upsert), IDS.map(Delete), PATCHES), min_size=1, max_size=5
)


def changed(shop: dict[str, Product], changes: list[Change]) -> dict[str, Product]:
    """The shop after changes, one after another."""
    after = dict(shop)
    for change in changes:
        if isinstance(change, Upsert):
            after[change.product.id] = change.product
        elif isinstance(change, Delete):
            after.pop(change.id, None)
        elif change.id in after:
            after[change.id] = replace(after[change.id], **change.fields)  # type: ignore[arg-type]
    return after


class ShopMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.settings = shop_settings(Path(tempfile.mkdtemp(prefix="shop-", dir=FAST)))
        self.shop: dict[str, Product] = {}
        self.encoder = WordHashEncoder()
        self.full_index([Product("p0", "red kettle", brand="Norrvik", price=20.0)])

    def teardown(self) -> None:
        shutil.rmtree(self.settings.data)

    @rule(products=st.lists(PRODUCTS, max_size=6))
    def full_index(self, products: list[Product]) -> None:
        build_index(Products(products), self.settings, encoder=WordHashCatalogueEncoder())
        self.shop = {product.id: product for product in products}
        self.writer = LiveWriter(self.settings, self.encoder)
        self.follower = self._open()

    def _open(self) -> OpenSnapshot:
        version = (self.settings.data / "CURRENT").read_text()
        follower = OpenSnapshot(self.settings, version)
        self.state = follower.open_state()
        return follower

    @rule(changes=CHANGES)
    def change(self, changes: list[Change]) -> None:
        applied = self.writer.apply(changes)
        before, self.shop = self.shop, changed(self.shop, changes)
        self.state = self.follower.advance() or self.state
        assert self.state.version == applied.version
        assert set(applied.missing) <= {
            change.id for change in changes if not isinstance(change, Upsert)
        }
        assert not set(applied.missing) & set(self.shop)
        assert applied.upserted + applied.patched >= len(self.shop.keys() - before.keys())

    @rule()
    def merge(self) -> None:
        fold(self.settings)
        self.follower = self._open()

    @rule()
    def restart(self) -> None:
        self.writer = LiveWriter(self.settings, self.encoder)
        self.follower = self._open()

    @precondition(lambda self: self._log().exists())
    @rule(size=st.integers(1, 200))
    def crash_while_logging(self, size: int) -> None:
        """A writer died in the middle of a record: its batch was never accepted."""
        record = encode_batch(Batch(999, (Entry("delete", "p0"),), (), None, (0,)))
        with self._log().open("ab") as log:
            log.write((record * 5)[: min(size, len(record) - 1)])

    @rule()
    def crash_while_writing_words(self) -> None:
        """A writer died with the next words half made, before its batch was logged whole."""
        sequence = int(([*self.state.version.split("."), "0"])[1])
        half = self._log().parent / "words" / str(sequence + 1)
        half.mkdir(parents=True, exist_ok=True)
        (half / "meta.json").write_text("{}")

    def _log(self) -> Path:
        snapshot = (self.settings.data / "CURRENT").read_text()
        return self.settings.data / "live" / snapshot / "changes.log"

    @invariant()
    def every_reader_shows_the_shop(self) -> None:
        assert_shows(self.state, self.shop)
        assert_shows(opened(self.settings), self.shop)


TestShop = pytest.mark.slow(ShopMachine.TestCase)
TestShop.settings = settings(
    max_examples=12,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
