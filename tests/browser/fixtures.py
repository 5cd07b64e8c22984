"""What the storefront's tests share: one shop, one server and one browser per module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from api.settings import AppSettings
from fixtures import generate_shop
from indexer.build import Products, build_index
from search.types import Product
from tests.browser.chromium import open_chromium
from tests.browser.server import ShopServer
from tests.browser.shopper import TIMEOUT_MS, Shopper
from tests.shared import made_once

ATTACK = '<img src=x onerror="document.body.remove()"> samovar'
HOSTILE = Product(
    id="attack/1",
    title=ATTACK,
    description='<script>document.body.remove()</script><mark onclick="x">no</mark>',
    brand="<b>Bold</b>",
    category=("<i>Home</i>",),
    color="<u>red</u>",
    attributes={"note": "<svg onload=document.body.remove()>"},
    price=1.0,
    currency="USD",
)
"""A product that a shop should not have, and has."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_chromium() as browser:
        expect.set_options(timeout=TIMEOUT_MS)
        yield browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, encoder_data: Path) -> Iterator[ShopServer]:
    def index(data: Path) -> None:
        (data / "encoders").symlink_to(encoder_data / "encoders")
        shop = generate_shop(data / "shop", products=1200)
        build_index(Products((*shop.products, HOSTILE)), AppSettings(data=data))

    settings = AppSettings(data=made_once(tmp_path_factory, "storefront", index))
    server = ShopServer(settings)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def shopper(browser: Browser, server: ShopServer) -> Iterator[Shopper]:
    """Afterwards: no error in the console, and no request to any other host."""
    shopper = Shopper(browser, server.url)
    yield shopper
    faults = shopper.leave()
    assert faults == [], faults
