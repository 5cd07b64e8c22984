"""A judging task: queries, the products pooled for each, and a copy of what raters see of them.

A task is a directory, `DATA/judging/NAME/`, that appears at once and never changes: `task.json`,
`pool.json` (what each system returned, which no page shows) and `answers/`, one log a rater.
"""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path

import orjson
from pydantic import TypeAdapter, ValidationError

from eval.pooling import blind_order
from eval.runs import Run
from indexer.storage import storage_errors, sync, sync_tree
from search.errors import AisleError, BadInput, NotFound
from search.types import Product

FOLDER = "judging"
"""Where in the data directory tasks are kept."""
FORMAT = 1
GRADES = ("Irrelevant", "Related", "Good", "Perfect")
"""What 0, 1, 2 and 3 mean."""
_TASK, _POOL = "task.json", "pool.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ATTRIBUTES = 12


@dataclass(frozen=True, slots=True)
class Shown:
    """What raters see of a product: a copy, so that it stays when the catalogue changes."""

    title: str
    brand: str | None = None
    category: tuple[str, ...] = ()
    price: float | None = None
    currency: str | None = None
    image: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pooled:
    """A query and the ids of its pooled products, by id."""

    query: str
    products: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """A judging task. `seed` is what the raters' orders depend on, `version` the snapshot that was
    searched ("" for none), `created` in seconds since 1970."""

    name: str
    created: float
    depth: int
    systems: tuple[str, ...]
    queries: tuple[Pooled, ...]
    products: Mapping[str, Shown]
    seed: str = field(default_factory=lambda: secrets.token_hex(8))
    version: str = ""
    source: str = ""
    format: int = FORMAT

    @property
    def pairs(self) -> int:
        """How many products there are to grade, over all queries."""
        return sum(len(each.products) for each in self.queries)

    def order(self, rater: str, query: Pooled) -> tuple[str, ...]:
        """The products of a query as this rater sees them."""
        return blind_order(query.products, self.seed, rater, query.query)


_READER = TypeAdapter(Task)


def shown(product: Product) -> Shown:
    """The copy of a product."""
    values = {"color": product.color, **product.attributes}
    texts = {name: _text(value) for name, value in values.items() if value not in (None, "", ())}
    return Shown(
        product.title,
        product.brand,
        tuple(product.category),
        product.price,
        product.currency,
        product.image,
        dict(list(texts.items())[:_ATTRIBUTES]),
    )


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def check_name(name: str) -> str:
    """The name of a task.

    Raises:
        BadInput: it cannot be a directory's everywhere.
    """
    if not _NAME.fullmatch(name):
        raise BadInput(
            f"{name[:100]!r} cannot name a task; use letters, digits, . _ and -, at most 64",
            field="name",
        )
    return name


def save_task(data: Path, task: Task, runs: Mapping[str, Run]) -> Path:
    """Writes a task, whole or not at all, and returns its directory.

    Raises:
        BadInput: the name cannot be used, or there is a task of that name.
        StorageFailed: the disk refused.
    """
    place = data / FOLDER / check_name(task.name)
    with storage_errors(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        making = place.with_name(f".{task.name}.{secrets.token_hex(4)}")
        try:
            (making / "answers").mkdir(parents=True)
            (making / _TASK).write_bytes(orjson.dumps(asdict(task), option=orjson.OPT_INDENT_2))
            (making / _POOL).write_bytes(orjson.dumps(_cut(task, runs)))
            sync_tree(making)
            _rename(making, place)
            sync(place.parent)
        finally:
            shutil.rmtree(making, ignore_errors=True)
    return place


def _rename(making: Path, place: Path) -> None:
    try:
        # Fails where the name is taken, also by another process a moment ago.
        making.rename(place)
    except OSError:
        if not place.exists():
            raise
        raise BadInput(
            f"there is a task {place.name!r} already, with its answers in {place}; give this one"
            " another name, or delete that directory",
            field="name",
        ) from None


def _cut(task: Task, runs: Mapping[str, Run]) -> dict[str, dict[str, list[str]]]:
    return {
        system: {query: list(products[: task.depth]) for query, products in run.items()}
        for system, run in runs.items()
    }


def load_task(data: Path, name: str) -> Task:
    """A task by its name.

    Raises:
        NotFound: there is none.
        AisleError: its file cannot be read.
    """
    path = data / FOLDER / name / _TASK
    if not _NAME.fullmatch(name) or not path.is_file():
        raise NotFound(
            f"there is no judging task {name[:100]!r}; aisle judge start NAME makes one, aisle"
            " judge status lists them"
        )
    about = path.stat()
    return _read(path, about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=8)
def _read(path: Path, changed: int, size: int) -> Task:
    try:
        task = _READER.validate_json(path.read_bytes())
    except (ValidationError, OSError) as error:
        raise AisleError(f"{path} cannot be read: {error}; restore it, or start again") from None
    if task.format > FORMAT:
        raise AisleError(f"{path} was written by a newer Aisle; use that one to judge")
    return task


def task_names(data: Path) -> list[str]:
    """The names of all tasks, the newest first."""
    found = [path for path in (data / FOLDER).glob(f"*/{_TASK}") if path.parts[-2][0] != "."]
    return [path.parts[-2] for path in sorted(found, key=lambda p: (-p.stat().st_mtime, p.parts))]
