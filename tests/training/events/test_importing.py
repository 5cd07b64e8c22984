from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from search.errors import BadInput
from tests.training.events.made import attributes, ids, ubi, write_ndjson
from training.events.database import connect
from training.events.importing import import_files, read_files
from training.events.reading import Imported, Reading
from training.events.tables import open_tables


def placed(action: str, search: str, position: int, product: str = "p1") -> dict[str, Any]:
    return ubi(
        event_id=f"{action}-{search}-{position}-{product}",
        action_name=action,
        query_id=search,
        event_attributes=attributes(position={"ordinal": position}, object={"object_id": product}),
    )


def page(search: str, first: int, count: int = 3) -> list[dict[str, Any]]:
    shown = [placed("impression", search, first + n, f"p{n}") for n in range(count)]
    return [*shown, placed("click", search, first, "p0")]


def read(*paths: Path, **options: Any) -> tuple[Imported, list[Any]]:
    with connect() as connection:
        imported = read_files(connection, paths, Reading(**options))
        found = connection.execute("SELECT * FROM read_events ORDER BY event_id").fetchall()
    return imported, found


def positions(*paths: Path, **options: Any) -> list[int]:
    return sorted(row[9] for row in read(*paths, **options)[1])


def names(imported: Imported) -> set[str]:
    return {finding.name for finding in imported.findings}


def test_ordinals_from_0_and_from_1_are_told_apart_source_by_source(tmp_path: Path) -> None:
    zero = write_ndjson(tmp_path / "zero.ndjson", *page("q1", 0), *page("q2", 0))
    one = write_ndjson(tmp_path / "one.ndjson", *page("q3", 1), *page("q4", 1))
    assert positions(zero, one) == [1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]
    imported, _ = read(zero, one)
    assert {source.name: source.ordinals_from for source in imported.sources} == {
        "zero.ndjson": 0,
        "one.ndjson": 1,
    }
    assert "2 of 2 searches start there" in imported.sources[0].because


def test_mixed_ordinals_are_refused_unless_said(tmp_path: Path) -> None:
    mixed = write_ndjson(tmp_path / "mixed.ndjson", *page("q1", 0), *page("q2", 1))
    with pytest.raises(BadInput, match=r"mixed.ndjson: .* at 0 in 1 searches and at 1 in 1") as e:
        read(mixed)
    assert "--ordinals-from" in str(e.value)
    assert positions(mixed, ordinals_from=0) == [1, 1, 2, 2, 2, 3, 3, 4]
    imported, kept = read(mixed, ordinals_from=1)
    assert [row[9] for row in kept if row[9] < 1] == []
    assert imported.refused == {"event_attributes.position.ordinal": 2}


def test_a_lone_lost_impression_makes_no_source_mixed(tmp_path: Path) -> None:
    pages = [record for n in range(30) for record in page(f"q{n}", 0)]
    file = write_ndjson(tmp_path / "f.ndjson", *pages[1:])  # the first starts at 1 now
    imported, _ = read(file)
    assert imported.sources[0].ordinals_from == 0


def test_ubi_1_0_is_read_as_1_3(tmp_path: Path) -> None:
    event = {
        "action_name": "item_click",
        "timestamp": 1767268800500,
        "client_id": "anna",
        "event_attributes": {
            "session_id": "s9",
            "query_id": "q9",
            "position": {"ordinal": {"index": 4}, "page_depth": 3},
            "object": {"object_id": "p4"},
        },
    }
    query = {
        "query_id": "q9", "user_query": "shoes", "timestamp": "1767268800000",
        "query_response_object_ids": [11, 12],
    }  # fmt: skip
    imported, ((_, action, time, search, *rest),) = read(write_ndjson(tmp_path / "f", event, query))
    assert (action, time, search, rest[1], rest[5]) == ("click", 1767268800.5, "q9", "s9", 4)
    said = set(imported.dialects["f"])
    assert "position.ordinal.index (1.0)" in said
    assert "timestamps in milliseconds since 1970" in said
    assert "query_response_object_ids (before 1.1)" in said
    assert "item_click read as click" in said


def test_bulk_files_are_read_and_their_documents_counted_once(tmp_path: Path) -> None:
    click = ubi(event_id=None)
    one, two = ({"index": {"_index": "ubi_events", "_id": str(n)}} for n in (1, 2))
    imported, kept = read(write_ndjson(tmp_path / "f", one, click, two, click, one, click))
    assert len(kept) == 2
    assert imported.duplicates == 1
    assert imported.skipped == {"lines of _bulk actions": 3}


def test_metarank_events_get_their_positions_from_their_rankings(tmp_path: Path) -> None:
    records = [
        {"event": "item", "id": "1", "item": "p1", "timestamp": "1767268800000", "fields": []},
        {"event": "ranking", "id": "r1", "timestamp": "1767268800000", "user": "anna",
         "session": "s", "fields": [{"name": "query", "value": "shoes"}],
         "items": [{"id": "p3"}, {"id": "p1"}]},
        {"event": "interaction", "id": "i1", "ranking": "r1", "timestamp": "1767268805000",
         "user": "anna", "session": "s", "type": "click", "item": "p1", "fields": []},
    ]  # fmt: skip
    path = write_ndjson(tmp_path / "metarank.ndjson", *records)
    imported, (event,) = read(path)
    assert event[:4] == ("i1", "click", 1767268805.0, "r1")
    assert event[8:10] == ("p1", 2)
    assert imported.skipped == {"Metarank item events": 1}
    with open_tables([path]) as tables:
        found = tables.execute("SELECT query, products, session FROM searches").fetchall()
    assert found == [("shoes", ["p3", "p1"], "s")]


def test_bad_lines_are_named_and_the_others_kept(tmp_path: Path) -> None:
    path = tmp_path / "f.ndjson"
    write_ndjson(path, ubi(), {"colour": "red"}, ubi(event_id="e2", timestamp="soon"))
    path.write_bytes(path.read_bytes() + b"{broken}\n")
    imported, kept = read(path)
    assert len(kept) == 1
    assert [(one.index, one.field) for _, one in imported.examples] == [
        (2, ""), (3, "timestamp"), (4, ""),
    ]  # fmt: skip
    assert "action_name" in imported.examples[0][1].reason


def test_a_file_that_is_cut_off_is_refused_whole(tmp_path: Path) -> None:
    whole = write_ndjson(tmp_path / "f", *[ubi()] * 4).read_bytes()
    cut = tmp_path / "cut.ndjson"
    cut.write_bytes(whole[:-20])
    zipped = tmp_path / "cut.ndjson.gz"
    zipped.write_bytes(gzip.compress(whole * 100)[:-30])
    for path in (cut, zipped):
        with pytest.raises(BadInput, match=r"cut.ndjson.* is cut off .*fetch it whole again"):
            read(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "no events in it"), (b"a,b\n1,2\n", "f.txt:1: is not JSON"), (b"{}\n", "neither")],
)
def test_what_is_no_event_file_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "f.txt"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=said):
        read(path)
    with pytest.raises(BadInput, match="is CSV, not a JSON"):
        read(path.rename(tmp_path / "f.csv.gz"))
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        read(tmp_path / "nothing")


def test_nothing_is_half_written_when_one_of_the_files_is_bad(tmp_path: Path) -> None:
    good = write_ndjson(tmp_path / "good", ubi())
    bad = tmp_path / "bad"
    bad.write_bytes(b'{"action_name": "cl')
    with connect() as connection, pytest.raises(BadInput, match="cut off"):
        import_files(tmp_path / "data", connection, [good, bad], Reading(), str.upper)
    assert not (tmp_path / "data").exists()


def test_importing_twice_keeps_everything_once(tmp_path: Path) -> None:
    data = tmp_path / "data"
    file = write_ndjson(tmp_path / "f", ubi(), ubi(event_id=None), *page("q2", 1))
    for new in (6, 0):
        with connect() as connection:
            _, stored = import_files(data, connection, [file], Reading(), str.upper)
        assert stored.rows["events"] == new
    assert len(ids(data)) == 6
    with open_tables([data]) as tables:
        assert tables.execute("SELECT DISTINCT client FROM events").fetchall() == [("ANNA",)]


def test_what_stands_in_the_way_of_learning_is_found(tmp_path: Path) -> None:
    quiet = write_ndjson(tmp_path / "quiet", *page("q", 1)[:-1])
    assert names(read(quiet)[0]) == {"no_clicks", "one_query"}
    alone = write_ndjson(tmp_path / "alone", placed("click", "q", 1), placed("click", "r", 1))
    assert names(read(alone)[0]) == {"no_impressions", "one_query", "one_position"}
    shown = page("q", 1)
    shown[-1]["timestamp"] = "2026-01-01T11:00:00Z"
    unseen = placed("click", "q", 2, "elsewhere")
    unseen["user_query"] = "boots"
    clocks = write_ndjson(tmp_path / "clocks", *shown, unseen)
    imported, _ = read(clocks)
    assert names(imported) == {"clocks", "unseen_clicks"}
    assert "1 events happened over 60 s before" in imported.findings[-1].text


@pytest.mark.real
def test_the_public_ubi_sample_is_read_whole(real_data: Path) -> None:
    imported, kept = read(real_data / "ubi" / "queries_events.ndjson.gz")
    assert not imported.refused
    assert len(kept) == 3448
    assert {source.name.split(": ")[1]: source.ordinals_from for source in imported.sources} == {
        "Chorus": 1, "esci_ubi_sample": 0, "ubi-demo": 1,
    }  # fmt: skip
    assert min(row[9] for row in kept if row[9] is not None) == 1
    assert sum(row[1] == "click" for row in kept) == 298
