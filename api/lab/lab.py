"""What the pages of the lab look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from api.experiments.seams import ExperimentStore
from api.lab.jobs import OUT, Jobs, Task
from api.lab.page import Asked, Page
from api.settings import AppSettings

FOLDER = "lab"
"""Where in the data directory results are kept; it may be deleted."""
LISTING = "runs.json"
PROPENSITY = "propensity.json"
_COMPARISONS = 20


@dataclass(frozen=True, slots=True)
class Lab:
    """The settings, what runs beside the requests, and the experiments."""

    settings: AppSettings
    jobs: Jobs
    store: ExperimentStore

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.settings.data

    def listing(self) -> Task:
        """What the kept runs are."""
        place = str(self.data)
        known = str(self.jobs.folder / LISTING)
        return Task(LISTING, ("api.lab.work", "runs", place, known, OUT))

    def comparison(self, one: str, other: str, marks: tuple[str, str]) -> Task:
        """Two runs compared; another file once one of theirs, as `marks` say, is another."""
        key = sha256("\0".join((one, other, *marks)).encode()).hexdigest()[:16]
        arguments = ("api.lab.work", "compare", str(self.data), one, other, OUT)
        return Task(f"compare-{key}.sqlite", arguments)

    def propensity(self) -> Task:
        """How likely each position is looked at, by this data directory's log."""
        own = str(self.data)
        return Task(PROPENSITY, ("api.cli", "propensity", "--events", own, "--json"))

    def counts(self, name: str) -> Task:
        """What happened in the arms of an experiment."""
        arguments = ("api.lab.work", "counts", str(self.data), name, OUT)
        return Task(f"counts-{name}.json", arguments)

    def report(self, name: str) -> Task:
        """What an experiment found so far."""
        own = str(self.data)
        arguments = ("api.cli", "experiment", "report", name, "--data", own, "--json")
        return Task(f"experiment-{name}.json", arguments)

    def forget_comparisons(self) -> None:
        """Deletes the oldest comparisons where there are many."""
        kept = sorted(self.jobs.folder.glob("compare-*.sqlite"), key=lambda p: -p.stat().st_mtime)
        for path in kept[_COMPARISONS:]:
            path.unlink(missing_ok=True)


Maker = Callable[[Lab, Asked], Page]
