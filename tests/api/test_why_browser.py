"""The picture under "Why here": bars that tell hits apart, and names that people read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.browser import Shopper
from tests.browser.fixtures import browser, server, shopper

__all__ = ["browser", "server", "shopper"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SCORES = (-0.25, -1.5, -2.75, -4.0)
"""What a model gives the first hits."""


def explained(shopper: Shopper, change: Callable[[list[Any]], None], nth: int) -> Locator:
    """The panel of one hit of a page whose explanation was changed."""

    def answer(route: Route) -> None:
        response = route.fetch()
        body = response.json()
        change(body["hits"])
        route.fulfill(response=response, json=body)

    page = shopper.open("/?q=kettle")
    page.route("**/v1/search?*explain=true*", answer)
    expect(page.locator("#grid")).to_have_attribute("aria-busy", "false")
    card = page.locator("#grid .card").nth(nth)
    card.get_by_text("Why here").click()
    expect(card.locator(".why-row").first).to_be_visible()
    return card.locator(".why-panel")


def scored(hits: list[Any]) -> None:
    """As if a model had ordered the first hits, below 0 throughout."""
    for place, (hit, score) in enumerate(zip(hits, SCORES, strict=False), 1):
        hit["why"].append({"stage": "model", "rank": place, "score": score})
        reasons = [("title_bm25", "match of the title", 1.5), ("price", "price", -1.9e-17)]
        hit["reasons"] = {
            "score": score,
            "base": 0.0,
            "query": -1.9e-17,
            "features": [
                {"feature": name, "label": label, "text": "8.49", "value": 8.49,
                 "contribution": added, "shared": False}
                for name, label, added in reasons
            ],
        }  # fmt: skip


@pytest.mark.parametrize(("nth", "share"), [(0, 1.0), (1, 2 / 3), (2, 1 / 3), (3, 0.02)])
def test_bars_reach_from_the_lowest_to_the_best_of_the_page(
    shopper: Shopper, nth: int, share: float
) -> None:
    row = explained(shopper, scored, nth).locator(".why-row.model")
    bar, fill = row.locator(".bar").bounding_box(), row.locator(".bar-fill").bounding_box()
    assert bar is not None
    assert fill is not None
    assert fill["width"] / bar["width"] == pytest.approx(share, abs=0.01)


def test_features_are_told_as_people_call_them_and_nothing_as_nothing(shopper: Shopper) -> None:
    panel = explained(shopper, scored, 0)
    expect(panel.locator(".reason")).to_have_count(1)
    name = panel.locator(".reason dt")
    expect(name).to_have_text("match of the title 8.49")
    expect(name).to_have_attribute("title", "title_bm25")
    expect(panel).to_contain_text("The query itself, whatever the product: 0.")


def test_what_rules_put_before_a_hit_is_told(shopper: Shopper) -> None:
    def moved(hits: list[Any]) -> None:
        hits[1]["before"], hits[1]["behind"] = 1, 2
        hits[1]["moves"] = [{"rule": "week", "kind": "boost", "before": 1}]

    panel = explained(shopper, moved, 1)
    expect(panel).to_contain_text("Moved up by the shop (week).")
    expect(panel).to_contain_text("Before it stand 2 products that the shop put there.")


def test_what_moved_a_hit_is_told_with_its_places(shopper: Shopper) -> None:
    def moved(hits: list[Any]) -> None:
        hits[0]["why"].append({"stage": "cross_encoder", "rank": 2, "score": -0.094})
        hits[0]["reading"] = {
            "score": -0.094,
            "weight": 0.6,
            "added": -0.21,
            "before": 13,
            "after": 9,
        }
        hits[0]["before"] = 9
        hits[0]["moves"] = [{"rule": "sale", "kind": "pin", "before": 7}]

    panel = explained(shopper, moved, 0)
    row = panel.locator(".why-row.cross_encoder")
    told = "No. 2 · -0.0940 (adds −0.210 at a weight of 0.600), moved from No. 13 to No. 9"
    expect(row).to_contain_text(told)
    expect(panel).to_contain_text("Before stock, age, variety and the shop’s rules it is No. 9.")
    expect(panel).to_contain_text(
        "Placed here by the shop (sale), not by its score. "
        "Without pins and paid places it is No. 7."
    )
