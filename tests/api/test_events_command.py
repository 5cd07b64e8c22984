from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from api.cli import run
from tests.training.events.made import attributes, ubi, write_ndjson


def page(search: str, query: str, first: int) -> list[dict[str, Any]]:
    return [
        ubi(
            event_id=f"{action}-{search}-{place}",
            action_name=action,
            query_id=search,
            user_query=query,
            event_attributes=attributes(
                position={"ordinal": first + place}, object={"object_id": f"p{place}"}
            ),
        )
        for action, places in (("impression", range(3)), ("click", range(1)))
        for place in places
    ]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_ndjson(
        tmp_path / "shop.ndjson", *page("q1", "red shoes", 0), *page("q2", "bag", 0)
    )


def answer(capfd: pytest.CaptureFixture[str]) -> Any:
    return orjson.loads(capfd.readouterr().out.strip().split("\n")[-1])


def test_from_a_file_to_figures_and_out_again(
    tmp_path: Path, file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(tmp_path / "data")]
    assert run(["events", "import", str(file), *data, "--json"]) == 0
    imported = answer(capfd)
    assert imported["kept"] == {"searches": 0, "events": 8}
    assert imported["sources"][0]["ordinals_from"] == 0
    assert run(["events", "stats", *data, "--json"]) == 0
    stats = answer(capfd)
    assert stats["actions"] == {"impression": 6, "click": 2}
    assert stats["places"][0] == {"position": 1, "impressions": 2, "clicks": 2}
    assert stats["days"] == {"2026-01-01": 8}
    assert run(["events", "forget", "anna", *data]) == 0
    assert "Deleted 8 rows" in capfd.readouterr().out
    assert run(["events", "compact", *data, "--json"]) == 0
    assert answer(capfd)["events"] == 0
    assert run(["events", "prune", *data, "--days", "30", "--json"]) == 0
    assert answer(capfd)["retention_days"] == 30


def test_people_are_told_what_was_found(
    tmp_path: Path, file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["events", "lint", str(file)]) == 0
    said = " ".join(capfd.readouterr().out.split())
    assert "0 searches and 8 events read" in said
    assert "Nothing is wrong with it" in said
    file.write_bytes(file.read_bytes() + orjson.dumps(ubi(timestamp="soon")) + b"\n")
    assert run(["events", "lint", str(file)]) == 1
    said = " ".join(capfd.readouterr().out.split())
    assert "1 record refused" in said
    assert "timestamp" in said
    assert run(["events", "import", str(file), "--data", str(tmp_path / "data")]) == 0
    assert run(["events", "stats", "--data", str(tmp_path / "data")]) == 0
    assert "Clicks by position" in capfd.readouterr().out
    assert run(["events", "forget", "nobody", "--data", str(tmp_path / "data")]) == 0
    assert "Deleted 0 rows, looked for under 1 salt." in capfd.readouterr().out
    assert run(["events", "lint", str(tmp_path / "data"), "--json"]) == 0


def test_events_of_no_known_search_and_other_actions_are_to_be_looked_at(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    query = {
        "query_id": "q1",
        "user_query": "shoes",
        "timestamp": ubi()["timestamp"],
        "query_response_hit_ids": ["p0", "p1", "p2"],
    }
    bought = [
        ubi(event_id=f"b{i}", action_name="purchse", query_id="q1", user_query="shoes")
        for i in range(3)
    ]
    file = write_ndjson(
        tmp_path / "e.ndjson", query, *page("q1", "shoes", 1), *page("q9", "bag", 1), *bought
    )
    assert run(["events", "stats", str(file), "--json"]) == 0
    findings = {each["name"]: each for each in answer(capfd)["findings"]}
    assert findings["unknown_search"]["count"] == 4
    assert findings["other_actions"]["count"] == 3
    assert run(["events", "stats", str(file)]) == 0
    said = " ".join(capfd.readouterr().out.split())
    assert "! 4 of 11 events belong to no known search: 0 name none, 4 name one of 1" in said
    assert "purchse 3 (purchase?)" in said


def test_mixed_ordinals_stop_the_import_and_write_nothing(
    tmp_path: Path, file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    mixed = write_ndjson(tmp_path / "m.ndjson", *page("q1", "shoes", 0), *page("q2", "bag", 1))
    data = tmp_path / "data"
    assert run(["events", "import", str(mixed), "--data", str(data)]) == 2
    assert "positions start at 0 in 1 searches and at 1 in 1" in capfd.readouterr().err
    assert not data.exists()
    told = ["--ordinals-from", "1", "--action", "click=purchase"]
    assert run(["events", "lint", str(mixed), *told, "--json"]) == 1
    report = answer(capfd)
    assert report["refused"] == {"event_attributes.position.ordinal": 2}
    assert report["findings"][0]["name"] == "no_clicks"
    assert run(["events", "lint", str(mixed), "--action", "click"]) == 2


def test_a_log_that_is_not_there_is_bad_input(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["events", "stats", "--data", str(tmp_path)]) == 2
    assert "holds no events" in capfd.readouterr().err
