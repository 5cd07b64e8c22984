"""The rules' file is followed: a new one comes into force, a broken one does not."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from rankers.rules import RuleBook, parse_rules, write_rules
from rankers.rules import book as books
from rankers.rules.parse import parse_body

RULE = '[[rule]]\nid = "{}"\nwhen = "everywhere"\npin = [{{ id = "K", position = 1 }}]\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rules.toml"


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(books, "LOOK_SECONDS", 0.0)


def opened(path: Path | None, *, named: bool = False) -> RuleBook:
    return RuleBook(path, partial(parse_rules, analyze=str.split, most=3), named=named)


def ids(book: RuleBook) -> list[str]:
    return [rule.id for rule in book.current().rules]


def eventually(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < until, "nothing happened in five seconds"
        time.sleep(0.01)


def test_a_file_that_comes_changes_and_goes_is_followed(path: Path) -> None:
    book = opened(path)
    assert ids(book) == []
    path.write_text(RULE.format("a"))
    eventually(lambda: ids(book) == ["a"])
    path.write_text(RULE.format("a") + RULE.format("b"))
    eventually(lambda: ids(book) == ["a", "b"])
    path.unlink()
    eventually(lambda: ids(book) == [])


def test_the_first_request_after_a_quiet_time_has_the_present_rules(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books, "QUIET_SECONDS", 0.05)
    book = opened(path)
    path.write_text(RULE.format("a"))
    time.sleep(0.1)
    assert ids(book) == ["a"]
    path.unlink()
    time.sleep(0.1)
    assert ids(book) == []


def test_a_broken_file_is_logged_once_and_leaves_the_earlier_rules(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_text(RULE.format("a"))
    book = opened(path)
    with caplog.at_level(logging.ERROR):
        path.write_text("[[rule")
        eventually(lambda: ids(book) == ["a"] and book.fault is not None)
        for _ in range(20):
            book.current()
    assert len(caplog.records) == 1
    assert "rules.toml is not TOML" in (book.fault or "")
    path.write_text(RULE.format("c"))
    eventually(lambda: ids(book) == ["c"] and book.fault is None)


def test_a_file_that_is_broken_from_the_start_means_no_rules_and_says_so(path: Path) -> None:
    path.write_bytes(b"\xff\xfe")
    book = opened(path)
    assert ids(book) == []
    assert book.fault


def test_a_file_that_the_settings_name_has_to_be_there(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    book = opened(path, named=True)
    assert ids(book) == []
    assert book.fault == (
        f"there is no file {path}, which [rules] file names; mend the setting, or put the file "
        "there"
    )
    book.current()
    (logged,) = [each.getMessage() for each in caplog.records]
    assert logged == f"the rules cannot be used, none are in force: {book.fault}"
    path.write_text(RULE.format("a"))
    eventually(lambda: ids(book) == ["a"] and book.fault is None)
    path.unlink()
    eventually(lambda: ids(book) == ["a"] and book.fault is not None)
    assert ids(book) == ["a"]


def test_earlier_rules_stay_for_those_who_began_under_them(path: Path) -> None:
    path.write_text(RULE.format("a"))
    book = opened(path)
    version = book.current().version
    path.write_text(RULE.format("b"))
    book.reload()
    earlier = book.at(version)
    assert earlier is not None
    assert [rule.id for rule in earlier.rules] == ["a"]
    assert book.at("unheard of") is None
    nothing = book.at("")
    assert nothing is not None
    assert nothing.rules == ()


def test_rules_that_are_turned_off_are_never_read() -> None:
    book = opened(None)
    assert (ids(book), book.fault) == ([], None)


def test_a_thousand_rules_are_looked_up_in_no_time(path: Path) -> None:
    text = "".join(
        f'[[rule]]\nid = "r{n}"\nwhen = {{ query = "word{n} kettle" }}\nredirect = "/x"\n'
        for n in range(1000)
    )
    path.write_text(write_rules(parse_body(text)))
    rules = opened(path).current()
    assert len(rules.rules) == 1000
    assert max(len(numbers) for numbers in rules.by_stem.values()) == 1
