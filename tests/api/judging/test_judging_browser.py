"""Judging in a browser: by keys alone, through a server that is away for a while."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from api.judging.answers import SKIPPED, AnswerLogs
from api.settings import AppSettings
from tests.api.judging.worlds import lamps
from tests.browser import Shopper, ShopServer, open_chromium

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def shopper(tmp_path: Path) -> Iterator[Shopper]:
    server = ShopServer(AppSettings(data=tmp_path))
    server.start()
    with open_chromium() as browser:
        shopper = Shopper(browser, server.url)
        yield shopper
        assert shopper.leave() == []
    server.stop()


def test_products_are_judged_by_keyboard_and_found_on_disk(
    shopper: Shopper, tmp_path: Path
) -> None:
    task = lamps(tmp_path)
    logs = AnswerLogs(tmp_path, task)
    page = shopper.open("/lab/judge/lamps")
    # Routed from the start: a request sent just after routing begins may still slip past.
    away = threading.Event()
    page.route("**/answers", lambda route: route.abort() if away.is_set() else route.continue_())
    page.keyboard.type("Ana")
    page.keyboard.press("Enter")
    order = task.order("ana", task.queries[0])
    expect(page.locator("li[aria-current]")).to_contain_text(f"Title of {order[0]}")
    page.keyboard.press("3")
    page.keyboard.press("j")
    page.keyboard.press("0")
    expect(page.locator("#far")).to_have_text("2 of 5")
    expect(page.locator("#saved")).to_have_text("All saved")
    given = {("lamp", order[0]): 3, ("lamp", order[2]): 0}
    assert logs.read("Ana").given == given

    # The server is away: nothing is lost, and the page says what is not kept yet.
    shopper.expects("ERR_FAILED")
    away.set()
    page.keyboard.press("1")
    expect(page.locator("#saved")).to_contain_text("1 answer not saved yet, trying again")
    assert logs.read("Ana").given == given
    away.clear()
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("#query")).to_have_text("“kettle”")
    assert logs.read("Ana").given == {**given, ("lamp", order[1]): 1}

    page.keyboard.press("u")
    expect(page.locator("li[aria-current]")).to_contain_text(f"Title of {order[1]}")
    assert logs.read("Ana").given == given

    # Another window goes on where this one stands.
    other = page.context.new_page()
    other.goto("/lab/judge/lamps")
    for key, far in (("s", "3 of 5"), ("2", "4 of 5"), ("2", "5 of 5")):
        expect(other.locator("li[aria-current]")).to_be_visible()
        other.keyboard.press("?")
        expect(other.locator("#how")).to_be_visible()
        other.keyboard.press("Escape")
        expect(other.locator("#how")).to_be_hidden()
        other.keyboard.press(key)
        expect(other.locator("#far")).to_have_text(far)
    expect(other.locator("#end")).to_be_visible()
    assert logs.read("Ana").given[("lamp", order[1])] == SKIPPED
    other.locator("#results").click()
    expect(other.locator("body")).to_contain_text("4 of 5 products are graded")
