"""deploy/secrets.sh: what it makes can be used, stays, and is shown to nobody."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.deploy.files import DEPLOY


def make(folder: Path) -> str:
    done = subprocess.run(
        ["sh", DEPLOY / "secrets.sh", folder], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets")
    make(folder)
    return folder


def test_made_again_they_are_the_same_and_none_is_printed(made: Path) -> None:
    before = contents(made)
    said = make(made)
    assert contents(made) == before
    secret = (made / "redis" / "password").read_text().strip()
    assert len(secret) == 64
    assert secret not in said


def test_only_the_service_itself_may_read_them(made: Path) -> None:
    for path in made.rglob("*"):
        assert path.stat().st_mode & 0o277 == 0, f"{path} has mode {path.stat().st_mode:o}"


def test_both_sides_of_a_server_have_the_same_password(made: Path) -> None:
    files = contents(made)
    password = files["redis/password"].decode().strip()
    assert files["redis/redis.conf"].decode() == f"requirepass {password}\n"
    assert files["aisle/aisle_redis__password"] == files["redis/password"]
    assert files["aisle/aisle_server__password"] == files["elasticsearch/password"]
    assert len({files[f"{name}/password"] for name in ("redis", "grafana", "elasticsearch")}) == 3


def test_the_certificate_is_signed_for_the_name_that_is_asked_for(made: Path) -> None:
    certificate = made / "elasticsearch" / "elasticsearch.crt"
    for name in ("elasticsearch", "localhost"):
        subprocess.run(
            ["openssl", "verify", "-CAfile", made / "aisle" / "ca.crt", "-purpose", "sslserver",
             "-verify_hostname", name, certificate],
            check=True, capture_output=True,
        )  # fmt: skip


def test_a_certificate_that_ends_soon_is_made_anew_by_the_same_authority(tmp_path: Path) -> None:
    make(tmp_path)
    certificate = tmp_path / "elasticsearch" / "elasticsearch.crt"
    authority = (tmp_path / "authority" / "ca.crt").read_bytes()
    key = tmp_path / "soon.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "20", "-subj", "/CN=elasticsearch",
         "-keyout", key, "-out", tmp_path / "soon.crt"],
        check=True, capture_output=True,
    )  # fmt: skip
    certificate.chmod(0o600)
    certificate.write_bytes((tmp_path / "soon.crt").read_bytes())
    make(tmp_path)
    assert (tmp_path / "authority" / "ca.crt").read_bytes() == authority
    subprocess.run(
        ["openssl", "verify", "-CAfile", tmp_path / "aisle" / "ca.crt", certificate], check=True
    )
