"""The box's suggestions in a real browser: by keyboard, by mouse, by finger, without script."""

from __future__ import annotations

import contextlib
import re

import pytest
from playwright.sync_api import Error, Locator, Page, Route, expect

from tests.browser import Shopper
from tests.browser.fixtures import browser, server, shopper

__all__ = ["browser", "server", "shopper"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def box(page: Page) -> Locator:
    return page.get_by_role("combobox", name="Search products")


def suggestions(page: Page) -> Locator:
    return page.get_by_role("group", name="Searches").get_by_role("option")


def typed(page: Page, text: str) -> Locator:
    """Types, and waits until the list is open with suggestions for all of it."""
    with page.expect_response(lambda r: f"/v1/suggest?q={text.replace(' ', '+')}&" in r.url):
        box(page).press_sequentially(text, delay=10)
    expect(page.get_by_role("listbox", name="Suggestions")).to_be_visible()
    return suggestions(page)


def test_words_and_products_come_while_typing(shopper: Shopper) -> None:
    page = shopper.open()
    expect(box(page)).to_have_attribute("aria-expanded", "false")
    found = typed(page, "ket")
    expect(box(page)).to_have_attribute("aria-expanded", "true")
    expect(found.first).to_have_text(re.compile("^kettle", re.IGNORECASE))
    expect(found.first.locator("mark")).to_have_text(re.compile("^ket$", re.IGNORECASE))
    rows = page.get_by_role("group", name="Products").get_by_role("option")
    expect(rows.first.locator("img")).to_be_visible()
    expect(rows.first.locator(".price")).to_have_text(re.compile(r"^\$\d"))
    expect(page.locator("#suggest-status")).to_have_text(re.compile(r"\d suggestions, \d products"))


def test_arrows_and_enter_take_a_suggestion(shopper: Shopper) -> None:
    page = shopper.open()
    found = typed(page, "kettl")
    box(page).press("ArrowDown")
    box(page).press("ArrowDown")
    box(page).press("ArrowUp")
    first = found.first
    expect(first).to_have_attribute("aria-selected", "true")
    expect(box(page)).to_have_attribute("aria-activedescendant", first.get_attribute("id") or "?")
    expect(box(page)).to_be_focused()
    words = first.locator(".suggestion-text").inner_text()
    box(page).press("Enter")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(box(page)).to_have_value(words)
    expect(page.locator("#count")).to_have_text(re.compile(f"“{re.escape(words)}”$"))
    box(page).press("ArrowUp")
    expect(page.get_by_role("listbox")).to_be_hidden()


def test_up_from_the_box_is_the_last_and_escape_gives_the_words_back(shopper: Shopper) -> None:
    page = shopper.open()
    typed(page, "ket")
    box(page).press("ArrowUp")
    expect(page.get_by_role("listbox").get_by_role("option").last).to_have_attribute(
        "aria-selected", "true"
    )
    box(page).press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(box(page)).to_have_value("ket")
    expect(box(page)).not_to_have_attribute("aria-activedescendant", re.compile("."))
    box(page).press("ArrowDown")
    expect(page.get_by_role("listbox")).to_be_visible()
    box(page).press("Tab")
    expect(page.get_by_role("listbox")).to_be_hidden()


def test_enter_without_a_choice_searches_what_was_typed(shopper: Shopper) -> None:
    page = shopper.open()
    typed(page, "ket")
    box(page).press("Enter")
    expect(page.get_by_role("listbox")).to_be_hidden()
    page.wait_for_timeout(400)
    expect(page.get_by_role("listbox")).to_be_hidden()
    assert page.url.endswith("/?q=ket")


def test_a_category_is_searched_with_its_filter(shopper: Shopper) -> None:
    page = shopper.open("/?q=lamp&filter.color=red")
    box(page).fill("")
    scoped = typed(page, "stainless").filter(has_text=re.compile("in Kitchen$")).first
    scoped.click()
    expect(page.get_by_role("listbox")).to_be_hidden()
    page.wait_for_function("() => location.search.includes('filter.category=')")
    assert "filter.color" not in page.url
    expect(page.get_by_role("button", name="Remove filter Kitchen")).to_be_visible()
    expect(page.locator("#grid .card:not(.skeleton)").first).to_be_visible()


def test_a_category_itself_is_shown_whole(shopper: Shopper) -> None:
    page = shopper.open()
    typed(page, "kettles").filter(has_text="in Coffee & Tea").first.click()
    expect(page.locator("#chips .chip")).to_have_text(["Kettles"])
    expect(box(page)).to_have_value("")
    assert page.url.endswith("/?filter.category=Kitchen+%3E+Coffee+%26+Tea+%3E+Kettles")


def test_a_product_opens_at_once(shopper: Shopper) -> None:
    page = shopper.open()
    typed(page, "teapot")
    row = page.get_by_role("group", name="Products").get_by_role("option").first
    title = row.locator(".suggestion-text").inner_text()
    row.click()
    expect(page.locator("#product-title")).to_have_text(title)


def test_late_suggestions_never_replace_newer_ones(shopper: Shopper) -> None:
    shopper.expects("ERR_ABORTED|ERR_FAILED")
    page = shopper.open()
    held: list[Route] = []
    page.route("**/v1/suggest?q=lam&*", lambda route: held.append(route))
    box(page).fill("lam")
    page.wait_for_timeout(200)
    box(page).fill("kettle")
    expect(suggestions(page).first).to_have_text(re.compile("kettle", re.IGNORECASE))
    assert len(held) == 1
    with contextlib.suppress(Error):
        held[0].continue_()
    page.wait_for_timeout(200)
    expect(suggestions(page).first).to_have_text(re.compile("kettle", re.IGNORECASE))


def test_hostile_titles_stay_text(shopper: Shopper) -> None:
    page = shopper.open()
    typed(page, "samovar")
    expect(page.get_by_role("listbox").get_by_role("option").last).to_contain_text("<img src=x")


def test_on_a_phone_the_list_fits_and_a_tap_chooses(shopper: Shopper) -> None:
    page = shopper.open(viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True)
    found = typed(page, "ket")
    area = page.get_by_role("listbox").bounding_box()
    assert area is not None
    assert area["x"] >= 0
    assert area["x"] + area["width"] <= 360
    assert area["y"] + area["height"] <= 640
    assert area["width"] > 300
    found.first.tap()
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(page.locator("#count")).to_have_text(re.compile("“kettle", re.IGNORECASE))


def test_without_suggestions_the_box_still_searches(shopper: Shopper) -> None:
    shopper.expects("500")
    page = shopper.open()
    page.route("**/v1/suggest?*", lambda route: route.fulfill(status=500, body="{}"))
    box(page).fill("kettle")
    expect(page.locator("#count")).to_have_text(re.compile("“kettle”$"))
    expect(page.get_by_role("listbox")).to_be_hidden()


def test_without_script_it_is_a_plain_form(shopper: Shopper) -> None:
    page = shopper.open(java_script_enabled=False)
    page.locator("#q").fill("kettle")
    page.locator("#q").press("Enter")
    page.wait_for_url("**/?q=kettle")
    expect(page.locator("noscript")).to_be_visible()
