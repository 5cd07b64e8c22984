"""The storefront in a real browser: searching, filtering, sorting, paging, going back."""

from __future__ import annotations

import contextlib
import re

import pytest
from playwright.sync_api import Error, Page, Route, expect

from tests.browser import Shopper
from tests.browser.fixtures import browser, server, shopper

__all__ = ["browser", "server", "shopper"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGE = 24


def titles(page: Page) -> list[str]:
    return page.locator("#grid .title").all_inner_texts()


def prices(page: Page) -> list[float]:
    texts = page.locator("#grid .price").all_inner_texts()
    return [float(text.strip("$").replace(",", "")) for text in texts]


def searched(page: Page, words: str) -> None:
    """Waits until the results are those of `words`."""
    expect(page.locator("#count")).to_have_text(re.compile(f"“{re.escape(words)}”$"))
    expect(page.locator("#grid")).to_have_attribute("aria-busy", "false")


def count(page: Page) -> int:
    found = re.match(r"(?:About )?([\d,]+) products?", page.locator("#count").inner_text())
    assert found
    return int(found[1].replace(",", ""))


def check(page: Page, group: str, value: str) -> None:
    page.get_by_role("group", name=group, exact=True).get_by_label(value).first.click()


def test_a_first_visit_shows_departments_and_popular_products(shopper: Shopper) -> None:
    page = shopper.open()
    expect(page.locator("#grid .card:not(.skeleton)")).to_have_count(PAGE)
    tile = page.get_by_role("list", name="Departments").get_by_role("link").first
    name = tile.locator(".tile-name").inner_text()
    tile.click()
    expect(page.locator("#hero")).to_be_hidden()
    expect(page.get_by_role("button", name=f"Remove filter {name}")).to_be_visible()
    assert "filter.category=" in page.url
    page.get_by_role("link", name="Aisle, start page").click()
    expect(page.locator("#hero")).to_be_visible()


def test_it_searches_as_one_types_and_keeps_the_focus(shopper: Shopper) -> None:
    page = shopper.open()
    box = page.get_by_role("combobox", name="Search products")
    box.press_sequentially("kettle", delay=20)
    searched(page, "kettle")
    assert page.url.endswith("/?q=kettle")
    expect(box).to_be_focused()
    expect(page.locator("#grid mark").first).to_have_text(re.compile("kettle", re.IGNORECASE))
    expect(page.locator("#announce")).to_have_text(re.compile(r"\d products for “kettle”"))
    expect(page).to_have_title("kettle – Aisle")
    box.press("Control+a")
    box.press_sequentially("lamp")
    box.press("Enter")
    searched(page, "lamp")
    expect(box).to_be_focused()


def test_an_answer_to_earlier_words_never_replaces_a_later_one(shopper: Shopper) -> None:
    shopper.expects("ERR_ABORTED|ERR_FAILED")
    page = shopper.open()
    held: list[Route] = []
    page.route("**/v1/search?q=lamp&*", lambda route: held.append(route))
    box = page.locator("#q")
    box.fill("lamp")
    page.wait_for_function("() => location.search === '?q=lamp'")
    box.fill("kettle")
    searched(page, "kettle")
    before = titles(page)
    assert len(held) == 1
    with contextlib.suppress(Error):  # The page has given this request up already.
        held[0].continue_()
    page.wait_for_timeout(300)
    searched(page, "kettle")
    assert titles(page) == before


def test_filters_narrow_and_can_be_taken_off(shopper: Shopper) -> None:
    page = shopper.open("/?q=kettle")
    searched(page, "kettle")
    everything = count(page)
    check(page, "Color", "Red")
    expect(page.get_by_role("button", name="Remove filter Red")).to_be_visible()
    searched(page, "kettle")
    red = count(page)
    assert 0 < red < everything
    check(page, "Color", "Blue")
    expect(page.get_by_role("button", name="Remove filter Blue")).to_be_visible()
    searched(page, "kettle")
    assert red < count(page) < everything
    assert page.url.endswith("?q=kettle&filter.color=red&filter.color=blue")
    page.get_by_role("button", name="Remove filter Red").click()
    expect(page.get_by_role("button", name="Remove filter Red")).to_have_count(0)
    check(page, "Availability", "In stock only")
    page.get_by_role("button", name="Clear all").click()
    expect(page.locator("#chips")).to_be_hidden()
    searched(page, "kettle")
    assert count(page) == everything
    assert page.url.endswith("?q=kettle")


def test_a_count_beside_a_filter_is_what_the_filter_gives(shopper: Shopper) -> None:
    page = shopper.open("/?filter.category=Kitchen")
    option = page.get_by_role("group", name="Brand").locator("li").nth(1)
    promised = int(option.locator(".quiet").inner_text())
    name = option.locator("span:not(.quiet)").inner_text()
    option.locator("input").check()
    expect(page.locator("#chips .chip")).to_have_text(["Kitchen", name])
    expect(page.locator("#count")).to_have_text(f"{promised} products")
    assert set(page.locator("#grid .brand").all_inner_texts()) == {name}


def test_a_long_filter_can_be_searched_and_unfolded(shopper: Shopper) -> None:
    page = shopper.open("/?filter.price=1..")
    brands = page.get_by_role("group", name="Brand")
    shown = brands.locator("li:visible")
    expect(shown).to_have_count(6)
    last = brands.locator("li").last.locator("span:not(.quiet)").inner_text(timeout=2000) or ""
    brands.get_by_role("button", name=re.compile("Show all")).click()
    assert shown.count() > 10
    brands.get_by_role("searchbox", name="Find in brand").fill(
        brands.locator("li").nth(9).locator("span:not(.quiet)").inner_text()[:6].lower()
    )
    assert 1 <= shown.count() < 6, last


def test_prices_between_two_bounds_in_order(shopper: Shopper) -> None:
    page = shopper.open("/?q=kettle")
    searched(page, "kettle")
    page.get_by_label("Price, from").fill("20")
    page.get_by_label("Price, to").fill("60")
    page.get_by_label("Price, to").press("Enter")
    expect(page.get_by_role("button", name="Remove filter Price: $20 – $60")).to_be_visible()
    page.get_by_label("Sort by").select_option("price_asc")
    page.wait_for_function("() => location.search.includes('sort=price_asc')")
    searched(page, "kettle")
    found = prices(page)
    assert found == sorted(found)
    assert 20 <= found[0] <= found[-1] <= 60
    page.get_by_label("Sort by").select_option("price_desc")
    expect(page.locator("#grid .price").first).not_to_have_text(f"${found[0]:.2f}")
    assert prices(page) == sorted(prices(page), reverse=True)


def test_a_department_opens_into_its_parts_and_back(shopper: Shopper) -> None:
    page = shopper.open("/?q=kettle")
    departments = page.get_by_role("group", name="Department")
    departments.get_by_role("link", name=re.compile("^Kitchen")).click()
    expect(page.get_by_role("button", name="Remove filter Kitchen")).to_be_visible()
    departments.get_by_role("link", name=re.compile("^Coffee & Tea")).click()
    expect(departments.locator(".current")).to_have_text("Coffee & Tea")
    expect(departments.get_by_role("link", name=re.compile("^Kettles"))).to_be_visible()
    departments.get_by_role("link", name="All departments").click()
    expect(page.locator("#chips")).to_be_hidden()


def test_more_products_come_below_without_repeating_any(shopper: Shopper) -> None:
    page = shopper.open("/?q=stainless+steel")
    searched(page, "stainless steel")
    first = titles(page)
    page.get_by_role("button", name="Show more").click()
    cards = page.locator("#grid .card")
    expect(cards).to_have_count(2 * PAGE)
    links = page.locator("#grid .title a")
    addresses = links.evaluate_all("links => links.map(link => link.href)")
    assert len(set(addresses)) == 2 * PAGE
    assert titles(page)[:PAGE] == first
    expect(links.nth(PAGE)).to_be_focused()
    page.reload()
    expect(cards).to_have_count(2 * PAGE)


def test_an_outdated_page_of_results_is_brought_up_to_date(shopper: Shopper) -> None:
    shopper.expects("status of 422")
    page = shopper.open("/?q=stainless+steel")
    searched(page, "stainless steel")
    # The server refuses a cursor it cannot use; here one that was damaged on the way.
    page.route("**/v1/search?*cursor=*", lambda route: route.continue_(url=route.request.url + "x"))
    page.get_by_role("button", name="Show more").click()
    expect(page.locator("#notice")).to_contain_text("The catalogue changed")
    expect(page.locator("#grid .card")).to_have_count(2 * PAGE)


def test_back_and_forward_restore_words_filters_and_place(shopper: Shopper) -> None:
    page = shopper.open("/?q=stainless+steel")
    searched(page, "stainless steel")
    page.get_by_role("button", name="Show more").click()
    expect(page.locator("#grid .card")).to_have_count(2 * PAGE)
    page.locator("#grid .card").nth(40).scroll_into_view_if_needed()
    place = page.evaluate("scrollY")
    assert place > 1000
    page.locator("#q").fill("lamp")
    searched(page, "lamp")
    assert page.evaluate("scrollY") == 0
    page.go_back()
    searched(page, "stainless steel")
    expect(page.locator("#q")).to_have_value("stainless steel")
    expect(page.locator("#grid .card")).to_have_count(2 * PAGE)
    page.wait_for_function("place => Math.abs(scrollY - place) < 200", arg=place)
    page.go_forward()
    searched(page, "lamp")
    expect(page.locator("#q")).to_have_value("lamp")


def test_typing_is_one_step_back(shopper: Shopper) -> None:
    page = shopper.open("/?q=lamp")
    searched(page, "lamp")
    box = page.locator("#q")
    for words in ("k", "ket", "kettle"):
        box.fill(words)
        page.wait_for_function("words => location.search === '?q=' + words", arg=words)
    page.go_back()
    searched(page, "lamp")


def test_an_address_can_be_shared(shopper: Shopper) -> None:
    path = "/?q=kettle&sort=price_desc&filter.color=red&filter.price=10..90&filter.in_stock=true"
    page = shopper.open(path)
    searched(page, "kettle")
    assert page.get_by_label("Sort by").input_value() == "price_desc"
    chips = page.locator("#chips .chip").all_inner_texts()
    assert sorted(chips) == ["In stock", "Price: $10 – $90", "Red"]
    found = prices(page)
    assert found == sorted(found, reverse=True)
    assert found[0] <= 90
