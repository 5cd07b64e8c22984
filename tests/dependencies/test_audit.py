"""The audit says what is wrong with what is installed, and never that all is well unasked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.dependencies.audit import (
    license_of,
    main,
    offline,
    strangers,
    unlicensed,
    unlocked,
    unpinned,
    vulnerable,
)

HASH = f"    --hash=sha256:{'0' * 64}\n"
LOCK = (
    f"starlette==1.10.0 \\\n{HASH}    # via aisle\nredis==8.1.0 ; python_version > '3' \\\n{HASH}"
)


def test_what_this_project_pins_and_installs_is_sound() -> None:
    assert offline() == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("starlette==1.10.0\n", "has no hash"),
        (f"starlette>=1 \\\n{HASH}", "not pinned"),
        (f"starlette==1.* \\\n{HASH}", "not pinned"),
        (f"starlette \\\n{HASH}", "not pinned"),
    ],
)
def test_what_is_left_open_is_told(text: str, fault: str) -> None:
    assert list(unpinned(LOCK)) == []
    (said,) = unpinned(text)
    assert fault in said


def test_what_is_asked_for_must_be_locked() -> None:
    def asked(*texts: str) -> dict[str, Any]:
        more = {"extra": list(texts)}
        return {"project": {"dependencies": ["starlette>=1"], "optional-dependencies": more}}

    extra = frozenset({"extra"})
    assert list(unlocked(asked("redis", "absent ; python_version < '3'"), LOCK, extra)) == []
    assert list(unlocked(asked("absent"), LOCK, frozenset())) == []
    assert "absent is asked for" in next(unlocked(asked("absent"), LOCK, extra))
    assert "the lock has 8.1.0" in next(unlocked(asked("redis>9"), LOCK, extra))


def test_what_is_installed_must_be_what_is_locked() -> None:
    assert list(strangers(LOCK, {"starlette": "1.10.0"})) == []
    assert "redis 8.0.0 is installed" in next(strangers(LOCK, {"redis": "8.0.0"}))


@pytest.mark.parametrize(
    ("said", "allowed"),
    [
        ("MIT", True), ("MPL-2.0 AND (Apache-2.0 OR MIT)", True), ("LGPL-2.1-or-later", True),
        ("GNU Lesser General Public License v3", True), ("GPL-3.0 OR MIT", True),
        ("GPL-3.0", False), ("GNU General Public License v3 (GPLv3)", False),
        ("AGPL-3.0-only", False),
        ("GNU Affero General Public License v3", False), ("LicenseRef-NVIDIA-Proprietary", False),
        ("SSPL-1.0", False), ("BUSL-1.1", False), ("", False),
    ],
)  # fmt: skip
def test_licenses_that_a_shop_cannot_use_are_told(said: str, allowed: bool) -> None:
    assert (list(unlicensed({"name": said}, {})) == []) == allowed
    assert list(unlicensed({"name": said}, {"na*": "a reason"})) == []


def test_a_license_is_found_where_packages_write_it() -> None:
    classifiers = ("Topic :: Text", "License :: OSI Approved :: MIT License")
    assert license_of({"license_expression": "MIT", "license": "x"}, ()) == "MIT"
    assert license_of({"license": "Copyright ..."}, classifiers) == "MIT License"
    assert license_of({"license": "BSD\nand more"}, ()) == "BSD"
    assert license_of({}, ()) == ""


class Service(BaseHTTPRequestHandler):
    """Knows of one vulnerability of one package, as OSV's interface tells it."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = asked["package"]["name"] == "starlette"
        found = [
            {
                "id": "OSV-TEST-1",
                "summary": "A test",
                "modified": "2026-01-01T00:00:00Z",
                "affected": [{"package": asked["package"], "versions": [asked["version"]]}],
            }
        ]
        body = json.dumps({"vulns": found} if known else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("AISLE_AUDIT_URL", url)
    yield url
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_known_vulnerabilities_are_found(service: str, tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.write_text(LOCK)
    outcome, said = vulnerable(lock, {})
    assert outcome == "found"
    assert "OSV-TEST-1" in said


@pytest.mark.slow
def test_a_service_that_is_away_is_told_loudly_and_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AISLE_AUDIT_URL", "http://127.0.0.1:1")
    monkeypatch.setattr("tests.dependencies.audit.offline", list)
    assert main() == 0
    assert "NOT AUDITED" in capsys.readouterr().err
    monkeypatch.setenv("AISLE_REQUIRE_AUDIT", "1")
    monkeypatch.setattr("tests.dependencies.audit.vulnerable", lambda *given: ("unreachable", ""))
    assert main() == 1
