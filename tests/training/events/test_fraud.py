from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from search.types import Event
from tests.training.events.made import NOON, event
from training.events.frames import Kind, frame
from training.events.fraud import FraudRules, flag
from training.events.layout import LogLayout
from training.events.rows import event_row, lines
from training.events.tables import open_tables


def flagged(data: Path, events: Iterable[Event], rules: FraudRules | None = None) -> set[str]:
    """`who: rule: count` of everybody flagged."""
    folder = LogLayout.of(data).segments
    folder.mkdir(parents=True)
    (folder / "1.log").write_bytes(frame(Kind.events, lines(map(event_row, events))))
    with open_tables([data], rules=rules) as tables:
        found = tables.execute("SELECT who, rule, count FROM flagged").fetchall()
        clean = tables.execute("SELECT DISTINCT client FROM clean_events").fetchall()
        assert {row[0] for row in found}.isdisjoint(row[0] for row in clean)
        assert sum(flag(tables, rules).values()) == len(found)
    return {f"{who}: {rule}: {count}" for who, rule, count in found}


def shopper(name: str, shown: int, clicked: int, pace: float = 5.0) -> list[Event]:
    """Sees `shown` products at once and clicks on `clicked` of them, one every `pace` seconds."""
    seen = [
        event(f"{name}-i{n}", action="impression", client=name, search=name, product=f"p{n}")
        for n in range(shown)
    ]
    clicks = [
        event(f"{name}-c{n}", NOON + pace * (n + 1), client=name, search=name, product=f"p{n}")
        for n in range(clicked)
    ]
    return seen + clicks


def test_who_shops_like_people_do_is_not_flagged(tmp_path: Path) -> None:
    assert flagged(tmp_path, shopper("anna", 48, 12) + shopper("bob", 10, 10)) == set()


def test_each_rule_flags_whom_it_says(tmp_path: Path) -> None:
    everything = shopper("all", 20, 18)
    quick = shopper("quick", 40, 3, pace=0.03)
    often = [event(f"o{n}", NOON + 0.9 * n, action="view_page", client="often") for n in range(61)]
    blind = shopper("blind", 30, 2) + [
        event(f"b{n}", NOON + 20 + n, client="blind", search="blind", product=f"x{n}")
        for n in range(5)
    ]
    assert flagged(tmp_path, everything + quick + often + blind) == {
        "all: click_all: 18",
        "quick: speed: 3",
        "often: rate: 61",
        "blind: no_impression: 5",
    }


def test_just_below_the_limits_nobody_is_flagged(tmp_path: Path) -> None:
    everything = shopper("all", 20, 17)
    quick = shopper("quick", 40, 2, pace=0.03)
    often = [event(f"o{n}", NOON + 0.9 * n, action="view_page", client="often") for n in range(60)]
    assert flagged(tmp_path, everything + quick + often) == set()


def test_limits_can_be_changed(tmp_path: Path) -> None:
    assert flagged(tmp_path, shopper("all", 5, 5), FraudRules(all_least=5)) == {"all: click_all: 5"}


def test_without_a_client_the_session_is_flagged_and_nobody_is_never(tmp_path: Path) -> None:
    often = [
        event(f"o{n}", action="view_page", client="", session=session)
        for session in ("s", "") for n in range(100)
    ]  # fmt: skip
    for number, one in enumerate(often):
        often[number] = event(f"e{number}", action="x", client="", session=one.session)
    assert flagged(tmp_path, often) == {"s: rate: 100"}


def test_clicks_count_where_impressions_are_not_logged_at_all(tmp_path: Path) -> None:
    clicks = [event(f"c{n}", NOON + 9 * n, product=f"p{n}") for n in range(20)]
    assert flagged(tmp_path, clicks) == set()
