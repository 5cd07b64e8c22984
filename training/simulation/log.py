"""Simulated shoppers as a log of searches and events, in the Parquet tables of a real one."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from training.events.schema import EVENTS, SEARCHES
from training.simulation.counting import product_id, query_text
from training.simulation.models import ClickModel, Clicks
from training.simulation.outcomes import Outcomes, draw_outcomes
from training.simulation.worlds import Shown, World, sessions_of

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 50_000
_DAY = 86_400.0
_SECONDS_A_PLACE = 1.5
_TYPES = {"VARCHAR": "string", "DOUBLE": "float64", "INTEGER": "int32", "FLOAT": "float32"}


@dataclass(frozen=True, slots=True)
class LogPlan:
    """How a simulated log is written.

    `start` is the time of its beginning, in seconds since 1970, and `days` its length; `searches`
    are spread over it in order. `products` (queries × candidates, in the order of the world's
    documents) and `texts` (queries) are the shop's own names; empty for made-up ones. `features`
    float32 (queries, candidates, features) with `feature_names` are logged with each search.
    `impressions` False leaves impression events out: pages tell what was shown.
    """

    start: float = 1_767_225_600.0
    days: float = 30.0
    products: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    features: NDArray[np.float32] | None = None
    feature_names: tuple[str, ...] = ()
    feature_version: str = "simulated"
    impressions: bool = True
    outcomes: Outcomes = field(default_factory=Outcomes)


@dataclass(frozen=True, slots=True)
class Written:
    """What a simulated log holds."""

    searches: int
    impressions: int
    clicks: int
    carts: int
    purchases: int


def simulate_log(
    directory: Path,
    world: World,
    model: ClickModel,
    sessions: int,
    seed: int = 0,
    plan: LogPlan = LogPlan(),
) -> Written:
    """Writes `directory`/searches and `directory`/events with one search a session, each of a
    client of its own. `BATCH` sessions are in memory at a time.

    Raises:
        OSError: the disk refuses.
    """
    rng = np.random.default_rng([seed, 5])
    names = _Names(world, plan)
    done = np.zeros(4, np.int64)
    for number, shown in enumerate(sessions_of(world, sessions, rng, BATCH)):
        first = number * BATCH
        times = plan.start + (first + np.arange(len(shown.queries))) / sessions * plan.days * _DAY
        clicks = model.draw(shown.grades, rng)
        carts, purchases = draw_outcomes(clicks, shown.grades, rng, plan.outcomes)
        batch = _Batch(names, plan, shown, first, times)
        _write(directory / "searches", number, batch.searches())
        seen = np.ones_like(clicks) if plan.impressions else np.zeros_like(clicks)
        actions = (seen, clicks, carts, purchases)
        _write(directory / "events", number, batch.events(actions, rng))
        done += [int(each.sum()) for each in (np.ones_like(clicks), clicks, carts, purchases)]
    return Written(sessions, *done.tolist())


class _Names:
    """The strings of a world, as Arrow arrays to take from."""

    def __init__(self, world: World, plan: LogPlan) -> None:
        import pyarrow as pa

        size = world.grades.size
        products = plan.products or tuple(product_id(number) for number in range(size))
        texts = plan.texts or tuple(query_text(query) for query in range(len(world.grades)))
        self.products, self.texts = pa.array(products), pa.array(texts)
        self.candidates = world.candidates


_ACTIONS = ("impression", "click", "add_to_cart", "purchase")
_DELAYS = (0.5, 5.0, 20.0, 120.0)
"""Seconds after the search, at the top; further down somewhat later."""


class _Batch:
    """The rows of some sessions."""

    def __init__(
        self, names: _Names, plan: LogPlan, shown: Shown, first: int, times: NDArray[np.float64]
    ) -> None:
        self._names, self._plan, self._shown = names, plan, shown
        self._numbers = np.arange(first, first + len(times))
        self._times = times
        self._documents = shown.queries[:, None] * names.candidates + shown.candidates

    def searches(self) -> pa.Table:
        """The rows of `searches`."""
        import pyarrow as pa

        count, depth = self._documents.shape
        offsets = np.arange(count + 1, dtype=np.int32) * depth
        products = self._names.products.take(pa.array(self._documents.ravel()))
        columns: dict[str, Any] = {
            "search_id": _labelled("s", self._numbers),
            "time": self._times,
            "query": self._texts(self._shown.queries),
            "normalized": self._texts(self._shown.queries),
            "client": _labelled("c", self._numbers),
            "session": _labelled("c", self._numbers),
            "system": _labelled("ranker ", self._shown.rankers),
            "first": np.ones(count, np.int32),
            "total": np.full(count, depth, np.int32),
            "products": pa.ListArray.from_arrays(offsets, products),
        }
        if self._plan.features is not None:
            columns |= self._features(self._plan.features)
        return _table(SEARCHES, columns, count)

    def _features(self, features: NDArray[np.float32]) -> dict[str, Any]:
        import pyarrow as pa

        rows = features[self._shown.queries[:, None], self._shown.candidates]
        count = len(rows)
        ends = np.arange(count + 1, dtype=np.int32) * (rows.shape[1] * rows.shape[2])
        names = pa.array([list(self._plan.feature_names)])
        return {
            "features": pa.ListArray.from_arrays(ends, pa.array(rows.ravel(), pa.float32())),
            "feature_names": names.take(pa.array(np.zeros(count, np.int32))),
            "feature_version": pa.array([self._plan.feature_version] * count),
        }

    def events(self, actions: tuple[Clicks, ...], rng: np.random.Generator) -> pa.Table:
        """The rows of `events`, by time."""
        sessions, places, kinds = (
            np.concatenate(parts)
            for parts in zip(
                *(_where(done, kind) for kind, done in enumerate(actions)), strict=True
            )
        )
        delays = np.asarray(_DELAYS)[kinds] + _SECONDS_A_PLACE * places * (kinds > 0)
        times = self._times[sessions] + delays * (1 + 0.2 * rng.random(len(sessions)))
        order = np.argsort(times, kind="stable")
        sessions, places, kinds = sessions[order], places[order], kinds[order]
        return self._rows(sessions, places, kinds, times[order])

    def _rows(
        self,
        sessions: NDArray[np.int64],
        places: NDArray[np.int64],
        kinds: NDArray[np.int64],
        times: NDArray[np.float64],
    ) -> pa.Table:
        import pyarrow as pa

        numbers = self._numbers[sessions]
        depth = self._documents.shape[1]
        keys = (numbers * depth + places) * len(_ACTIONS) + kinds
        columns: dict[str, Any] = {
            "event_id": _labelled("e", keys),
            "action": pa.array(_ACTIONS).take(pa.array(kinds)),
            "time": times,
            "search_id": _labelled("s", numbers),
            "client": _labelled("c", numbers),
            "session": _labelled("c", numbers),
            "query": self._texts(self._shown.queries[sessions]),
            "product": self._names.products.take(pa.array(self._documents[sessions, places])),
            "position": (places + 1).astype(np.int32),
        }
        return _table(EVENTS, columns, len(sessions))

    def _texts(self, queries: NDArray[np.int64]) -> pa.Array:
        import pyarrow as pa

        return self._names.texts.take(pa.array(queries))


def _where(done: Clicks, kind: int) -> tuple[NDArray[np.int64], ...]:
    sessions, places = np.nonzero(done)
    return sessions, places, np.full(len(sessions), kind)


def _labelled(prefix: str, numbers: NDArray[np.int64]) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.binary_join_element_wise(prefix, pa.array(numbers).cast(pa.string()), "")


def _table(columns: dict[str, str], given: dict[str, Any], rows: int) -> pa.Table:
    """All columns of the schema, what was not given null."""
    import pyarrow as pa

    arrays = []
    for name, kind in columns.items():
        plain = pa.type_for_alias(_TYPES[kind.removesuffix("[]")])
        wanted = pa.list_(plain) if kind.endswith("[]") else plain
        value = given.get(name)
        arrays.append(pa.nulls(rows, wanted) if value is None else _as(value, wanted))
    return pa.table(dict(zip(columns, arrays, strict=True)))


def _as(value: Any, wanted: Any) -> Any:
    import pyarrow as pa

    array = value if isinstance(value, pa.Array | pa.ChunkedArray) else pa.array(value)
    return array if array.type == wanted else array.cast(wanted)


def _write(directory: Path, number: int, table: pa.Table) -> None:
    import pyarrow.parquet as pq

    directory.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, directory / f"simulated-{number:05d}.parquet", compression="zstd")
