"""The storefront under the shop's rules: paid places are marked, and redirects are followed."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser import Shopper, ShopServer
from tests.browser.fixtures import browser, server, shopper

__all__ = ["browser", "server", "shopper"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CARDS = "#grid .card:not(.skeleton)"


@pytest.fixture
def rules(server: ShopServer) -> Iterator[str]:
    """Rules about kettles and help; the product that is paid for."""
    asked: dict[str, str | int] = {"q": "kettle", "size": 9, "group": "true"}
    hits = httpx.get(f"{server.url}/v1/search", params=asked).json()["hits"]
    rules = [
        {
            "id": "kettles",
            "when": {"query": "kettle"},
            "pin": [{"id": hits[5]["id"], "position": 1}],
            "sponsored": {"positions": [2], "ids": [hits[8]["id"]]},
        },
        {"id": "help", "when": {"query": "help"}, "redirect": "/?q=lamp"},
    ]
    httpx.put(f"{server.url}/v1/rules", json={"rule": rules}).raise_for_status()
    yield hits[8]["title"]
    httpx.delete(f"{server.url}/v1/rules").raise_for_status()


def test_a_sponsored_product_is_marked_and_why_names_the_rules(
    shopper: Shopper, rules: str
) -> None:
    page = shopper.open("/?q=kettle")
    expect(page.locator(CARDS).first).to_be_visible()
    marked = page.locator(CARDS).filter(has=page.get_by_text("Sponsored", exact=True))
    expect(marked).to_have_count(1)
    expect(marked).to_contain_text(rules)
    expect(page.locator(CARDS).nth(1)).to_contain_text("Sponsored")
    page.locator(".why summary").first.click()
    expect(page.locator(".why[open]")).to_contain_text("Placed here by the shop (kettles)")


def test_a_redirect_is_followed_once_the_words_are_all_there(shopper: Shopper, rules: str) -> None:
    page = shopper.open("/?q=kettle")
    expect(page.locator(CARDS).first).to_be_visible()
    page.locator("#q").fill("help")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=lamp")
    expect(page.locator("#count")).to_contain_text("“lamp”")
    page.go_back()
    expect(page.locator("#count")).to_contain_text("“kettle”")
