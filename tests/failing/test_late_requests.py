"""A request that was given up reaches the server long after: it brings back nothing that was
deleted meanwhile, does nothing that was refused, and makes no index."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from indexer.live import LiveWriter
from search.engines.local.layout import read_current
from search.engines.server import loading
from search.engines.server.naming import index_name, write_alias
from search.errors import EngineUnavailable, NotFound
from search.settings import Settings
from search.types import Delete, Upsert
from tests.contracts.engines import EVERY, chosen
from tests.engines.proxy import DelayingProxy
from tests.failing.shop import ask, block
from tests.indexer.reindexing.shop import lamps, shown
from tests.search.engines.shops import build, change

pytestmark = pytest.mark.slow
SHOP = lamps(4)
NEW = lamps(8)[4:]


@dataclass(frozen=True)
class Shop:
    """Words on a server behind a proxy."""

    data: Path
    proxy: DelayingProxy
    patch: pytest.MonkeyPatch

    @property
    def settings(self) -> Settings:
        """As the environment says now."""
        return Settings(data=self.data)

    def impatient(self, writer: LiveWriter, *changes: Upsert | Delete) -> None:
        """Has changes refused whose request is held back."""
        self.proxy.hold(b"/_bulk")
        with pytest.raises(EngineUnavailable):
            writer.apply(changes)

    def hasty(self) -> Settings:
        """Settings with which a change is soon given up."""
        server = self.settings.server.model_copy(update={"change_seconds": 2.0})
        return self.settings.model_copy(update={"server": server})

    def deliver(self) -> None:
        """What was held back arrives, and is searched."""
        assert self.proxy.deliver().startswith(b"HTTP/1.1 200")
        server = self.settings.server
        ask(server.urls[0], "POST", f"/{server.prefix}-*/_refresh")

    @property
    def index(self) -> str:
        """That of the snapshot in use."""
        return index_name(self.settings.server.prefix, read_current(self.data))

    def remove(self) -> None:
        """Deletes the index, as somebody might by hand."""
        ask(self.settings.server.urls[0], "DELETE", f"/{self.index}")

    def indices(self) -> list[str]:
        """Those that the server has under the shop's prefix."""
        server = self.settings.server
        return sorted(ask(server.urls[0], "GET", f"/{server.prefix}-*/_settings"))

    def shown(self) -> list[str]:
        """The ids of what the server finds."""
        return shown(self.settings, "lamp")


@pytest.fixture(params=EVERY[1:])
def shop(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Shop]:
    for name in chosen(request, monkeypatch):
        port = urlsplit(request.getfixturevalue(name).url).port
        with DelayingProxy(port or 0) as proxy:
            monkeypatch.setenv("AISLE_SERVER__URL", proxy.url)
            monkeypatch.setenv("AISLE_SERVER__CHANGE_SECONDS", "60")
            yield Shop(tmp_path, proxy, monkeypatch)


def test_a_document_loaded_late_brings_no_deleted_product_back(shop: Shop) -> None:
    shop.patch.setattr(loading, "_REQUEST_SECONDS", 1.0)
    shop.proxy.hold(b"/_bulk")
    build(shop.data, SHOP)  # sent again after the timeout
    change(shop.data, [Delete("p1"), Upsert(SHOP[2])])
    shop.deliver()
    assert shop.shown() == ["p0", "p2", "p3"]


def test_a_change_refused_and_taken_late_does_nothing(shop: Shop) -> None:
    build(shop.data, SHOP)
    shop.impatient(LiveWriter(shop.hasty()), Delete("p1"), *map(Upsert, NEW[:2]))
    change(shop.data, [Upsert(NEW[2])])
    shop.deliver()
    assert shop.shown() == ["p0", "p1", "p2", "p3", "p6"]
    change(shop.data, [Upsert(NEW[3])])
    assert shop.shown() == ["p0", "p1", "p2", "p3", "p6", "p7"]


def test_taking_back_what_was_refused_takes_no_longer_than_a_change_may(shop: Shop) -> None:
    build(shop.data, SHOP)
    shop.impatient(LiveWriter(shop.hasty()), Delete("p1"))
    block(shop.settings.server.urls[0], shop.index, "read_only_allow_delete", on=True)
    began = time.monotonic()
    with pytest.raises(EngineUnavailable):
        LiveWriter(shop.hasty()).apply([Upsert(NEW[0])])
    assert time.monotonic() - began < 10  # 2 s, and the machine may be busy
    block(shop.settings.server.urls[0], shop.index, "read_only_allow_delete", on=False)


def test_what_one_process_had_refused_another_takes_back(shop: Shop) -> None:
    build(shop.data, SHOP)
    one, other = LiveWriter(shop.hasty()), LiveWriter(shop.settings)
    other.apply([Upsert(NEW[0])])
    shop.impatient(one, Delete("p1"))
    shop.deliver()
    other.apply([Upsert(NEW[1])])
    assert shop.shown() == ["p0", "p1", "p2", "p3", "p4", "p5"]


def test_what_is_taken_after_its_index_is_gone_makes_no_other(shop: Shop) -> None:
    build(shop.data, SHOP)
    shop.impatient(LiveWriter(shop.hasty()), Upsert(NEW[0]))
    shop.remove()
    shop.deliver()
    assert shop.indices() == []


def test_a_change_of_an_index_that_somebody_deleted_is_refused_and_makes_no_other(
    shop: Shop,
) -> None:
    build(shop.data, SHOP)
    writer = LiveWriter(shop.settings)
    writer.apply([Upsert(NEW[0])])
    shop.remove()
    with pytest.raises(NotFound, match=f"has no index {shop.index}: run `aisle reindex`"):
        writer.apply([Upsert(NEW[1])])
    assert shop.indices() == []


def test_an_index_made_before_there_was_an_alias_to_write_through_gets_one(shop: Shop) -> None:
    build(shop.data, SHOP)
    alias = f"/{shop.index}/_alias/{write_alias(shop.index)}"
    ask(shop.settings.server.urls[0], "DELETE", alias)
    change(shop.data, [Upsert(NEW[0])])
    assert shop.shown() == ["p0", "p1", "p2", "p3", "p4"]
