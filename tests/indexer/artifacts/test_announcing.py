"""Replicas that are told, and those that look by themselves; the writer's own background work."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer.artifacts import Background, read_status
from search.settings import RedisSettings, Settings
from search.types import Delete
from tests.engines.redis import RedisServer
from tests.indexer.artifacts.machines import (
    KETTLES,
    LAMPS,
    Place,
    assert_serves,
    change,
    index,
    machine,
    push,
    replica,
)


def wait_for(condition: Callable[[], object], seconds: float = 20.0) -> float:
    """How long it took."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < seconds, "waited in vain"
        time.sleep(0.01)
    return time.monotonic() - start


def told(settings: Settings, redis: RedisServer) -> Settings:
    prefix = f"t{secrets.token_hex(4)}" if not settings.redis.url else settings.redis.prefix
    return settings.model_copy(update={"redis": RedisSettings(url=redis.url, prefix=prefix)})


def served(settings: Settings) -> str | None:
    status = read_status(settings.data)
    return status.version if status and status.phase == "in step" else None


def test_what_is_announced_is_there_long_before_it_is_looked_for(
    folder: Place, fast_path: Path, redis: RedisServer
) -> None:
    writer = told(machine(fast_path / "w", folder), redis)
    other = replica(fast_path / "r", folder, poll_seconds=60).model_copy(
        update={"redis": writer.redis}
    )
    version = index(writer, KETTLES)
    push(writer)
    background = Background(other)
    background.start()
    try:
        wait_for(lambda: served(other) == version)
        time.sleep(0.3)  # it listens by now
        change(writer, Delete("p1"))
        push(writer)
        assert wait_for(lambda: served(other) == f"{version}.1") < 10
    finally:
        background.stop()
    assert_serves(other, {name: each for name, each in KETTLES.items() if name != "p1"})


def test_without_announcements_replicas_look(
    folder: Place, fast_path: Path, redis: RedisServer
) -> None:
    writer = machine(fast_path / "w", folder)
    other = told(replica(fast_path / "r", folder, poll_seconds=0.2), redis)
    background = Background(other)
    redis.pause()
    try:
        background.start()
        version = index(writer, KETTLES)
        push(writer)
        wait_for(lambda: served(other) == version)
    finally:
        redis.resume()
        background.stop()


def test_a_writer_sends_by_itself_what_others_have_changed(folder: Place, fast_path: Path) -> None:
    writer, other = machine(fast_path / "w", folder), replica(fast_path / "r", folder)
    working = [Background(each) for each in (writer, writer, other, other)]
    for each in working:
        each.start()  # of two processes of one machine, one works
    try:
        index(writer, KETTLES)
        version = index(writer, LAMPS)
        change(writer, Delete("p8"))
        (writer.data / "rules.toml").write_text("# some\n")
        wait_for(lambda: served(other) == f"{version}.1")
        wait_for(lambda: (other.data / "rules.toml").exists())
    finally:
        for each in working:
            each.stop()
    assert_serves(other, {name: each for name, each in LAMPS.items() if name != "p8"})


def test_a_place_that_comes_back_is_used_again(
    folder: Place, fast_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    writer, other = machine(fast_path / "w", folder), replica(fast_path / "r", folder)
    version = index(writer, KETTLES)
    push(writer)
    shared, away = fast_path / "shared", fast_path / "away"
    background = Background(other)
    background.start()
    try:
        wait_for(lambda: served(other) == version)
        shared.rename(away)
        wait_for(lambda: "waiting" in _phase(other) or "fault" in _phase(other))
        before = read_status(other.data)
        assert before is not None
        assert before.behind() > 0
        away.rename(shared)
        wait_for(lambda: served(other) == version)
    finally:
        background.stop()
    assert_serves(other, KETTLES)


def _phase(settings: Settings) -> str:
    status = read_status(settings.data)
    return status.phase if status else ""


def test_a_folder_that_is_not_mounted_yet_is_said_and_waited_for(
    fast_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = Place(str(fast_path / "shared"))
    writer, other = machine(fast_path / "w", place), replica(fast_path / "r", place)
    background = Background(other)
    background.start()
    try:
        wait_for(lambda: _phase(other) == "fault")
        said = read_status(other.data)
        assert said is not None
        assert "mount it" in said.text
        time.sleep(1.5)
        assert len(caplog.records) == 1, "once, not at each attempt"
        (fast_path / "shared").mkdir()
        version = index(writer, KETTLES)
        push(writer)
        wait_for(lambda: served(other) == version)
    finally:
        background.stop()
