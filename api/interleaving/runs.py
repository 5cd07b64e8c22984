"""Saved runs, read to be interleaved: the queries they share, and what their products are worth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval.interleaving import Items
from eval.judgments import load_judgments
from eval.run_files import load_ranking_file
from eval.runs import Run
from eval.stored import RUNS, SUFFIXES, load_run
from search.errors import BadInput, NotFound
from training.simulation.models import HIGHEST

Gains = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class NamedRun:
    """What a file ranks, and the gains of judged products that it holds, if any."""

    name: str
    rankings: Run
    gains: Gains | None = None


@dataclass(frozen=True, slots=True)
class Contest:
    """Runs and the queries they share. `rankings` holds each query's rankings in the order of
    `names`, products by codes of their own; `grades` (float64, by code) what each is worth, from 0
    to 4, None without judgments. `left_out` counts the queries that not all runs have; `judged` the
    share of the ranked products that were judged."""

    names: tuple[str, ...]
    queries: tuple[str, ...]
    rankings: tuple[tuple[Items, ...], ...]
    grades: tuple[NDArray[np.float64], ...] | None
    left_out: int = 0
    judged: float = 0.0

    @property
    def is_same(self) -> bool:
        """Whether two of the runs rank the same everywhere."""
        count = len(self.names)
        return any(
            all(np.array_equal(lists[one], lists[other]) for lists in self.rankings)
            for one in range(count)
            for other in range(one)
        )

    def dcg(self, depth: int) -> NDArray[np.float64] | None:
        """The mean DCG of each run's first `depth` places, of grades; None without judgments."""
        if self.grades is None:
            return None
        discount = 1 / np.log2(np.arange(2, depth + 2))
        gained = [
            [float(grades[items[:depth]] @ discount[: len(items[:depth])]) for items in lists]
            for lists, grades in zip(self.rankings, self.grades, strict=True)
        ]
        return np.asarray(np.mean(gained, axis=0), np.float64)


def read_runs(paths: Sequence[str], directory: Path = RUNS) -> list[NamedRun]:
    """Runs by file, or saved ones by name. Those of one name are numbered.

    Raises:
        BadInput: there is no such file or run, or it is no run.
    """
    runs = [_read(path, directory) for path in paths]
    seen: Counter[str] = Counter()
    named = []
    for run in runs:
        seen[run.name] += 1
        again = f" ({seen[run.name]})" if seen[run.name] > 1 else ""
        named.append(NamedRun(run.name + again, run.rankings, run.gains))
    return named


def _read(path: str, directory: Path) -> NamedRun:
    file = Path(path)
    if file.is_file() and not file.name.endswith(SUFFIXES):
        return NamedRun(file.stem, load_ranking_file(file).run)
    try:
        stored = load_run(path, directory)
    except NotFound as error:
        raise BadInput(f"{error}; a TREC run is named by its file") from None
    return NamedRun(stored.name or file.stem, stored.rankings, stored.gains)


def gains_of(runs: Sequence[NamedRun], judgments: Path | None) -> tuple[Gains | None, str]:
    """The gains to click by: of a file, or of the first run that holds any; and a remark where runs
    hold different ones.

    Raises:
        BadInput: the file cannot be read.
    """
    if judgments is not None:
        return load_judgments(judgments).gains, ""
    held = [run for run in runs if run.gains]
    if not held:
        return None, ""
    differ = [run.name for run in held[1:] if run.gains != held[0].gains]
    remark = f"{', '.join(differ)}: other judgments; those of {held[0].name} are used"
    return held[0].gains, remark if differ else ""


def contest(runs: Sequence[NamedRun], gains: Gains | None = None) -> Contest:
    """The queries that all runs have, and with gains those of them that are judged. The grade of a
    product is 4 times its gain over the highest of all; 0 where it was not judged.

    Raises:
        BadInput: there is no such query, or a gain is negative or no number.
    """
    queries = _shared(runs, gains)
    rows = [_coded([run.rankings[query] for run in runs]) for query in queries]
    every = {query for run in runs for query in run.rankings}
    found = Contest(
        tuple(run.name for run in runs),
        tuple(queries),
        tuple(lists for _, lists in rows),
        None,
        len(every) - len(queries),
    )
    if gains is None:
        return found
    worth, pairs = _grades(gains), list(zip(queries, (each for each, _ in rows), strict=True))
    known = [product in gains[query] for query, products in pairs for product in products]
    return replace(
        found,
        grades=tuple(
            np.array([worth[query].get(product, 0.0) for product in products], np.float64)
            for query, products in pairs
        ),
        judged=float(np.mean(known)) if known else 0.0,
    )


def _shared(runs: Sequence[NamedRun], gains: Gains | None) -> list[str]:
    everywhere = [query for query in runs[0].rankings if all(query in run.rankings for run in runs)]
    if not everywhere:
        raise BadInput(
            f"{' and '.join(run.name for run in runs)} have no query in common; make the runs from "
            "the same queries, named in the same way"
        )
    judged = everywhere if gains is None else [query for query in everywhere if gains.get(query)]
    if not judged:
        raise BadInput(
            "none of the runs' queries is judged; give judgments of them, with the queries named "
            "as in the runs, or leave them out and let --clicks random click anything",
            field="judgments",
        )
    return judged


def _grades(gains: Gains) -> dict[str, dict[str, float]]:
    every = np.array([gain for each in gains.values() for gain in each.values()] or [0.0])
    if not (np.isfinite(every).all() and (every >= 0).all()):
        raise BadInput("a gain is negative or no number; gains are 0 or more", field="judgments")
    scale = HIGHEST / max(float(every.max()), 1e-300)
    return {
        query: {product: gain * scale for product, gain in each.items()}
        for query, each in gains.items()
    }


def _coded(rankings: Sequence[Sequence[str]]) -> tuple[list[str], tuple[Items, ...]]:
    codes = {product: n for n, product in enumerate(dict.fromkeys(p for r in rankings for p in r))}
    coded = tuple(np.array([codes[product] for product in r], np.int32) for r in rankings)
    return list(codes), coded
