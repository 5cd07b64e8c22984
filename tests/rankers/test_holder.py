"""The model in use follows its file."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rankers import holder as holding
from rankers.holder import ModelHolder
from search.errors import BadInput
from search.seams import Facts, Ranker
from search.types import Contributions, FeatureTable, Pool, Ranked


class Named:
    """A ranker that is only looked at."""

    name, depth = "named", 10

    def __init__(self, version: str) -> None:
        self.version = version
        self.spread: float | None = None

    def rank(self, facts: Facts, pool: Pool) -> Ranked:
        raise NotImplementedError

    def explain(self, table: FeatureTable) -> Contributions:
        raise NotImplementedError


def opener(path: Path) -> Ranker:
    text = path.read_text()
    if not text.startswith("v"):
        raise BadInput(f"{path}: the model cannot be used: {text}; train it again")
    return Named(text)


async def trial(ranker: Ranker) -> None:
    if ranker.version == "v-unfit":
        raise BadInput("it cannot rank this index")
    if ranker.version == "v-defect":
        raise ZeroDivisionError


def write(path: Path, text: str) -> None:
    """As writers do: beside the file, then in its place."""
    other = path.with_suffix(".new")
    other.write_text(text)
    other.replace(path)


@pytest.fixture
async def holder(tmp_path: Path) -> AsyncIterator[ModelHolder]:
    opened = ModelHolder(tmp_path / "model.json", opener, trial)
    yield opened
    await opened.close()


async def test_no_file_means_no_model_and_no_fault(holder: ModelHolder) -> None:
    assert await holder.refresh() is None
    assert holder.current() is None
    assert holder.fault is None


async def test_a_file_that_is_put_in_place_is_used_and_a_newer_one_takes_over(
    holder: ModelHolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert holder.path is not None
    monkeypatch.setattr(holding, "POLL_SECONDS", 0.01)
    await holder.refresh()
    holder.watch()
    for version in ("v1", "v2"):
        write(holder.path, version)
        for _ in range(500):
            used = holder.current()
            if used is not None and used.version == version:
                break
            await asyncio.sleep(0.01)
        else:
            pytest.fail(f"{version} was not taken up")
    earlier = holder.at("v1")
    assert earlier is not None
    assert earlier.version == "v1"
    assert holder.at("v0") is None


@pytest.mark.parametrize("bad", ["broken", "v-unfit", "v-defect"])
async def test_one_that_cannot_be_used_leaves_the_old_one_and_is_logged_once(
    holder: ModelHolder, bad: str, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    assert holder.path is not None
    monkeypatch.setattr(holding, "RETRY_SECONDS", 0.0)
    write(holder.path, "v1")
    await holder.refresh()
    write(holder.path, bad)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            used = await holder.refresh()
            assert used is not None
            assert used.version == "v1"
    assert len(caplog.records) == 1
    assert "named goes on" in caplog.text
    assert holder.fault is not None
    write(holder.path, "v2")
    used = await holder.refresh()
    assert used is not None
    assert used.version == "v2"
    assert holder.fault is None


async def test_one_that_could_not_be_used_is_tried_again_later(
    holder: ModelHolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert holder.path is not None
    fits = False

    async def later(ranker: Ranker) -> None:
        if not fits:
            raise BadInput("the index is of an earlier format")

    patient = ModelHolder(holder.path, opener, later)
    write(holder.path, "v1")
    assert await patient.refresh() is None
    fits = True
    assert await patient.refresh() is None
    monkeypatch.setattr(holding, "RETRY_SECONDS", -1.0)
    assert await patient.refresh() is not None


async def test_a_file_that_is_taken_away_ends_its_use(holder: ModelHolder) -> None:
    assert holder.path is not None
    write(holder.path, "v1")
    await holder.refresh()
    holder.path.unlink()
    assert await holder.refresh() is None
    assert holder.at("v1") is not None


async def test_a_file_that_the_settings_name_must_be_there(tmp_path: Path) -> None:
    named = ModelHolder(tmp_path / "mine.json", opener, trial, named=True)
    assert await named.refresh() is None
    assert named.fault is not None
    assert "mine.json, which [ranking] model names; mend the setting" in named.fault
    write(tmp_path / "mine.json", "v1")
    assert await named.refresh() is not None


async def test_earlier_models_are_let_go(
    holder: ModelHolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert holder.path is not None
    for number in range(9):
        write(holder.path, f"v{number}")
        os.utime(holder.path, (number, number))
        await holder.refresh()
    held = [number for number in range(9) if holder.at(f"v{number}")]
    assert held == [4, 5, 6, 7, 8]
    monkeypatch.setattr(holding, "KEPT_SECONDS", 0.0)
    await holder.refresh()
    assert holder.at("v7") is None
    assert holder.current() is not None


async def test_without_a_path_nothing_is_followed() -> None:
    off = ModelHolder(None, opener, trial)
    off.watch()
    assert await off.refresh() is None
    await off.close()
