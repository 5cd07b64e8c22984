"""A certificate authority of the tests' own, made by openssl."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

HOW = "apt-get install openssl"
_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its key, as PEM files."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates for `127.0.0.1` and `localhost`; `certificate` is what clients trust."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.certificate, self._key = folder / "ca.pem", folder / "ca.key"
        _openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "2", "-subj", "/CN=tests", "-addext", "keyUsage=critical,keyCertSign",
            "-out", self.certificate, "-keyout", self._key,
        )  # fmt: skip

    def issue(self, name: str, hosts: str = f"IP:{_HOST},DNS:localhost") -> Issued:
        """A certificate for a server or a client of these hosts."""
        made = Issued(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        _openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName={hosts}",
            "-addext", "basicConstraints=critical,CA:FALSE",
            "-CA", self.certificate, "-CAkey", self._key,
            "-out", made.certificate, "-keyout", made.key,
        )  # fmt: skip
        made.key.chmod(0o600)
        return made


def require_openssl() -> None:
    """Without openssl the test is left out, loudly, or fails when AISLE_REQUIRE_REDIS is set."""
    if shutil.which("openssl") is None:
        message = f"no certificates: openssl is not installed ({HOW})"
        if os.environ.get("AISLE_REQUIRE_REDIS"):
            pytest.fail(message)
        pytest.skip(message)


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
