"""Runs kept as files: what a system returned, for which judgments, made from what.

A run is one JSON object, gzipped unless its path ends with `.json`. It holds the judgments it was
scored by, so that it can be compared, looked at and simulated on without any other file.
"""

from __future__ import annotations

import gzip
import os
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from eval.results import Coverage, Interval
from search.errors import BadInput, NotFound, StorageFailed

FORMAT = 1
"""Of the files; a file of a higher one was written by a newer Aisle."""
DEPTH = 100
"""How many products of each query are kept."""
RUNS = Path("data/runs")
"""Where runs are looked for by name, unless another directory is given."""
SUFFIXES = (".json.gz", ".json")


@dataclass(frozen=True, slots=True)
class StoredRun:
    """One system's answers to judged queries, and everything needed to make sense of them.

    `rankings` holds each query's product ids, best first, at most `DEPTH`; `gains` every judged
    product's gain by query, also of queries that cannot be scored; `queries` those that are scored,
    and `values` each metric's value for them, in their order (computed on the whole ranking).
    `slices` says of each dimension (`kind`, `length`, …) which part each query belongs to. `places`
    holds, where the system told, the place of a query's relevant products among what was retrieved,
    before a model ordered it (from 1; absent: not retrieved), and `first_stage` how many of those
    the model saw. `titles` are of the products in sight. `inputs` are checksums of what the run was
    made from (`judgments` of the gains themselves), `versions` those of the code and the snapshot.
    `created` is in seconds since 1970, `command` how it was called.
    """

    name: str
    system: str
    rankings: Mapping[str, tuple[str, ...]]
    gains: Mapping[str, Mapping[str, float]]
    queries: tuple[str, ...] = ()
    values: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    mode: str = "full"
    seed: int = 0
    created: float = 0.0
    command: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    slices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    places: Mapping[str, Mapping[str, int]] | None = None
    first_stage: int | None = None
    coverage: Coverage | None = None
    titles: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def scores(self) -> dict[str, Interval]:
        """The mean of each metric over the queries, with its 95% interval."""
        import numpy as np

        from eval.slicing import intervals

        return intervals({m: np.array(v, np.float64) for m, v in self.values.items()})


@dataclass(frozen=True, slots=True)
class ListedRun:
    """A file of a directory of runs: the run, or what is wrong with the file."""

    path: Path
    run: StoredRun | None
    fault: str = ""


def checksum(value: object) -> str:
    """Of any plain value, whatever the order of its keys: 16 hexadecimal digits."""
    data = orjson.dumps(value, option=orjson.OPT_SORT_KEYS, default=str)
    return sha256(data).hexdigest()[:16]


def save_run(run: StoredRun, path: Path) -> Path:
    """Writes a run, atomically, replacing an earlier one; returns the file's path, which is `path`
    with `.json.gz` added unless it ends with that or `.json`.

    Raises:
        StorageFailed: the disk refused.
    """
    if not path.name.endswith(SUFFIXES):
        path = path.with_name(path.name + SUFFIXES[0])
    data = orjson.dumps({"format": FORMAT, **asdict(run)})
    if path.name.endswith(".gz"):
        data = gzip.compress(data, compresslevel=6, mtime=0)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, data)
    except OSError as error:
        raise StorageFailed(f"cannot write {path}: {error.strerror or error}") from error
    return path


def _replace(path: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def load_run(path_or_name: Path | str, directory: Path = RUNS) -> StoredRun:
    """Reads a run by its file, or by its name in a directory of runs. A directory stands for the
    run in it, where there is only one.

    Raises:
        NotFound: there is none; the message names those that are there.
        BadInput: the file is damaged, no run, or written by a newer Aisle.
    """
    return _read(find_run(path_or_name, directory))


def find_run(path_or_name: Path | str, directory: Path = RUNS) -> Path:
    """The file of a run, as `load_run` finds it.

    Raises:
        NotFound: there is none, or a directory holds several.
    """
    asked = Path(path_or_name)
    for place in (asked, directory / asked):
        for path in (place, *(place.with_name(place.name + suffix) for suffix in SUFFIXES)):
            if path.is_file():
                return path
        # The working directory may hold one of the same name that has nothing to do with runs.
        if place.is_dir() and _files(place):
            return _only(place)
    known = ", ".join(sorted(run_name(path, directory) for path in _files(directory)))
    have = f"there are {known}" if known else "there is none yet; aisle eval --save NAME keeps some"
    raise NotFound(f"there is no run {str(asked)!r}: no such file, nor one in {directory}: {have}")


def list_runs(directory: Path = RUNS) -> tuple[ListedRun, ...]:
    """Every run of a directory and those in it, the newest first; damaged files last."""
    listed = [_listed(path) for path in _files(directory)]
    return tuple(
        sorted(listed, key=lambda each: (-(each.run.created if each.run else 0.0), each.path))
    )


def run_name(path: Path, directory: Path) -> str:
    """What `load_run` finds a file of a directory of runs by."""
    name = path.relative_to(directory).as_posix()
    return next(name.removesuffix(s) for s in SUFFIXES if name.endswith(s))


def _only(place: Path) -> Path:
    files = _files(place)
    if len(files) == 1:
        return files[0]
    names = ", ".join(f"{place}/{run_name(path, place)}" for path in files)
    raise NotFound(f"{place} holds {len(files)} runs; name one: {names}")


def _files(directory: Path) -> list[Path]:
    return sorted(
        path for path in directory.rglob("[!.]*") if path.name.endswith(SUFFIXES) and path.is_file()
    )


def _listed(path: Path) -> ListedRun:
    try:
        return ListedRun(path, _read(path))
    except BadInput as error:
        return ListedRun(path, None, str(error))


def _read(path: Path) -> StoredRun:
    from pydantic import TypeAdapter, ValidationError

    values = _object(path)
    number = values.pop("format", None)
    if not isinstance(number, int):
        raise BadInput(
            f"{path} is no run: it has no format number; make one with aisle eval --save"
        )
    if number > FORMAT:
        raise BadInput(
            f"{path} has format {number}, this Aisle reads up to {FORMAT}; update Aisle, or make"
            " the run again"
        )
    try:
        return TypeAdapter(StoredRun).validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise BadInput(f"{path} is damaged at {place}: {first['msg']}; make it again") from None


def _object(path: Path) -> dict[str, Any]:
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        values = orjson.loads(data)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"cannot read the run {path}: {reason}; make it again") from error
    except orjson.JSONDecodeError as error:
        raise BadInput(f"{path} is damaged or no run: {error}; make it again") from None
    if not isinstance(values, dict):
        raise BadInput(
            f"{path} is no run: it holds no JSON object; make one with aisle eval --save"
        )
    return values


def cut(run: Mapping[str, Sequence[str]], depth: int = DEPTH) -> dict[str, tuple[str, ...]]:
    """The first products of each ranking, as they are kept."""
    return {query: tuple(products[:depth]) for query, products in run.items()}
