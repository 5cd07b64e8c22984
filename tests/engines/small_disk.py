"""A disk that fills up: a small tmpfs where a server keeps its data."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NOTICED_SOON = {"monitor.fs.health.refresh_interval": "1s"}
"""How often a search server tries whether it can write; else every minute, or every second one."""
_PIECE = bytes(65_536)


class SmallDisk:
    """What is mounted at `place`; a file fills it until nobody can write, root neither."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._ballast = place / "ballast"

    def fill(self) -> None:
        """To the last page. What was written before stays where it is."""
        with self._ballast.open("ab", buffering=0) as file, suppress(OSError):
            while file.write(_PIECE):
                pass

    def free(self) -> None:
        """Takes the file away that filled it."""
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[SmallDisk]:
    """Mounts one at `place`, of so many bytes (`32m`).

    Raises:
        PermissionError: mounting is not permitted here.
    """
    place.mkdir(parents=True)
    command = ("mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", str(place))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PermissionError(done.stderr.strip())
    try:
        yield SmallDisk(place)
    finally:
        subprocess.run(("umount", "--lazy", str(place)), check=True)
