"""What a shopper sees of the ranking model: why a product is where it is."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from api.settings import AppSettings
from rankers import save_model
from rankers.features import NAMES, VERSION
from search.settings import LimitSettings
from tests.browser import Shopper
from tests.browser.fixtures import browser
from tests.browser.server import ShopServer
from tests.rankers.models import make_model

__all__ = ["browser"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def ranked(indexed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    data = tmp_path_factory.mktemp("ranked") / "data"
    shutil.copytree(indexed, data)
    save_model(make_model(NAMES, VERSION, rounds=20), data / "model.json")
    server = ShopServer(AppSettings(data=data, limits=LimitSettings(stage_seconds=30)))
    server.start()
    yield server.url
    server.stop()


def test_the_biggest_reasons_are_bars_with_sides_and_signs(browser: Browser, ranked: str) -> None:
    shopper = Shopper(browser, ranked)
    page = shopper.open("/?q=steel+kettle")
    expect(page.locator("#grid")).to_have_attribute("aria-busy", "false")
    card = page.locator("#grid .card").first
    card.get_by_text("Why here").click()
    expect(card.locator(".reasons-title")).to_have_text(re.compile(r"What the model weighed: -?\d"))
    rows = card.locator(".reason")
    expect(rows).to_have_count(10)
    assert not [name for name in card.locator(".reason dt").all_inner_texts() if "query" in name]
    expect(card.locator(".why-panel")).to_contain_text(re.compile(r"The query itself.*: [+−]\d"))
    widths = []
    for row in rows.all():
        bar = row.locator(".signed-bar").bounding_box()
        fill = row.locator(".signed-fill").bounding_box()
        assert bar is not None
        assert fill is not None
        against = "against" in (row.get_attribute("class") or "")
        assert row.locator(".why-figures").inner_text().startswith("−" if against else "+")
        middle = bar["x"] + bar["width"] / 2
        edge = fill["x"] + (fill["width"] if against else 0)
        assert edge == pytest.approx(middle, abs=1.5)
        widths.append(fill["width"])
    assert widths == sorted(widths, reverse=True)
    shopper.expects("404.*/images/")  # this shop has no pictures
    assert shopper.leave() == []


@pytest.mark.parametrize("width", [1280, 380])
def test_an_open_explanation_covers_no_other_product(
    browser: Browser, ranked: str, width: int
) -> None:
    shopper = Shopper(browser, ranked)
    page = shopper.open("/?q=steel+kettle")
    page.set_viewport_size({"width": width, "height": 800})
    expect(page.locator("#grid")).to_have_attribute("aria-busy", "false")
    summary = page.locator("#grid .card").nth(1).locator("summary")
    summary.focus()
    page.keyboard.press("Enter")
    panel = page.locator("#grid .card").nth(1).locator(".why-panel")
    expect(panel.locator(".reason")).to_have_count(10)
    box = panel.bounding_box()
    assert box is not None
    assert box["height"] > 200
    cards = page.locator("#grid .card").all()
    for number, card in enumerate(cards[:12]):
        other = card.bounding_box()
        assert other is not None
        if number == 1:
            assert other["y"] + other["height"] >= box["y"] + box["height"] - 1
            assert panel.evaluate("each => each.scrollWidth <= each.clientWidth")
        else:
            apart = (
                other["x"] >= box["x"] + box["width"]
                or other["x"] + other["width"] <= box["x"]
                or other["y"] >= box["y"] + box["height"]
                or other["y"] + other["height"] <= box["y"]
            )
            assert apart, number
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(summary).to_be_focused()
    shopper.expects("404.*/images/")  # this shop has no pictures
    assert shopper.leave() == []


def test_the_footer_names_the_model_while_it_orders(browser: Browser, ranked: str) -> None:
    shopper = Shopper(browser, ranked)
    page = shopper.open("/?q=steel+kettle")
    footer = page.locator("#ranked")
    expect(footer).to_have_text(re.compile(r"Ordered by the ranking model \S+, version \w{12}\."))
    page.get_by_label("Sort by").select_option("price_asc")
    expect(footer).to_be_hidden()
    shopper.expects("404.*/images/")  # this shop has no pictures
    assert shopper.leave() == []
