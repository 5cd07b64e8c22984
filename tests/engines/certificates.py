"""Certificates for servers that tests start."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.engines.processes import HOST


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate that signs itself, for server and clients alike, and its key, as PEM."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-out",
         certificate, "-keyout", key, "-subj", f"/CN={HOST}",
         "-addext", f"subjectAltName=IP:{HOST}"],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key
