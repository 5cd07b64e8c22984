"""What the storefront tells of a shopper, from a real browser to the event log on disk."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.api.logged import rows
from tests.browser import Shopper, ShopServer
from tests.browser.fixtures import browser, server, shopper

__all__ = ["browser", "server", "shopper"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SEEN_MS = 1600
PATIENCE = 15.0


@pytest.fixture(autouse=True)
def fresh(server: ShopServer) -> float:
    """When the test began: the log is shared with the tests before."""
    return time.time()


def logged(
    server: ShopServer, since: float, *actions: str, search: str = "", least: int = 1
) -> list[dict[str, Any]]:
    """The events of these actions since then (of one search), once there are so many."""
    end = time.monotonic() + PATIENCE
    while True:
        found = rows(server.settings.data, "events")
        events = [e for e in found if e["time"] >= since and e["action"] in actions]
        events = [e for e in events if e["search_id"] == search or not search]
        if len(events) >= least or time.monotonic() > end:
            return events
        time.sleep(0.3)


def opened(shopper: Shopper, path: str = "/?q=kettle", **options: Any) -> Page:
    page = shopper.open(path, **options)
    expect(page.locator("#grid .card:not(.skeleton)").first).to_be_visible()
    return page


def shown(page: Page) -> dict[str, Any]:
    """The answer that the page shows, as the server logged it."""
    with page.expect_response(re.compile(r"/v1/search\?")) as answer:
        page.reload()
    body: dict[str, Any] = answer.value.json()
    expect(page.locator("#grid .card:not(.skeleton)").first).to_be_visible()
    return body


def in_view(page: Page) -> int:
    """How many cards are at least half in the window."""
    count: int = page.evaluate(
        """() => [...document.querySelectorAll("#grid .card")].filter((card) => {
          const { top, bottom, height } = card.getBoundingClientRect();
          return Math.min(bottom, innerHeight) - Math.max(top, 0) >= height / 2;
        }).length"""
    )
    return count


def test_only_products_that_were_really_seen_count_as_seen(
    shopper: Shopper, server: ShopServer, fresh: float
) -> None:
    page = opened(shopper, viewport={"width": 1280, "height": 800})
    body = shown(page)
    page.wait_for_timeout(SEEN_MS)
    seen = in_view(page)
    assert 0 < seen < len(body["hits"])
    page.close(run_before_unload=True)
    events = logged(server, fresh, "impression", search=body["query_id"], least=seen)
    ids = [hit["id"] for hit in body["hits"]]
    assert sorted(e["position"] for e in events) == list(range(1, seen + 1))
    assert {e["product"] for e in events} == set(ids[:seen])
    assert {e["query"] for e in events} == {"kettle"}
    [search] = [
        s for s in rows(server.settings.data, "searches") if s["search_id"] == body["query_id"]
    ]
    assert search["products"] == ids
    assert {(e["client"], e["session"]) for e in events} == {(search["client"], search["session"])}


def test_a_glance_or_a_covered_page_is_no_impression(
    shopper: Shopper, server: ShopServer, fresh: float
) -> None:
    page = opened(shopper)
    body = shown(page)
    page.locator("#open-cart").click()
    page.wait_for_timeout(SEEN_MS)
    page.locator("#grid .title a").nth(20).evaluate(
        "link => { document.getElementById('close-cart').click(); link.click(); }"
    )
    events = logged(server, fresh, "click")
    assert [e["position"] for e in events] == [21]
    seen = logged(server, fresh, "impression", search=body["query_id"])
    assert [e["position"] for e in seen] == [21]


def test_what_is_opened_carted_and_bought_is_told_to_its_search(
    shopper: Shopper, server: ShopServer, fresh: float
) -> None:
    page = opened(shopper)
    body = shown(page)
    able = next(i for i, hit in enumerate(body["hits"]) if hit["price"] and (hit["stock"] or 0) > 0)
    hit = body["hits"][able]
    page.locator("#grid .title a").nth(able).click()
    dialog = page.get_by_role("dialog", name=hit["title"])
    dialog.get_by_role("button", name="Add to cart").click()
    page.wait_for_timeout(700)
    dialog.get_by_role("button", name="Add to cart").click()
    expect(page.locator("#cart-count")).to_have_text("2")
    dialog.get_by_role("button", name="View cart").click()
    cart = page.get_by_role("dialog", name="Cart")
    expect(cart.get_by_role("listitem")).to_have_count(1)
    cart.get_by_role("button", name="Buy").click()
    expect(cart).to_contain_text("nothing was charged")
    expect(page.locator("#cart-count")).to_be_hidden()
    cart.get_by_role("button", name="Close cart").click()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    actions = ("click", "view", "add_to_cart", "purchase")
    events = logged(server, fresh, *actions, search=body["query_id"], least=5)
    assert Counter(e["action"] for e in events) == {
        **{"click": 1, "view": 1, "add_to_cart": 2, "purchase": 1}
    }
    assert {(e["product"], e["position"]) for e in events} == {(hit["id"], able + 1)}
    [view] = [e for e in events if e["action"] == "view"]
    assert 0.5 <= view["dwell"] < 60
    [purchase] = [e for e in events if e["action"] == "purchase"]
    assert purchase["value"] == pytest.approx(2 * hit["price"])
    assert json.loads(purchase["attributes"])["quantity"] == 2


def test_what_is_sent_again_counts_once(shopper: Shopper, server: ShopServer, fresh: float) -> None:
    """The first answer is lost on its way, so the page sends the same events again."""
    shopper.expects("ERR_FAILED|Failed to load resource")
    page = opened(shopper)
    sent: list[list[str]] = []

    def lose_the_first(route: Route) -> None:
        batch = json.loads(route.request.post_data or "{}")["events"]
        sent.append([event["event_id"] for event in batch])
        if len(sent) == 1:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route("**/v1/events", lose_the_first)
    page.locator("#grid .title a").first.click()
    for _ in range(60):
        if len(sent) >= 2:
            break
        page.wait_for_timeout(250)
    assert set(sent[0]) <= set(sent[1])
    page.wait_for_timeout(500)
    kept = Counter(e["event_id"] for e in logged(server, fresh, "click", "impression"))
    assert all(kept[each] == 1 for each in sent[0])


def test_what_waits_is_sent_when_the_page_is_left(
    shopper: Shopper, server: ShopServer, fresh: float
) -> None:
    page = opened(shopper)
    page.locator("#grid .title a").nth(2).click()
    page.goto("about:blank")
    clicks = logged(server, fresh, "click")
    assert [e["position"] for e in clicks] == [3]


def test_the_cart_works_by_keyboard_and_stays_after_a_reload(shopper: Shopper) -> None:
    page = opened(shopper, "/?q=kettle&filter.in_stock=true")
    page.locator("#grid .title a").first.press("Enter")
    add = page.get_by_role("button", name="Add to cart")
    add.press("Enter")
    page.keyboard.press("Escape")
    page.wait_for_url(lambda url: "product=" not in url)
    page.reload()
    button = page.get_by_role("button", name="Cart, 1 item")
    button.press("Enter")
    cart = page.get_by_role("dialog", name="Cart")
    more = cart.get_by_role("button", name=re.compile("^One more"))
    more.press("Enter")
    expect(more).to_be_focused()
    expect(page.locator("#cart-count")).to_have_text("2")
    cart.get_by_role("button", name=re.compile("^Remove from the cart")).press("Enter")
    expect(cart).to_contain_text("Your cart is empty")
    page.keyboard.press("Escape")
    expect(cart).to_be_hidden()
    expect(button.or_(page.get_by_role("button", name="Cart, empty"))).to_be_focused()


def test_a_browser_that_asks_not_to_be_tracked_has_no_number(
    shopper: Shopper, server: ShopServer, fresh: float
) -> None:
    page = opened(shopper, "/?q=lamp")
    expect(page.locator("#logged")).to_contain_text("random number")
    assert page.evaluate("localStorage.getItem('aisle.client')")
    page.add_init_script(
        "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => true })"
    )
    with page.expect_request(re.compile(r"/v1/search\?")) as asked:
        page.goto("/?q=kettle")
    assert "client_id" not in asked.value.url
    expect(page.locator("#logged")).to_contain_text("asks not to be tracked")
    assert page.evaluate("localStorage.getItem('aisle.client')") is None
    page.locator("#grid .title a").first.click()
    clicks = [e for e in logged(server, fresh, "click") if e["query"] == "kettle"]
    assert [e["client"] for e in clicks] == [""]


def test_asking_why_or_for_versions_logs_no_search(
    shopper: Shopper, server: ShopServer, fresh: float
) -> None:
    page = opened(shopper)
    body = shown(page)
    page.locator("#grid summary").first.click()
    expect(page.locator(".why-panel").first).not_to_contain_text("Asking")
    page.locator("#grid .title a").first.click()
    expect(page.locator("#product .shelf").first).to_be_visible()
    time.sleep(1)
    made = [s for s in rows(server.settings.data, "searches") if s["time"] >= fresh - 0.1]
    assert {s["query"] for s in made} == {"kettle"}
    assert sum(s["search_id"] == body["query_id"] for s in made) == 1
