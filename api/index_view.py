"""A data directory as it was at a moment: links to the index, with behavior of its own.

Features of behavior read `behavior/` beside the index. What is there when a model is trained and
judged must not know the clicks that judge it, and what is served meanwhile must not become older:
so retraining and the gate look at the index through a folder of links.
"""

from __future__ import annotations

from pathlib import Path

from api.registry import MODELS
from rankers.behavior.store import FOLDER as BEHAVIOR
from training.events.disk import storage_errors

RUNS = "retraining"
"""Where in the data directory the runs of retraining are kept."""
_OWN = frozenset({"events", BEHAVIOR, MODELS, RUNS})
"""What is not looked at through the links."""


def make_view(data: Path, folder: Path) -> Path:
    """Makes `folder` such a view; again, where there is one. Returns it.

    Raises:
        StorageFailed: the disk refused.
    """
    data = data.resolve()
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for link in folder.iterdir():
            if link.is_symlink() and not (data / link.name).exists():
                link.unlink()
        for path in data.iterdir():
            link = folder / path.name
            if path.name not in _OWN and not path.name.startswith(".") and not link.is_symlink():
                link.symlink_to(path)
    return folder
