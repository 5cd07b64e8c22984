"""How fast queries are understood, with the dictionaries of a catalogue of a million products."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from api.bench.latency import Percentiles
from api.bench.lexicon import lexicon_products, lexicon_queries, make_lexicon
from query.compose import category_boosts
from query.parts import FORMAT, FORMAT_FILE, Corpus
from query.registry import builders
from query.understanding import Understanding
from search.types import Product, Query

TERMS, BRANDS = 300_000, 50_000
QUERIES = "queries.txt"
_ROUNDS = 200


def build_parts(directory: Path, terms: int, brands: int, say: Callable[[str], None]) -> None:
    """Learns every part from a made-up catalogue into `directory`, unless it is there already."""
    marker = directory / f"{terms}-{brands}"
    if marker.exists():
        return
    directory.mkdir(parents=True, exist_ok=True)
    products = terms
    lexicon = make_lexicon(terms, brands)
    made: list[Product] = []
    learning = {name: build() for name, build in builders().items()}
    spent: dict[str, float] = defaultdict(float)
    for number, product in enumerate(lexicon_products(lexicon, products)):
        if number % max(1, products // 20_000) == 0:
            made.append(product)
        for name, builder in learning.items():
            started = time.perf_counter()
            builder.add(product)
            spent[name] += time.perf_counter() - started
    corpus = Corpus(products, made[:20_000])
    for name, builder in learning.items():
        started = time.perf_counter()
        (directory / name).mkdir(parents=True, exist_ok=True)
        builder.write(directory / name, corpus)
        wrote = time.perf_counter() - started
        say(f"{name}: {spent[name] / products * 1e6:.0f} µs a product, written in {wrote:.1f} s")
    (directory / QUERIES).write_text("\n".join(lexicon_queries(made, 2_000)))
    (directory / FORMAT_FILE).write_text(str(FORMAT))
    marker.touch()


def run_understanding(
    directory: Path, say: Callable[[str], None], terms: int = TERMS, brands: int = BRANDS
) -> dict[str, Any]:
    """Builds the parts, then measures them in a process of their own, so that its memory is theirs
    alone. Milliseconds a query, without the encoder."""
    build_parts(directory, terms, brands, say)
    found = _apart("measure_here", str(directory))
    say("Measuring symspellpy's own dictionary beside it ...")
    peer = _apart("measure_symspellpy", str(directory), str(terms), str(brands))
    return {"terms": terms, "brands": brands, **found, "symspellpy": peer}


def _apart(function: str, *arguments: str) -> dict[str, Any]:
    code = f"import sys, api.bench.understanding as u; u.{function}(*sys.argv[1:])"
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure_symspellpy(directory: str, terms: str, brands: str) -> None:
    """symspellpy with the same words, as it comes: `lookup_compound` at two edits."""
    import psutil
    from symspellpy import SymSpell

    process = psutil.Process()
    words = make_lexicon(int(terms), int(brands)).words
    before, started = process.memory_info().rss, time.perf_counter()
    peer = SymSpell(max_dictionary_edit_distance=2, prefix_length=7)
    for rank, word in enumerate(words, 1):
        peer.create_dictionary_entry(word, len(words) // rank + 1)
    loaded = time.perf_counter() - started
    spent = []
    for query in _queries(directory):
        begun = time.perf_counter()
        peer.lookup_compound(query, 2)
        spent.append((time.perf_counter() - begun) * 1000)
    _print(loaded, process.memory_info().rss - before, milliseconds=_rounded(spent))


def measure_here(directory: str) -> None:
    """Every part, in this process; prints one line of JSON."""
    import psutil

    import_module("query.light_spacy")  # the dictionaries are measured, not the library
    process = psutil.Process()
    before = process.memory_info().rss
    started = time.perf_counter()
    understanding = Understanding.open(Path(directory))
    loaded = time.perf_counter() - started
    queries = _queries(directory)
    for query in queries[:_ROUNDS]:
        understanding.refine(understanding.understand(Query(query)), None)
    whole, parts = _timed(understanding, queries[_ROUNDS:])
    _print(
        loaded,
        process.memory_info().rss - before,
        queries=len(queries) - _ROUNDS,
        milliseconds=_rounded(whole),
        parts={name: _rounded(spent) for name, spent in parts.items()},
    )


def _queries(directory: str) -> list[str]:
    return (Path(directory) / QUERIES).read_text().splitlines()


def _print(loaded: float, held: int, **measured: object) -> None:
    found = {"load_seconds": round(loaded, 3), "memory_mb": round(held / 1e6, 1), **measured}
    sys.stdout.write(json.dumps(found) + "\n")


def _rounded(spent: list[float]) -> dict[str, float]:
    found = Percentiles.of(spent)
    return {"p50": found.p50, "p95": found.p95, "p99": found.p99, "mean": found.mean}


def _timed(
    understanding: Understanding, queries: list[str]
) -> tuple[list[float], dict[str, list[float]]]:
    """Milliseconds of each query as a whole, and by part."""
    whole: list[float] = []
    parts: dict[str, list[float]] = defaultdict(list)
    for text in queries:
        begun = time.perf_counter()
        query = Query(text)
        for name, rewrite in understanding.rewriters.items():
            started = time.perf_counter()
            query = rewrite(query)
            parts[name].append((time.perf_counter() - started) * 1000)
        for name, refine in understanding.refiners.items():
            started = time.perf_counter()
            query = refine(query, None)
            parts[name].append((time.perf_counter() - started) * 1000)
        category_boosts(query)
        whole.append((time.perf_counter() - begun) * 1000)
    return whole, parts
