"""What a product is tells a kettle from what goes with one."""

from __future__ import annotations

import math

from rankers.features import compute
from tests.rankers.facts import HandFacts, Item, pool_of


def values(query: str, *items: Item, base: int | None = None) -> list[dict[str, float]]:
    table = compute(HandFacts(items, base=base), pool_of(query, len(items)))
    return [dict(zip(table.names, row, strict=True)) for row in table.values.tolist()]


KETTLE = Item(title="acme kettle with lid", kind="acme kettle")
DESCALER = Item(title="descaler for kettle", kind="descaler")
FILTER = Item(title="kettle filter", kind="kettle filter")


def test_a_kettle_is_told_from_what_goes_with_it() -> None:
    kettle, descaler, filter_ = values("kettle", KETTLE, DESCALER, FILTER)
    assert (kettle["kind_asked"], kettle["kind_is_head"], kettle["accessory"]) == (1, 1, 0)
    assert (descaler["kind_coverage"], descaler["kind_asked"]) == (0, 0)
    assert (filter_["kind_asked"], filter_["accessory"]) == (0, 1)
    assert kettle["kind_precision"] == 0.5
    assert kettle["kind_words"] == 2


def test_a_filter_that_is_asked_for_is_no_accessory() -> None:
    (found,) = values("kettle filter", FILTER)
    assert (found["accessory"], found["kind_is_head"], found["kind_coverage"]) == (0, 1, 1)


def test_what_it_is_for_need_not_be_in_its_kind() -> None:
    (found,) = values("descaler for kettle", DESCALER)
    assert found["kind_coverage"] == 1


def test_rare_words_count_more() -> None:
    steel, acme = Item(title="steel kettle", kind="steel kettle"), KETTLE
    others = [Item(title="acme pan", kind="acme pan")] * 5
    found = values("acme steel", steel, acme, *others)
    assert found[0]["kind_coverage"] > 0.5 > found[1]["kind_coverage"] > 0


def test_a_title_that_says_nothing_is_unknown() -> None:
    (found,) = values("kettle", Item(title="kettle"))
    assert all(math.isnan(found[name]) for name in ("kind_coverage", "kind_asked", "accessory"))


def test_products_of_live_changes_have_kinds_too() -> None:
    found = values("kettle", DESCALER, KETTLE, base=1)
    assert [each["kind_is_head"] for each in found] == [0, 1]
