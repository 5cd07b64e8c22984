"""Every page of the lab in a real browser, on a phone and on a wide screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from api.settings import AppSettings
from tests.api.lab.world import BETTER, WORSE
from tests.browser import Shopper, ShopServer
from tests.browser.fixtures import browser, shopper

__all__ = ["browser", "shopper"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]

RUNS = f"a={WORSE}&b={BETTER}"
ADDRESSES = (
    "/lab",
    "/lab/runs",
    f"/lab/runs/compare?{RUNS}",
    f"/lab/runs/query?{RUNS}&q=kettle+30",
    "/lab/experiments",
    "/lab/experiments/rollout-1",
    "/lab/models",
    "/lab/propensity",
    "/lab/drift",
    "/lab/learning-curve",
)
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
BROKEN = "images => images.filter(one => !one.alt || !one.complete || !one.naturalWidth).length"
NAMELESS = """fields => fields.filter(one => !one.labels?.length && one.type !== "hidden").length"""


@pytest.fixture(scope="module")
def server(lab_data: Path) -> Iterator[ShopServer]:
    server = ShopServer(AppSettings(data=lab_data))
    server.start()
    yield server
    server.stop()


def settled(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator("meta[http-equiv=refresh]")).to_have_count(0, timeout=20_000)
    page.wait_for_load_state("load")


def test_every_page_fits_shows_its_pictures_and_names_what_it_holds(shopper: Shopper) -> None:
    page = shopper.open("/lab", viewport={"width": 390, "height": 844})
    for address in ADDRESSES:
        settled(page, address)
        assert page.locator("main img").evaluate_all(BROKEN) == 0, address
        assert page.locator("input, select").evaluate_all(NAMELESS) == 0, address
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        expect(page.locator("nav [aria-current=page]")).to_have_count(1)
        for width in (1400, 390):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate(OVERFLOW) == 0, (address, width)


def test_the_lab_works_by_keyboard_and_without_scripts(shopper: Shopper) -> None:
    page = shopper.open("/lab/runs", java_script_enabled=False)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_label("Run A").fill(WORSE)
    page.get_by_label("Run B").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{BETTER} against {WORSE}")
    query = page.get_by_role("link", name="kettle 30")
    expect(query).to_be_visible(timeout=20_000)
    query.click()
    expect(page.get_by_role("table", name=f"A: {WORSE}")).to_be_visible()
    expect(page.get_by_role("row", name="Steel <i>kettle</i>").first).to_be_visible()
