"""The systems of an evaluation by name: of the index, kept runs and files, engines behind HTTP."""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from api.evaluating.endpoint import Endpoint, Progress, parse_endpoint
from api.evaluation import IndexSearcher
from eval import Judgments, Run, StoredRun, load_ranking_file, load_run
from eval.runner import RANDOM
from search.errors import BadInput

RUN = "run:"
"""Begins the name of a system that is a kept run or a file (`run:main/hybrid`, `run:mine.trec`)."""
_ADDRESS = re.compile(r"https?://")
_SECRET = re.compile(r"^(https?://)[^/@\s]+@")
RUNS = "runs"
"""Where in the data directory runs are kept."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where each system's rankings come from; implements `eval.runner.Searcher`. Names that are
    neither a run nor an address are systems of the index."""

    names: tuple[str, ...]
    runs: Mapping[str, Run] = field(default_factory=dict)
    stored: Mapping[str, StoredRun] = field(default_factory=dict)
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    index: IndexSearcher | None = None
    progress: Progress | None = None
    notes: tuple[str, ...] = ()

    @property
    def of_index(self) -> tuple[str, ...]:
        """The systems that an index must answer for."""
        elsewhere = {RANDOM, *self.runs, *self.endpoints}
        return tuple(name for name in self.names if name not in elsewhere)

    async def run(
        self,
        system: str,
        queries: Sequence[str],
        depth: int,
        candidates: Mapping[str, Sequence[str]] | None,
    ) -> Run:
        """As `eval.runner.Searcher`; a kept run is given as it was kept."""
        if system in self.runs:
            return self.runs[system]
        if system in self.endpoints:
            return await self.endpoints[system].run(queries, depth, self.progress)
        if self.index is None:
            raise BadInput(f"there is no index to ask for {system}", field="systems")
        return await self.index.run(system, queries, depth, candidates)


def find_sources(
    systems: Sequence[str],
    named: Sequence[str],
    data: Path,
    judgments: Judgments,
    texts: Mapping[str, str] | None = None,
) -> Sources:
    """The systems named directly, and those given as NAME=WHERE; runs are read at once.

    Raises:
        BadInput, NotFound: a name is given twice, a run cannot be read, or shares no query with the
            judgments.
    """
    # A name that shows an address must not show its password.
    places = {_SECRET.sub(r"\1", name): name for name in systems if _elsewhere(name)}
    systems = [_SECRET.sub(r"\1", name) for name in systems]
    places |= dict(_named(each) for each in named)
    names = (*systems, *(name for name in places if name not in systems))
    given = [*systems, *(_named(each)[0] for each in named)]
    twice = next((name for name in given if given.count(name) > 1), None)
    if twice is not None:
        raise BadInput(
            f"two systems have the same name, {twice}; name each once: those of --runs take part "
            "without being named in --systems",
            field="systems",
        )
    runs: dict[str, Run] = {}
    stored: dict[str, StoredRun] = {}
    endpoints: dict[str, Endpoint] = {}
    notes: list[str] = []
    for name, place in places.items():
        if _ADDRESS.match(place):
            endpoints[name] = parse_endpoint(place)
            continue
        found = read_run(place.removeprefix(RUN), data, texts, name, notes)
        if isinstance(found, StoredRun):
            stored[name], runs[name] = found, found.rankings
        else:
            runs[name] = found
        _check_overlap(name, runs[name], judgments)
    return Sources(names, runs, stored, endpoints, notes=tuple(notes))


def _elsewhere(name: str) -> bool:
    return name.startswith(RUN) or bool(_ADDRESS.match(name))


def _named(text: str) -> tuple[str, str]:
    name, equals, place = text.partition("=")
    if not (equals and name.strip() and place.strip()) or _ADDRESS.match(name):
        raise BadInput(
            f"--runs {text}: write NAME=WHERE, a file, a kept run or an address", field="runs"
        )
    return name.strip(), place.strip()


def read_run(
    place: str, data: Path, texts: Mapping[str, str] | None, name: str, notes: list[str]
) -> StoredRun | Run:
    """A kept run by its name or file, or the ranking of any other file; what is odd about it is
    added to `notes`.

    Raises:
        BadInput, NotFound: there is none, or it cannot be read.
    """
    path = Path(place)
    if not path.is_file() or _is_kept(path):
        return load_run(place, data / RUNS)
    found = load_ranking_file(path, texts)
    if found.tied:
        notes.append(
            f"{name}: {found.tied} of {found.products} products have the same score as another of"
            " their query; they stand by id"
        )
    return found.run


def _is_kept(path: Path) -> bool:
    with path.open("rb") as file:
        if file.read(2) == b"\x1f\x8b":
            with gzip.open(path) as inner:
                try:
                    return inner.read(9) == b'{"format"'
                except (OSError, EOFError):
                    return True
        file.seek(0)
        return file.read(9) == b'{"format"'


def _check_overlap(name: str, run: Run, judgments: Judgments) -> None:
    """Queries by number on the one side and by text on the other never meet: better to say so."""
    if not judgments.gains.keys() & run.keys():
        theirs, ours = next(iter(run), ""), next(iter(judgments.gains), "")
        raise BadInput(
            f"{name} has none of the judged queries: its first is {theirs!r}, that of the judgments"
            f" {ours!r}; if one of them names queries by id, give their texts with --queries",
            field="systems",
        )
