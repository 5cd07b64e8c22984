"""A registry of models in files: what serves, what served, and what survives a crash."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from rankers import Model, save_model
from rankers.features import NAMES, VERSION
from search.errors import BadInput, NotFound
from training.registry import Change, FileRegistry


def model(weight: float) -> Model:
    one = np.ones(1)
    return Model("m", "linear", NAMES[:1], VERSION, np.array([weight]), 0 * one, one)


@pytest.fixture
def registry(tmp_path: Path) -> FileRegistry:
    return FileRegistry(tmp_path / "models", tmp_path / "model.json")


def added(registry: FileRegistry, weight: float) -> str:
    return registry.add(model(weight), {"window": [0, 1]}).version


def test_a_model_is_kept_with_what_it_was_made_from(registry: FileRegistry) -> None:
    version = added(registry, 1.0)
    entry = registry.entry(version[:4])
    assert entry.version == version
    assert entry.lineage == {"window": [0, 1]}
    assert registry.model(version).weights.tolist() == [1.0]
    assert registry.serving() is None


def test_the_same_model_is_kept_once_and_takes_the_new_verdict(registry: FileRegistry) -> None:
    version = added(registry, 1.0)
    entry = registry.add(model(1.0), {}, {"passed": True})
    assert entry.version == version
    assert entry.verdict == {"passed": True}
    assert entry.lineage == {"window": [0, 1]}
    assert len(registry.entries()) == 1


def test_promoted_models_serve_and_rolling_back_goes_back_step_by_step(
    registry: FileRegistry,
) -> None:
    versions = [added(registry, weight) for weight in (1.0, 2.0, 3.0)]
    for version in versions:
        registry.promote(version, "better")
    assert registry.serving() == versions[2]
    assert registry.rollback("worse").version == versions[1]
    assert registry.rollback("worse still").version == versions[0]
    assert registry.serving() == versions[0]
    assert registry.rollback("no model is best").version == ""
    assert registry.serving() is None
    with pytest.raises(BadInput, match="nothing earlier"):
        registry.rollback("again")
    registry.promote(versions[2], "mended")
    assert registry.rollback("no").version == ""
    assert [each.action for each in registry.history()] == [
        *["promote"] * 3,
        *["rollback"] * 3,
        "promote",
        "rollback",
    ]


def test_a_model_that_another_hand_took_away_is_noted(registry: FileRegistry) -> None:
    first, second = added(registry, 1.0), added(registry, 2.0)
    registry.promote(first, "better")
    registry.served.unlink()
    registry.promote(second, "best")
    assert [each.action for each in registry.history()] == ["promote", "found", "promote"]
    assert registry.rollback("worse").version == ""
    assert registry.rollback("worse still").version == first


def test_promoting_what_serves_changes_nothing(registry: FileRegistry) -> None:
    version = added(registry, 1.0)
    first = registry.promote(version, "better")
    assert registry.promote(version, "once more") == first
    assert len(registry.history()) == 1


def test_a_model_that_another_hand_put_there_can_be_gone_back_to(registry: FileRegistry) -> None:
    registry.directory.mkdir()
    save_model(model(7.0), registry.served)
    by_hand = registry.serving()
    registry.promote(added(registry, 1.0), "better")
    assert [each.action for each in registry.history()] == ["found", "promote"]
    assert registry.rollback("worse").version == by_hand
    assert registry.model(by_hand or "").weights.tolist() == [7.0]


def test_a_crash_between_the_model_and_its_note_is_made_good(registry: FileRegistry) -> None:
    first, second = added(registry, 1.0), added(registry, 2.0)
    registry.promote(first, "better")
    save_model(model(2.0), registry.served)  # served, but the process died before the note
    with (registry.directory / "history.jsonl").open("ab") as file:
        file.write(b'{"time": 3, "acti')
    assert registry.promote(second, "better").version == second
    assert registry.rollback("worse").version == first


def test_names_that_fit_none_or_several_are_told(registry: FileRegistry) -> None:
    with pytest.raises(NotFound, match="none yet"):
        registry.entry("abc")
    known = added(registry, 1.0)
    with pytest.raises(NotFound, match=known):
        registry.entry("zzz")
    weight = 2.0
    while added(registry, weight)[0] != known[0]:
        weight += 1
    with pytest.raises(BadInput, match="several"):
        registry.entry(known[0])


def test_a_damaged_entry_is_named(registry: FileRegistry) -> None:
    version = added(registry, 1.0)
    (registry.directory / version / "entry.json").write_text("{")
    with pytest.raises(BadInput, match=version):
        registry.entries()


def _promote(place: Path, version: str) -> None:
    FileRegistry(place / "models", place / "model.json").promote(version, "raced")


@pytest.mark.slow
def test_two_processes_promote_one_after_the_other(registry: FileRegistry, tmp_path: Path) -> None:
    versions = [added(registry, float(n)) for n in range(1, 5)]
    context = multiprocessing.get_context("spawn")
    with context.Pool(4) as workers:
        workers.starmap(_promote, [(tmp_path, each) for each in versions])
    history: list[Change] = list(registry.history())
    assert sorted(each.version for each in history) == sorted(versions)
    assert [each.before for each in history[1:]] == [each.version for each in history[:-1]]
    assert registry.serving() == history[-1].version
