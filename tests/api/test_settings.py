"""Settings from the environment and from a file: what is wrong is named before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.conftest import Run


def test_a_wrong_setting_is_named(
    cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AISLE_LIMITS__PAGE_SIZE", "many")
    code, _, err = cli("search", "x", "--data", tmp_path)
    assert code == 2
    assert "AISLE_LIMITS__PAGE_SIZE" in err
    monkeypatch.delenv("AISLE_LIMITS__PAGE_SIZE")
    (tmp_path / "aisle.toml").write_text("[serving]\nprot = 3\n")
    monkeypatch.setenv("AISLE_SETTINGS", str(tmp_path / "aisle.toml"))
    code, _, err = cli("search", "x", "--data", tmp_path)
    assert code == 2
    assert "serving.prot" in err


def test_a_settings_file_that_is_not_read_is_named(
    cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    beside = tmp_path / "aisle.toml"
    beside.write_text("[serving]\nport = 9000\n")
    monkeypatch.chdir(tmp_path.parent)
    cli("search", "x", "--data", tmp_path)
    assert f"{beside} is not read" in caplog.text
    assert f"AISLE_SETTINGS={beside}" in caplog.text
    caplog.clear()
    monkeypatch.setenv("AISLE_SETTINGS", str(beside))
    cli("search", "x", "--data", tmp_path)
    assert "is not read" not in caplog.text


@pytest.mark.parametrize(
    "limit",
    ["query_characters", "page_size", "page_depth", "filters", "body_bytes", "concurrency",
     "stage_seconds"],
)  # fmt: skip
def test_a_limit_that_would_refuse_everything_is_refused(
    cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setenv(f"AISLE_LIMITS__{limit.upper()}", "0")
    code, _, err = cli("search", "x", "--data", tmp_path)
    assert code == 2
    assert f"setting limits.{limit}: Input should be greater than" in err


@pytest.mark.parametrize("keys", ["", " , ,"])
def test_keys_that_hold_none_are_refused_instead_of_opening_writes(
    cli: Run, data: Path, monkeypatch: pytest.MonkeyPatch, keys: str
) -> None:
    monkeypatch.setattr("api.serving.serve", lambda *given: None)
    monkeypatch.setenv("AISLE_API_KEYS", keys)
    code, _, err = cli("serve", "--data", data, "--port", "0")
    assert code == 2
    assert "setting api_keys: holds no key; give one or more" in err
