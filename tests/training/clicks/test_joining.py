"""The SQL against plain loops, on small logs with everything that goes wrong in large ones."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from search.errors import BadInput
from tests.training.clicks.logs import DAY, START, event, search, write_log
from tests.training.clicks.reference import Key, counts
from training.clicks import GRADES, ClickCounts, Reading, read_log
from training.events.tables import open_tables

PRODUCTS = "abcd"
ACTIONS = ("impression", "click", "click", "add_to_cart", "purchase", "view")
moments = st.integers(0, 12).map(lambda step: START + 200.0 * step)
clients = st.sampled_from(["anna", "ben", ""])


@st.composite
def logs(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Searches of few shoppers, some with several pages or of the same moment; events that are
    doubled, late, early, of no search or of a product that was not shown."""
    searches = []
    for number in range(draw(st.integers(1, 6))):
        shared: dict[str, Any] = {
            "time": draw(moments),
            "client": draw(clients),
            "normalized": draw(st.sampled_from(["red kettle", "blue kettle", ""])),
            "query": draw(st.sampled_from(["Red  Kettle", "kettle"])),
            "application": draw(st.sampled_from(["shop", "app"])),
        }
        shown = draw(st.permutations(PRODUCTS))
        searches.append(search(number, "".join(shown[: draw(st.integers(0, 3))]), **shared))
        if draw(st.booleans()):
            later = {"first": 3, "time": shared["time"] + 200.0}
            searches.append(search(number, draw(st.sampled_from(PRODUCTS)), **shared | later))
    events = []
    for number in range(draw(st.integers(0, 12))):
        made = event(
            number,
            draw(st.sampled_from(ACTIONS)),
            draw(st.integers(0, 7)),
            draw(st.sampled_from(PRODUCTS)),
            time=draw(moments),
            client=draw(clients),
            dwell=draw(st.sampled_from([None, 1.0, 10.0, 30.0])),
        )
        if draw(st.integers(0, 2)) == 0:
            made["search_id"] = ""
        events.append(made)
        if draw(st.integers(0, 4)) == 0:
            events.append(made | {"event_id": f"e{number}b"})
    return searches, events


readings = st.builds(
    Reading,
    grades=st.sampled_from([None, GRADES, {"impression": 0.5, "click": 1.0, "view": 0.25}]),
    window_days=st.sampled_from([None, 800 / DAY, 30.0]),
    half_life_days=st.sampled_from([None, 0.01]),
    now=st.sampled_from([None, START + 1800.0]),
    depth=st.sampled_from([2, 50]),
    impressions=st.sampled_from(["auto", "page", "events"]),
    credit_minutes=st.sampled_from([10.0, 30.0]),
    short_dwell=st.sampled_from([0.0, 10.0]),
    skew_seconds=st.just(1e6),
)


@pytest.mark.slow
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(logs(), readings)
@example(([search(0, "ab")], [event(0, "click", 0, "b")]), Reading())
def test_the_joins_count_as_plain_loops_do(
    log: tuple[list[dict[str, Any]], list[dict[str, Any]]], reading: Reading
) -> None:
    searches, events = log
    with tempfile.TemporaryDirectory() as folder:
        path = write_log(Path(folder), searches, events)
        with open_tables([path]) as connection:
            flagged = {who for (who,) in connection.execute("SELECT who FROM flagged").fetchall()}
        expected = counts(searches, events, reading, flagged) if reading.now != 0 else {}
        try:
            found = read_log([path], reading).counts
        except BadInput:
            base = reading.amounts.get("impression", 0.0)
            assert not any(amount > base * shown + 1e-9 for shown, amount in expected.values())
            return
    assert as_mapping(found) == {key: pytest.approx(both) for key, both in expected.items()}


def as_mapping(found: ClickCounts) -> dict[Key, tuple[float, float]]:
    texts = [found.query_texts[query] for query in found.queries]
    return {
        (texts[document], found.products[document], position): (shown, amount)
        for document, position, shown, amount in zip(
            found.documents.tolist(),
            found.positions.tolist(),
            found.impressions.tolist(),
            found.clicks.tolist(),
            strict=True,
        )
    }


def read(folder: Path, searches: Any, events: Any, **options: Any) -> dict[Key, Any]:
    return as_mapping(read_log([write_log(folder, searches, events)], Reading(**options)).counts)


def test_a_log_read_twice_counts_once(tmp_path: Path) -> None:
    once = [event(0, "click", 0, "a")]
    found = read(tmp_path, [search(0, "ab"), search(0, "ab")], once * 3)
    assert found == {("red kettle", "a", 1): (1.0, 1.0), ("red kettle", "b", 2): (1.0, 0.0)}


def test_the_most_that_was_done_counts_not_the_sum(tmp_path: Path) -> None:
    did = [event(i, action, 0, "a") for i, action in enumerate(("click", "purchase", "click"))]
    found = read(tmp_path, [search(0, "ab")], did, grades=GRADES)
    assert found["red kettle", "a", 1] == (1.0, 4.0)


def test_what_was_scrolled_past_is_not_seen_where_impressions_are_logged(tmp_path: Path) -> None:
    events = [event(0, "impression", 0, "a", position=1), event(1, "click", 0, "a", position=1)]
    assert set(read(tmp_path, [search(0, "abc")], events)) == {("red kettle", "a", 1)}


def test_other_files_of_a_data_directory_are_not_sessions(tmp_path: Path) -> None:
    (tmp_path / "query-log.csv").write_text("query,count\nkettle,3\n")
    found = read(tmp_path, [search(0, "a")], [event(0, "click", 0, "a")])
    assert found == {("red kettle", "a", 1): (1.0, 1.0)}


def test_a_log_without_pages_is_told_by_its_events(tmp_path: Path) -> None:
    events = [event(0, "impression", 0, "a", position=2), event(1, "click", 0, "b", position=5)]
    found = read(tmp_path, [search(0, "")], events)
    assert found == {("red kettle", "a", 2): (1.0, 0.0), ("red kettle", "b", 5): (1.0, 1.0)}


def test_a_purchase_without_a_search_counts_for_the_latest_that_showed_it(tmp_path: Path) -> None:
    searches = [
        search(0, "ab"),
        search(1, "ba", query="kettle", normalized="kettle"),
        search(2, "b"),
    ]
    bought = event(0, "purchase", 9, "a", search_id="", time=START + 60)
    found = read(tmp_path, searches, [bought], grades=GRADES)
    assert found["kettle", "a", 2] == (1.0, 4.0)
    assert found["red kettle", "a", 1] == (1.0, 0.0)


def test_half_as_old_as_the_half_life_counts_more(tmp_path: Path) -> None:
    searches = [search(0, "a", time=START), search(1, "a", time=START + 2 * DAY)]
    found = read(tmp_path, searches, [event(0, "click", 0, "a")], half_life_days=2.0)
    assert found["red kettle", "a", 1] == (1.5, 0.5)


def test_a_click_that_was_left_at_once_counts_less(tmp_path: Path) -> None:
    events = [event(0, "click", 0, "a", dwell=2.0), event(1, "click", 0, "b", dwell=40.0)]
    found = read(tmp_path, [search(0, "ab")], events, short_dwell=10.0, short_share=0.25)
    assert (found["red kettle", "a", 1][1], found["red kettle", "b", 2][1]) == (0.25, 1.0)


def test_it_says_what_became_of_the_log(tmp_path: Path) -> None:
    events = [
        event(0, "click", 0, "a"),
        event(1, "click", 0, "z"),
        event(2, "click", 0, "b", time=START - 3600),
        event(3, "purchase", 9, "q", search_id=""),
    ]
    told = read_log([write_log(tmp_path, [search(0, "ab")], events)]).remarks
    assert "1 action is of a product that its search did not show" in told
    assert "1 action came before its search and does not count" in told
    assert "1 action belongs to no search" in told
    assert any("for want of impression events (shop)" in remark for remark in told)


@pytest.mark.parametrize(
    ("searches", "events", "says"),
    [
        ([], [event(0, "click", 0, "a")], "has no searches"),
        ([search(0, "ab")], [], "no clicks"),
        ([search(0, "")], [event(0, "click", 0, "a")], "clicks without impressions"),
        (
            [search(0, "")],
            [event(0, "click", 0, "a", position=2)],
            "clicks without impressions",
        ),
        ([search(0, "ab", time=1.7e12)], [event(0, "click", 0, "a")], "in milliseconds"),
        ([search(0, "ab", first=0)], [event(0, "click", 0, "a")], "positions begin at 1"),
        ([search(0, "ab")], [event(0, "click", 0, "b", position=1)], "from 0 and from 1"),
        (
            [search(0, "ab")],
            [event(0, "click", 0, "b", position=0)],
            r"shop at 0 \(query id s0, product b\); .* --ordinals-from 0",
        ),
        ([search(0, "ab")], [event(0, "click", 0, "a", position=9)], "contradict"),
        ([search(0, "ab")], [event(0, "click", 0, "a", time=START - 900)], "out of order"),
    ],
)
def test_a_log_that_cannot_be_meant_is_refused(
    tmp_path: Path, searches: Any, events: Any, says: str
) -> None:
    with pytest.raises(BadInput, match=says):
        read_log([write_log(tmp_path, searches, events)])


def test_an_empty_window_names_the_times_of_the_log(tmp_path: Path) -> None:
    log = write_log(tmp_path, [search(0, "ab")], [event(0, "click", 0, "a")])
    with pytest.raises(BadInput, match="give another window"):
        read_log([log], Reading(now=START + 90 * DAY))


def test_a_log_that_contradicts_its_pages_names_where_and_can_be_read_by_page(
    tmp_path: Path,
) -> None:
    """Positions 1, 1, 2, as a shop logs that counts from 0 but calls the first place 1."""
    places = {"a": 1, "b": 1, "c": 2}
    seen = [event(i, "impression", 0, each, position=places[each]) for i, each in enumerate("abc")]
    log = write_log(
        tmp_path, [search(0, "abc")], [*seen, event(9, "click", 0, "c", position=places["c"])]
    )
    with pytest.raises(BadInput) as refused:
        read_log([log])
    told = str(refused.value)
    assert "2 of 3 impressions and 1 of 1 actions of the application shop" in told
    assert "query id s0, product b: logged position 1, position on the page 2" in told
    assert "--ordinals-from" not in told  # positions that begin at 1 do not begin at 0
    assert 'Reading(impressions="page")' in told
    counts = read_log([log], Reading(impressions="page")).counts
    assert counts.positions[counts.clicks > 0].tolist() == [3]
