"""What commands say while they work."""

from __future__ import annotations

import time

import pytest

from api.commands import console


def test_a_log_is_told_what_is_done_how_long_it_took_and_what_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    with console.stages() as progress:
        for done in range(4):
            progress("cross-validating", done, 15)
            now += 30
        progress("training on all queries", 0, 1)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "cross-validating: 0 of 15"
    assert lines[3] == "cross-validating: 3 of 15, 0:01:30 so far, 0:06:00 left"
    assert lines[4] == "training on all queries: 0 of 1"


def tell(reports: list[tuple[int, int, float]], monkeypatch: pytest.MonkeyPatch) -> None:
    """A log of one stage: what was done, of how many, and how many seconds later the next comes."""
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    lines = console.Lines()
    for done, total, seconds in reports:
        lines("searching", done, total)
        now += seconds


def test_what_is_left_is_not_told_from_a_first_piece(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # A model is loaded before the first of 250, which takes 47 seconds; then 10 are done a second.
    tell([(0, 250, 47.0), (1, 250, 10.0), (101, 250, 10.0), (201, 250, 0.0)], monkeypatch)
    lines = capsys.readouterr().err.splitlines()
    assert lines[1] == "searching: 1 of 250, 0:00:47 so far"
    assert lines[2] == "searching: 101 of 250, 0:00:57 so far, 0:00:15 left"
    assert lines[3] == "searching: 201 of 250, 0:01:07 so far, 0:00:05 left"


def test_what_was_done_before_the_first_report_has_no_part_in_the_speed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tell([(800, 1000, 10.0), (900, 1000, 0.0)], monkeypatch)
    lines = capsys.readouterr().err.splitlines()
    assert lines[1] == "searching: 900 of 1,000, 0:00:10 so far, 0:00:10 left"


def test_what_is_left_is_told_after_two_seconds_and_a_twentieth() -> None:
    pace = console.Pace()
    assert pace.left("searching", 0.0, 0, 100) == ""
    assert pace.left("searching", 1.0, 10, 100) == ""
    assert pace.left("searching", 2.0, 20, 100) == "0:00:08 left"
    slow = console.Pace()
    assert slow.left("searching", 60.0, 4, 100) == ""
    assert slow.left("searching", 75.0, 5, 100) == "0:23:45 left"
    assert slow.left("searching", 76.0, 5, None) == ""


def test_what_a_stage_waits_for_is_no_time_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    with console.stages() as progress:
        for stage, done, total, seconds in (
            ("words", 0, 100, 10), ("vectors", 0, 1, 10), ("words", 50, 100, 5),
            ("vectors", 1, 1, 5), ("words", 100, 100, 0), ("publish", 0, 4, 10),
            ("warm-up", 0, 200, 100), ("warm-up", 200, 200, 10), ("publish", 2, 4, 0),
        ):  # fmt: skip
            progress(stage, done, total)
            now += seconds
    lines = capsys.readouterr().err.splitlines()
    # Side by side, each has all of its time; what runs within another has it for itself.
    assert "words: 50 of 100, 0:00:20 so far, 0:00:20 left" in lines
    assert "words: 100 of 100, 0:00:30 so far, 0:00:00 left" in lines
    assert "warm-up: 200 of 200, 0:01:40 so far, 0:00:00 left" in lines
    assert "publish: 2 of 4, 0:00:20 so far, 0:00:20 left" in lines


def test_who_asks_for_json_is_told_nothing_meanwhile(capsys: pytest.CaptureFixture[str]) -> None:
    with console.stages(quiet=True) as progress:
        progress("cross-validating", 1, 15)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")
