"""Which files a log is in, and of what form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from search.errors import BadInput
from training.clicks.session_files import ENDINGS


def session_files(paths: Sequence[Path]) -> tuple[Path, ...]:
    """The files of sessions that the paths name, themselves or as directories of such; none when
    they name a log.

    Raises:
        BadInput: nothing is named, or sessions (which have no times) stand beside a log.
    """
    if not paths:
        raise BadInput("name a data directory or a file of events", field="events")
    found = [(path, _sessions(path)) for path in paths]
    files = tuple(file for _, each in found for file in each)
    other = next((path for path, each in found if not each), None)
    if files and other is not None:
        raise BadInput(
            f"{files[0]} holds sessions without times, {other} is none such; read them one after "
            "the other",
            field="events",
        )
    return files


def _sessions(path: Path) -> list[Path]:
    if any((path / table).is_dir() for table in ("searches", "events", "segments")):
        return []
    if path.is_dir():
        files = sorted(each for each in path.iterdir() if each.is_file())
        return [each for each in files if each.name.endswith(ENDINGS)]
    return [path] if path.name.endswith(ENDINGS) and path.is_file() else []
