"""A bucket on a real server, and a folder: what holds for one holds for the other."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.s3 import KEY, REGION, S3Server
from tests.indexer.artifacts.machines import Place


@pytest.fixture
def fast_path(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where there is one."""
    import tempfile

    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture
def folder(fast_path: Path) -> Place:
    """A folder that all machines have mounted."""
    (fast_path / "shared").mkdir()
    return Place(str(fast_path / "shared"))


@pytest.fixture
def bucket(s3: S3Server) -> Place:
    """A bucket of one's own."""
    name = f"shop-{secrets.token_hex(4)}"
    s3.create_bucket(name)
    return Place(f"s3://{name}/a/b?endpoint={s3.url}&region={REGION}", KEY)


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest) -> Place:
    """Either."""
    chosen: Place = request.getfixturevalue(request.param)
    return chosen
