"""An evaluation as kept runs: what each system returned, and what it was made from."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from api.evaluating.observed import Observed
from eval import Judgments, Labels, Report, Run, Stages, StoredRun, save_run
from eval.runner import RANDOM
from eval.stored import checksum, cut
from search.settings import Settings

_SHOWN = 10


def keep(
    directory: Path,
    report: Report,
    judgments: Judgments,
    runs: Mapping[str, Run],
    *,
    name: str,
    mode: str,
    inputs: Mapping[str, str],
    observed: Observed | None,
    labels: Labels,
    stages: Mapping[str, Stages],
    titles: Mapping[str, str],
) -> tuple[Path, ...]:
    """Writes one run a system, the random floor left out; returns their files.

    Raises:
        StorageFailed: the disk refused.
    """
    written = []
    used: set[str] = set()
    for system, run in runs.items():
        if system == RANDOM:
            continue
        file = _file_name(system, used)
        kept, told = cut(run), stages.get(system)
        versions = code_versions()
        own = dict(inputs)
        if observed is not None and system in observed.models:
            own["model"] = observed.models[system]
        if observed is not None and system in observed.stages():
            versions["snapshot"] = observed.version
        record = StoredRun(
            name=f"{name}/{file}",
            system=system,
            rankings=kept,
            gains=judgments.gains,
            queries=report.queries,
            values={m: tuple(v.tolist()) for m, v in report.systems[system].values.items()},
            mode=mode,
            seed=report.seed,
            created=time.time(),
            command=command_line(),
            inputs=own,
            versions=versions,
            slices={dimension: dict(parts) for dimension, parts in labels.items()},
            places=told.places if told else None,
            first_stage=told.first_stage if told else None,
            coverage=report.coverage[system],
            titles=_in_sight(kept, judgments, titles),
            notes=report.notes,
        )
        written.append(save_run(record, directory / file))
    return tuple(written)


def _file_name(system: str, used: set[str]) -> str:
    """A system's name as a file name: nothing but letters, digits and a few signs."""
    plain = re.sub(r"[^\w.+-]+", "-", re.sub(r"\.(json|gz)\b", "", system)).strip("-.")[-80:]
    plain = plain or "system"
    name, number = plain, 1
    while name in used:
        number += 1
        name = f"{plain}-{number}"
    used.add(name)
    return name


def _in_sight(
    run: Mapping[str, tuple[str, ...]], judgments: Judgments, titles: Mapping[str, str]
) -> dict[str, str]:
    """The titles of the first products of each list and of the judged ones."""
    wanted = {product for ranked in run.values() for product in ranked[:_SHOWN]}
    wanted |= {product for known in judgments.gains.values() for product in known}
    return {product: titles[product] for product in sorted(wanted) if product in titles}


def input_checksums(
    judgments: Judgments, settings: Settings | None, observed: Observed | None
) -> dict[str, str]:
    """Of the judgments, and of the index and the settings where there is an index."""
    found = {"judgments": checksum(judgments.gains)}
    if settings is not None and observed is not None:
        manifest = (
            settings.data / "snapshots" / observed.version.partition(".")[0] / "manifest.json"
        )
        body = manifest.read_text("utf-8") if manifest.is_file() else ""
        found["index"] = checksum([observed.version, body])
        chosen = settings.model_dump(mode="json", exclude={"data"})
        found["settings"] = checksum(chosen)
    return found


def code_versions() -> dict[str, str]:
    """The version of Aisle, with the commit where it runs from a checkout, and of Python."""
    try:
        number = version("aisle")
    except PackageNotFoundError:
        number = "unknown"
    commit = _commit(Path(__file__).parents[2] / ".git")
    python = ".".join(map(str, sys.version_info[:3]))
    return {"aisle": f"{number}+{commit[:12]}" if commit else number, "python": python}


def _commit(git: Path) -> str:
    try:
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head
        return (git / head.removeprefix("ref: ")).read_text().strip()
    except OSError:
        return ""


def command_line() -> str:
    """How Aisle was called, without passwords in addresses."""
    return re.sub(r"(https?://)[^/@\s]+@", r"\1", " ".join(["aisle", *sys.argv[1:]]))
