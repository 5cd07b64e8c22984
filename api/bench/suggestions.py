"""How fast suggestions are, for as many entries as asked."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import orjson

from fixtures import make_shop
from query.suggest import Entry, Suggester, distinct, write_entries
from search.errors import AisleError

SEED = 11
_TYPED = 4_000
_WARM_UP = 50
_LONGEST = 5
_NEW_WORDS = 0.6
_DRAWN = 1.7
"""Texts drawn for each entry wanted: some are the same."""


@dataclass(frozen=True, slots=True)
class SuggestionSpeed:
    """`load_seconds` opens the files and answers once, in a fresh process, which grows by
    `resident_bytes` until everything was measured (mapped files that were read included);
    `p50`, `p99` and `worst` are milliseconds of one thread; `processor_p99` leaves out the time in
    which others had the processor."""

    entries: int
    write_seconds: float
    disk_bytes: int
    load_seconds: float
    resident_bytes: int
    p50: float
    p99: float
    worst: float
    processor_p99: float
    answered: float
    """Share of what was typed that anything was suggested for."""


def measure_suggestions(entries: int) -> SuggestionSpeed:
    """Generates `entries` entries out of titles, writes them, and types parts of them: beginnings,
    later words, words out of order, and typing errors.

    Raises:
        AisleError: the measuring process failed.
    """
    made = _entries(entries)
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch) / "suggest"
        directory.mkdir()
        start = time.perf_counter()
        write_entries(directory, made)
        wrote = time.perf_counter() - start
        size = sum(path.stat().st_size for path in directory.iterdir())
        typed = Path(scratch) / "typed.json"
        typed.write_bytes(orjson.dumps(list(_typed(made, _TYPED))))
        command = [sys.executable, "-m", "api.bench.suggestions", str(directory), str(typed)]
        done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise AisleError(f"measuring suggestions failed: {done.stderr.decode()[-500:]}")
    return SuggestionSpeed(len(made), wrote, size, **orjson.loads(done.stdout))


def _entries(count: int) -> list[Entry]:
    """Runs of one to five words of generated titles, with weights as skewed as use is (Zipf). In
    half of them a word is replaced by a new one of its shape, so that the vocabulary grows as that
    of a large catalogue does."""
    titles = [product.title.split() for product in make_shop().products]
    random = np.random.default_rng(SEED)
    drawn = int(count * _DRAWN)
    weights = random.pareto(1.0, drawn).tolist()
    picks = random.integers(0, len(titles), drawn).tolist()
    lengths = random.integers(1, _LONGEST, drawn, endpoint=True).tolist()
    places = random.random((drawn, 3)).tolist()
    made = []
    for number, (pick, length, place) in enumerate(zip(picks, lengths, places, strict=True)):
        title = titles[pick]
        start = int(place[0] * max(1, len(title) - length + 1))
        words = title[start : start + length]
        if place[1] < _NEW_WORDS:
            changed = int(place[2] * len(words))
            words[changed] = f"{words[changed][:4]}{np.base_repr(number, 36).lower()}"
        made.append(Entry(" ".join(words), "query", weights[number]))
    return distinct(made, count)


def _typed(entries: Sequence[Entry], count: int) -> Iterator[str]:
    random = np.random.default_rng((SEED, 1))
    # Heavy entries are typed more often.
    places = (len(entries) * random.random(count) ** 3).astype(int)
    for number, place in enumerate(places.tolist()):
        text = entries[place].text.lower()
        words = text.split()
        if number % 4 == 1:
            words = words[-1:]
        elif number % 4 == 2:
            words = words[::-1]
        whole = " ".join(words)
        cut = whole[: int(random.integers(1, len(whole), endpoint=True))]
        yield _mistyped(cut, random) if number % 4 == 3 else cut


def _mistyped(text: str, random: np.random.Generator) -> str:
    place = int(random.integers(0, len(text)))
    letter = chr(97 + int(random.integers(0, 26)))
    changed = (letter, "", letter + text[place], text[place : place + 2][::-1])
    kind = int(random.integers(0, 4))
    return text[:place] + changed[kind] + text[place + (2 if kind == 3 else 1) :]


def _measure(directory: Path, typed: Sequence[str]) -> dict[str, float]:
    """See `SuggestionSpeed`; to be called in a process of its own."""
    import psutil

    process = psutil.Process()
    before = process.memory_info().rss
    start = time.perf_counter()
    suggester = Suggester.open(directory)
    suggester.complete(typed[0])
    loaded = time.perf_counter() - start
    taken: list[float] = []
    worked: list[float] = []
    answered = 0
    for text in typed[_WARM_UP:]:
        start, working = time.perf_counter(), time.thread_time()
        found = suggester.complete(text)
        taken.append((time.perf_counter() - start) * 1000)
        worked.append((time.thread_time() - working) * 1000)
        answered += bool(found)
    steps = statistics.quantiles(taken, n=100)
    return {
        "load_seconds": loaded,
        "resident_bytes": process.memory_info().rss - before,
        "p50": steps[49],
        "p99": steps[98],
        "worst": max(taken),
        "processor_p99": statistics.quantiles(worked, n=100)[98],
        "answered": answered / len(taken),
    }


def main() -> None:
    """Without arguments: the figures of 500,000 entries; else measures a directory of files."""
    if len(sys.argv) == 3:
        typed = orjson.loads(Path(sys.argv[2]).read_bytes())
        measured: object = _measure(Path(sys.argv[1]), typed)
    else:
        measured = asdict(measure_suggestions(500_000))
    sys.stdout.buffer.write(orjson.dumps(measured) + b"\n")


if __name__ == "__main__":
    main()
