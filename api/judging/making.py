"""Makes a judging task: asks every system for every query, and pools what stands near the top."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from api.evaluating.sources import Sources, find_sources
from api.evaluation import IndexSearcher, Progress
from api.judging.tasks import FOLDER, Pooled, Shown, Task, check_name, save_task, shown
from eval import Judgments, Run, load_judgments
from eval.judgment_formats import QUERY
from eval.pooling import contributions, pool_runs
from eval.runner import RANDOM
from eval.tables import find_layout, read_rows, read_text
from search.errors import BadInput


@dataclass(frozen=True, slots=True)
class Wanted:
    """What `aisle judge start` was asked: see its options."""

    data: Path
    name: str
    systems: Sequence[str]
    runs: Sequence[str] = ()
    queries: Path | None = None
    judgments: Path | None = None
    depth: int = 10
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A task that was made; `brought` is each system's products and how many only it brought,
    `empty` the queries for which nothing was found, `unknown` the products without a title."""

    task: Task
    place: Path
    brought: Mapping[str, tuple[int, int]]
    empty: tuple[str, ...]
    unknown: int


async def make_task(wanted: Wanted, progress: Progress | None = None) -> Made:
    """Pools and keeps a new task.

    Raises:
        BadInput, NotFound: something asked for cannot be used, or the task is there already.
        AisleError: a system failed.
    """
    place = wanted.data / FOLDER / check_name(wanted.name)
    if place.exists():
        raise BadInput(
            f"there is a task {wanted.name!r} already; choose another name", field="name"
        )
    queries = _queries(wanted)
    if not wanted.systems and not wanted.runs:
        raise BadInput("name what is to be pooled: --systems hybrid,ranked", field="systems")
    if RANDOM in wanted.systems:
        raise BadInput("random finds nothing of its own; leave it out", field="systems")
    judged = Judgments({query: {} for query in queries})
    sources = find_sources(wanted.systems, wanted.runs, wanted.data, judged)
    async with _opened(wanted.data, sources, progress) as ready:
        runs = {name: await ready.run(name, queries, wanted.depth, None) for name in ready.names}
        runs = {name: _asked(run, queries) for name, run in runs.items()}
        pooled = pool_runs(runs, wanted.depth)
        products, version = await _copies(ready, pooled)
    task = Task(
        wanted.name,
        round(time.time(), 3),
        wanted.depth,
        tuple(ready.names),
        tuple(Pooled(query, pooled[query]) for query in queries if query in pooled),
        products,
        version=version,
        source=str(wanted.queries or wanted.judgments),
    )
    empty = tuple(query for query in queries if query not in pooled)
    unknown = sum(not copy.title for copy in products.values())
    place = save_task(wanted.data, task, runs)
    return Made(task, place, contributions(runs, wanted.depth), empty, unknown)


def read_queries(path: Path) -> tuple[str, ...]:
    """The queries of a file, each once, in its order: a table's column, else one a line.

    Raises:
        BadInput: the file cannot be read.
    """
    text = read_text(path)
    layout = find_layout(text, QUERY, {})
    if layout is None:
        found = [" ".join(line.split()) for line in text.split("\n")]
    else:
        found = [row.values["query"] for row in read_rows(path, text, layout)]
    return tuple(dict.fromkeys(query for query in found if query))


def _queries(wanted: Wanted) -> tuple[str, ...]:
    if (wanted.queries is None) == (wanted.judgments is None):
        raise BadInput(
            "say what to judge: either --queries FILE or --from-judgments FILE", field="queries"
        )
    if wanted.queries is not None:
        found = read_queries(wanted.queries)
    else:
        assert wanted.judgments is not None
        found = tuple(load_judgments(wanted.judgments).gains)
    return found[: wanted.limit]


def _asked(run: Run, queries: Sequence[str]) -> dict[str, Sequence[str]]:
    return {query: run[query] for query in queries if query in run}


@asynccontextmanager
async def _opened(
    data: Path, sources: Sources, progress: Progress | None
) -> AsyncIterator[Sources]:
    """The sources with the index open, if there is one: also runs' products are looked up in it."""
    from api.settings import load_settings
    from search.build import open_search
    from search.errors import IndexMissing

    sources = replace(sources, progress=progress)
    try:
        # What the systems rank is judged, not what the shop's rules make of it.
        search = await open_search(load_settings(data, rules={"enabled": False}))
    except IndexMissing:
        if sources.of_index:
            raise
        yield sources
        return
    try:
        for name in sources.of_index:
            search = await search.with_model(name)
        yield replace(sources, index=IndexSearcher(search, progress=progress))
    finally:
        await search.close()


async def _copies(
    sources: Sources, pooled: Mapping[str, Sequence[str]]
) -> tuple[dict[str, Shown], str]:
    """What raters see of every pooled product, and the snapshot it comes from. A product that the
    index has not is shown by its id alone: it has no title."""
    ids = sorted({product for products in pooled.values() for product in products})
    copies = {product: Shown("") for product in ids}
    if sources.index is None:
        return copies, ""
    view = await sources.index.search.engine.view()
    for product_id in ids:
        ordinal = await view.find(product_id)
        if ordinal is not None:
            found = await view.products([ordinal])  # type: ignore[arg-type]
            copies[product_id] = shown(found[0])
    return copies, view.version
