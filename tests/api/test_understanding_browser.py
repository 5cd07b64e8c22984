"""What a shopper sees of how the words were understood, and can undo."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser import Shopper
from tests.browser.fixtures import browser, server, shopper

__all__ = ["browser", "server", "shopper"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def search(shopper: Shopper, words: str) -> Page:
    page = shopper.open()
    box = page.get_by_role("combobox", name="Search products")
    box.fill(words)
    box.press("Enter")
    expect(page.locator("#count")).to_have_text(re.compile("“.*”$"))
    expect(page.locator("#grid")).to_have_attribute("aria-busy", "false")
    return page


def prices(page: Page) -> list[float]:
    texts = page.locator("#grid .price").all_inner_texts()
    return [float(text.strip("$").replace(",", "")) for text in texts]


def test_a_corrected_query_says_so_and_can_be_searched_as_typed(shopper: Shopper) -> None:
    page = search(shopper, "electrik kettel")
    notice = page.locator(".spelling")
    expect(notice).to_have_text(re.compile("Showing results for electric kettle"))
    expect(page.locator("#count")).to_have_text(re.compile("“electric kettle”$"))
    notice.get_by_role("link", name="electrik kettel").click()
    expect(page.locator("#count")).to_have_text(re.compile("“electrik kettel”$"))
    assert "verbatim=true" in page.url
    page.go_back()
    expect(page.locator(".spelling")).to_be_visible()


def test_a_price_in_the_words_is_a_chip_that_can_be_taken_away_and_brought_back(
    shopper: Shopper,
) -> None:
    page = search(shopper, "kettle under $25")
    used = page.get_by_role("button", name="Do not use Up to $25")
    expect(used).to_be_visible()
    assert max(prices(page)) <= 25
    used.click()
    again = page.get_by_role("button", name="Use Up to $25 again")
    expect(again).to_be_visible()
    expect(page.locator("#grid")).to_have_attribute("aria-busy", "false")
    assert max(prices(page)) > 25
    again.click()
    expect(used).to_be_visible()


def test_other_words_start_afresh(shopper: Shopper) -> None:
    page = search(shopper, "kettle under $25")
    page.get_by_role("button", name="Do not use Up to $25").click()
    expect(page.get_by_role("button", name="Use Up to $25 again")).to_be_visible()
    box = page.get_by_role("combobox", name="Search products")
    box.fill("mug under $25")
    box.press("Enter")
    expect(page.get_by_role("button", name="Do not use Up to $25")).to_be_visible()
    assert "ignored" not in page.url


def test_a_condition_no_product_meets_is_dropped_and_said(shopper: Shopper) -> None:
    page = search(shopper, "kettle under $1")
    expect(page.locator("#notice")).to_contain_text("No product matches price up to 1")
    expect(page.locator("#grid .card").first).to_be_visible()


def test_a_half_typed_word_is_not_corrected_until_the_shopper_pauses(shopper: Shopper) -> None:
    page = shopper.open()
    box = page.get_by_role("combobox", name="Search products")
    box.press_sequentially("electrik kettel", delay=15)
    expect(page.locator("#count")).to_have_text(re.compile("“electrik kettel”$"))
    expect(page.locator(".spelling")).to_have_text(
        re.compile("Showing results for electric kettle")
    )
    expect(box).to_have_value("electrik kettel")
