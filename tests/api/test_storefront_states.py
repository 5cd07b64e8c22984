"""The storefront in a real browser: what it says when things go wrong, and who can use it."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser import Shopper, ShopServer
from tests.browser.fixtures import ATTACK, browser, server, shopper

__all__ = ["browser", "server", "shopper"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PHONE = {"width": 375, "height": 720}
CARDS = "#grid .card:not(.skeleton)"


def overflow(page: Page) -> int:
    """Pixels by which the page is wider than its window."""
    width = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert isinstance(width, int)
    return width


def test_a_search_by_keyboard_alone(shopper: Shopper) -> None:
    page = shopper.open()
    expect(page.locator(CARDS).first).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("kettle")
    page.keyboard.press("Enter")
    expect(page.locator("#count")).to_have_text(re.compile("“kettle”"))
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('.card') !== null"):
            break
    link = page.locator("#grid .title a").first
    expect(link).to_be_focused()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name=link.inner_text())
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(link).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".why[open] .bar-fill").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".why[open]")).to_have_count(0)


def test_a_filter_switched_by_keyboard_keeps_the_focus(shopper: Shopper) -> None:
    page = shopper.open("/?q=kettle")
    box = page.get_by_role("group", name="Availability").get_by_role("checkbox")
    box.focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Remove filter In stock")).to_be_visible()
    expect(box).to_be_checked()
    expect(box).to_be_focused()


def test_the_skip_link_leads_to_the_results(shopper: Shopper) -> None:
    page = shopper.open("/?q=kettle")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to results")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def test_everything_has_a_name_for_screen_readers(shopper: Shopper) -> None:
    page = shopper.open("/?q=kettle&filter.color=red")
    expect(page.locator(CARDS).first).to_be_visible()
    nameless = page.evaluate("""() => {
        const named = e => e.labels?.length || e.ariaLabel || e.textContent.trim();
        return [...document.querySelectorAll("button, a, input, select, summary")]
            .filter(e => e.checkVisibility() && !named(e)).map(e => e.outerHTML);
    }""")
    assert nameless == []
    assert page.locator("img:not([alt])").count() == 0
    assert page.locator("h1:visible").count() == 1
    for role in ("banner", "main", "search", "complementary", "contentinfo", "status"):
        expect(page.get_by_role(role).first).to_be_attached()


def test_on_a_phone_the_filters_are_in_a_drawer(shopper: Shopper) -> None:
    page = shopper.open("/?q=kettle", viewport=PHONE)
    expect(page.locator(CARDS).first).to_be_visible()
    expect(page.locator("#facets")).to_be_hidden()
    assert overflow(page) <= 0
    opener = page.get_by_role("button", name="Filters")
    opener.click()
    drawer = page.get_by_role("dialog", name="Filters")
    drawer.get_by_label("In stock only").check()
    # The button still promises the earlier count until the new answer is drawn.
    expect(page.locator("#filter-count")).to_have_text("1")
    expect(page.locator("#grid")).to_have_attribute("aria-busy", "false")
    apply = drawer.get_by_role("button", name=re.compile(r"Show [\d,]+ products"))
    promised = apply.inner_text().removeprefix("Show ")
    expect(page.locator("#count")).to_have_text(f"{promised} for “kettle”")
    apply.click()
    expect(drawer).to_be_hidden()
    expect(page.locator("#filter-count")).to_have_text("1")
    opener.click()
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(opener).to_be_focused()


@pytest.mark.parametrize(
    "path", ["/", "/?q=kettle&product=P00001", "/?q=kettle&filter.price=..0.01"]
)
@pytest.mark.parametrize("width", [320, 768])
def test_nothing_is_wider_than_the_window(shopper: Shopper, path: str, width: int) -> None:
    page = shopper.open(path, viewport={"width": width, "height": 700})
    expect(page.locator(f"{CARDS}, .empty").first).to_be_attached()
    assert overflow(page) <= 0


def test_nothing_found_says_what_to_try(shopper: Shopper) -> None:
    page = shopper.open("/?q=kettle&filter.price=..0.01")
    message = page.locator("#message")
    expect(message).to_contain_text("No products found for “kettle”")
    expect(page.locator("#announce")).to_have_text("No products found for “kettle”")
    message.get_by_role("link", name="Clear all filters").click()
    expect(page.locator(CARDS).first).to_be_visible()
    expect(message).to_be_hidden()


def test_relaxed_searches_say_so(shopper: Shopper) -> None:
    page = shopper.open("/?q=kettle+qwxyzzyx")
    expect(page.locator("#notice")).to_contain_text("No product has all of these words")
    page = shopper.open("/?q=qwxyzzyx")
    expect(page.locator("#notice")).to_contain_text("close in meaning")
    expect(page.locator("#count")).to_have_text("Closest matches for “qwxyzzyx”")


def test_a_server_that_is_away_and_comes_back(shopper: Shopper, server: ShopServer) -> None:
    shopper.expects("ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET")
    page = shopper.open("/?q=kettle")
    expect(page.locator(CARDS).first).to_be_visible()
    server.stop()
    try:
        page.locator("#q").fill("lamp")
        expect(page.get_by_role("alert")).to_contain_text("The shop cannot be reached")
        page.wait_for_timeout(1_500)  # words that were being typed are asked for once more
        expect(page.get_by_role("alert")).to_contain_text("The shop cannot be reached")
    finally:
        server.start()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#count")).to_have_text(re.compile("“lamp”"))
    expect(page.get_by_role("alert")).to_have_count(0)


def test_offline_is_said_and_ends_by_itself(shopper: Shopper) -> None:
    shopper.expects("ERR_INTERNET_DISCONNECTED")
    page = shopper.open("/?q=kettle")
    expect(page.locator(CARDS).first).to_be_visible()
    page.context.set_offline(True)
    page.locator("#q").fill("lamp")
    expect(page.get_by_role("alert")).to_contain_text("You are offline")
    page.context.set_offline(False)
    expect(page.locator("#count")).to_have_text(re.compile("“lamp”"))


def test_a_refused_search_shows_the_servers_reason_and_a_way_out(shopper: Shopper) -> None:
    shopper.expects("status of 422")
    page = shopper.open("/?q=kettle&filter.attributes.nonesuch=1")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("unknown filter 'attributes.nonesuch'")
    alert.get_by_role("button", name="Clear all filters").click()
    expect(page.locator(CARDS).first).to_be_visible()


def test_a_product_is_text_whatever_it_says(shopper: Shopper) -> None:
    page = shopper.open("/?q=samovar")
    title = page.locator("#grid .title").first
    expect(title).to_have_text(ATTACK)
    expect(title.locator("mark")).to_have_text("samovar")
    title.locator("a").click()
    dialog = page.locator("dialog.product")
    expect(dialog).to_contain_text("<script>document.body.remove()</script>")
    expect(dialog).to_contain_text("<svg onload=document.body.remove()>")
    page.goto(f"/?q={quote(ATTACK)}&filter.brand={quote('<b>Bold</b>')}")
    expect(page.locator("#chips")).to_contain_text("<b>Bold</b>")
    expect(page.locator("#count")).to_contain_text(ATTACK)
    assert page.locator("main img[src=x], main b, main i, main u, body script").count() == 0
    assert page.evaluate("document.body !== null")


def test_a_picture_that_cannot_be_had_leaves_a_placeholder(shopper: Shopper) -> None:
    shopper.expects("ERR_FAILED.*/images/")
    page = shopper.open()
    page.route("**/images/**", lambda route: route.abort())
    page.goto("/?q=kettle")
    card = page.locator(CARDS).first
    expect(card.locator(".placeholder")).to_be_visible()
    box = card.locator(".picture").bounding_box()
    assert box is not None
    assert abs(box["width"] - box["height"]) < 2


def test_a_price_of_unknown_currency_keeps_its_cents(shopper: Shopper) -> None:
    page = shopper.open("/?q=kettle")

    def without_currency(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        for hit in body["hits"]:
            hit |= {"price": 30.8, "currency": None}
        route.fulfill(response=answer, json=body)

    page.route("**/v1/search*", without_currency)
    page.reload()
    expect(page.locator("#grid .price").first).to_have_text("30.80")


def test_a_product_has_an_address_of_its_own(shopper: Shopper) -> None:
    shopper.expects("status of 404")
    page = shopper.open("/?q=kettle")
    link = page.locator("#grid .title a").first
    title = link.inner_text()
    link.click()
    dialog = page.locator("dialog.product")
    expect(dialog.get_by_role("heading", name=title)).to_be_visible()
    expect(dialog.get_by_role("heading", name="Similar products")).to_be_visible()
    expect(dialog.get_by_role("rowheader", name="Color")).to_be_visible()
    page.reload()
    expect(dialog.get_by_role("heading", name=title)).to_be_visible()
    expect(page).to_have_title(f"{title} – Aisle")
    dialog.get_by_role("button", name="Close product").click()
    expect(page).to_have_url(re.compile(r"/\?q=kettle$"))
    page.goto("/?product=nonesuch")
    expect(dialog).to_contain_text("This product is no longer sold")


def test_other_versions_are_one_click_away(shopper: Shopper) -> None:
    page = shopper.open("/?q=kettle")
    card = page.locator(CARDS, has_text="more version").first
    card.locator(".title a").click()
    dialog = page.locator("dialog.product")
    shelf = dialog.locator(".shelf", has_text="Other versions")
    other = shelf.get_by_role("link").first
    name = other.inner_text()
    other.click()
    expect(dialog.locator("#product-title")).to_have_text(name)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page).to_have_url(re.compile(r"/\?q=kettle$"))


def test_why_here_shows_each_stage_as_a_bar(shopper: Shopper) -> None:
    page = shopper.open("/?q=kettle")
    why = page.locator("details.why").first
    why.locator("summary").click()
    expect(why).to_contain_text("Found by its words")
    rows = why.locator(".why-row")
    assert rows.locator("dt").all_inner_texts() == ["Words", "Meaning", "Understanding", "Together"]
    expect(rows.last).to_contain_text("No. 1 ·")
    full = rows.last.locator(".bar").bounding_box()
    fill = rows.last.locator(".bar-fill").bounding_box()
    assert full is not None
    assert fill is not None
    assert fill["width"] == pytest.approx(full["width"], abs=1)
    page.locator("#count").click()
    expect(why.locator(".why-panel")).to_be_hidden()


def test_colors_follow_the_system_and_motion_can_be_off(shopper: Shopper) -> None:
    ink = "getComputedStyle(document.body).color"
    light = shopper.open(color_scheme="light").evaluate(ink)
    page = shopper.open(color_scheme="dark", reduced_motion="reduce")
    assert page.evaluate(ink) != light
    page.get_by_role("button", name="Filters").click()
    assert page.evaluate("document.getAnimations().length") == 0
