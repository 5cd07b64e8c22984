"""What a shopper sees of the cross-encoder: where it has a product among those it read."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from api.settings import AppSettings
from search.encoder import OnnxEncoder
from search.settings import LimitSettings, RankingSettings
from tests.api.modeled import write_model
from tests.browser import Shopper
from tests.browser.fixtures import browser
from tests.browser.server import ShopServer
from tests.search.cross_encoders import make_cross_encoder

__all__ = ["browser"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def read(
    indexed: Path, encoder: OnnxEncoder, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    data = tmp_path_factory.mktemp("read") / "data"
    shutil.copytree(indexed, data)
    write_model(data / "model.json")
    make_cross_encoder(encoder, data, "kettle")
    ranking = RankingSettings(cross_encoder="cross", read=5, out_of_stock="keep")
    limits = LimitSettings(stage_seconds=30)
    server = ShopServer(AppSettings(data=data, limits=limits, ranking=ranking))
    server.start()
    yield server.url
    server.stop()


@pytest.mark.parametrize(("place", "said"), [(0, r"No\. [1-5] · "), (5, "too far down to be read")])
def test_why_here_says_where_reading_has_a_product(
    browser: Browser, read: str, place: int, said: str
) -> None:
    shopper = Shopper(browser, read)
    page = shopper.open("/?q=steel+kettle")
    expect(page.locator("#grid")).to_have_attribute("aria-busy", "false")
    card = page.locator("#grid .card").nth(place)
    card.get_by_text("Why here").click()
    row = card.locator(".why-row.cross_encoder")
    expect(row.locator("dt")).to_have_text("Reading")
    expect(row.locator(".why-figures")).to_have_text(re.compile(said))
    expect(card.locator(".why-row").last).to_have_class(re.compile("cross_encoder"))
    shopper.expects("404.*/images/")  # this shop has no pictures
    assert shopper.leave() == []
