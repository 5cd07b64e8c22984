"""Experiments in Redis: shared by the processes of all machines.

Every change is one transaction (MULTI after WATCH, or a script), so that whoever dies in the middle
leaves nothing half done.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from api.experiments.creating import placed
from api.experiments.packing import FIELDS, experiment_of, numbers, pack, step_of, tally_of
from api.experiments.seams import Cell, Tally
from eval.experiments import Experiment, Step
from search.errors import BadInput, StorageFailed
from search.secrets import redact

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

_SECONDS = 2.0
_KEPT_SECONDS = 400 * 86_400
"""How long a minute's tally is kept: as long as events are by default."""
_SUM = "sum:"
"""Begins the fields that are no member of a tally."""
_LEAD = """
local leader = redis.call('get', KEYS[1])
if leader and leader ~= ARGV[1] then return 0 end
redis.call('set', KEYS[1], ARGV[1], 'px', ARGV[2])
return 1
"""


@dataclass(frozen=True, slots=True)
class RedisStore:
    """Experiments under keys that begin with `prefix`; implements `ExperimentStore`."""

    client: Redis
    prefix: str = "aisle:experiments"
    clock: Callable[[], float] = time.time

    def version(self) -> int:
        """See `ExperimentStore`."""
        with _answering():
            return int(self.client.get(self._key("version")) or 0)

    def experiments(self) -> Sequence[Experiment]:
        """See `ExperimentStore`."""
        with _answering():
            return self._all(self.client)

    def create(self, experiment: Experiment, traffic: float, step: Step) -> Experiment:
        """See `ExperimentStore`."""
        made: list[Experiment] = []

        def write(pipeline: Pipeline) -> None:
            salt = secrets.token_hex(8)
            new = placed(experiment, self._all(pipeline), traffic, salt, self.clock())
            pipeline.multi()
            self._put(pipeline, new, step)
            made[:] = [new]

        with _answering():
            self.client.transaction(write, self._key("all"))
        return made[0]

    def change(self, experiment: Experiment, step: Step, expected: Experiment) -> bool:
        """See `ExperimentStore`."""
        done: list[bool] = []

        def write(pipeline: Pipeline) -> None:
            there: Any = pipeline.hget(self._key("all"), expected.name)
            pipeline.multi()
            done[:] = [there is not None and experiment_of(there) == expected]
            if done[0]:
                self._put(pipeline, experiment, step)

        with _answering():
            self.client.transaction(write, self._key("all"))
        return done[0]

    def note(self, step: Step) -> None:
        """See `ExperimentStore`."""
        with _answering():
            self.client.rpush(self._key("steps"), pack(step))

    def history(self, name: str | None = None) -> Sequence[Step]:
        """See `ExperimentStore`."""
        with _answering():
            rows: Any = self.client.lrange(self._key("steps"), 0, -1)
        steps = (step_of(row) for row in rows)
        return tuple(step for step in steps if name in (None, step.experiment))

    def add(self, tallies: Mapping[Cell, Tally]) -> None:
        """See `ExperimentStore`."""
        with _answering(), self.client.pipeline(transaction=True) as pipeline:
            for cell, tally in tallies.items():
                key = self._key("tally", cell.experiment, cell.arm, str(cell.minute))
                for name, value in zip(FIELDS, numbers(tally), strict=True):
                    if value:
                        pipeline.hincrbyfloat(key, name, value)
                for name, value in tally.sums.items():
                    if value:
                        pipeline.hincrbyfloat(key, _SUM + name, value)
                pipeline.expire(key, _KEPT_SECONDS)
                member = f"{cell.minute}\0{cell.arm}"
                pipeline.zadd(self._key("minutes", cell.experiment), {member: cell.minute})
            pipeline.execute()

    def tallies(self, name: str, since: int = 0) -> Mapping[Cell, Tally]:
        """See `ExperimentStore`."""
        with _answering():
            members: Any = self.client.zrangebyscore(self._key("minutes", name), since, "+inf")
            split = [member.decode().split("\0") for member in members]
            cells = sorted((arm, int(minute)) for minute, arm in split)
            with self.client.pipeline(transaction=False) as pipeline:
                for arm, minute in cells:
                    pipeline.hgetall(self._key("tally", name, arm, str(minute)))
                rows: Any = pipeline.execute()
        return {
            Cell(name, arm, minute): _tally(row)
            for (arm, minute), row in zip(cells, rows, strict=True)
            if row
        }

    def lead(self, who: str, seconds: float) -> bool:
        """See `ExperimentStore`."""
        with _answering():
            key = self._key("leader")
            return bool(self.client.eval(_LEAD, 1, key, who, str(int(seconds * 1000))))

    def _key(self, *parts: str) -> str:
        return ":".join((self.prefix, *parts))

    def _all(self, client: Any) -> tuple[Experiment, ...]:
        found = map(experiment_of, client.hvals(self._key("all")))
        return tuple(sorted(found, key=lambda each: (-each.created, each.name)))

    def _put(self, pipeline: Pipeline, experiment: Experiment, step: Step) -> None:
        pipeline.hset(self._key("all"), experiment.name, pack(experiment))
        pipeline.rpush(self._key("steps"), pack(step))
        pipeline.incr(self._key("version"))


def _tally(row: Mapping[bytes, bytes]) -> Tally:
    given = {name.decode(): float(value) for name, value in row.items()}
    sums = {name.removeprefix(_SUM): given[name] for name in given if name.startswith(_SUM)}
    return tally_of(tuple(given.get(name, 0.0) for name in FIELDS), sums)


def open_redis(url: str, options: Mapping[str, Any] | None = None) -> RedisStore:
    """A store on a server; connects, with the arguments `options`, when it is first asked.

    Raises:
        BadInput: the client is not installed, or this is no address of Redis.
    """
    given = {"socket_timeout": _SECONDS, "socket_connect_timeout": _SECONDS, **(options or {})}
    try:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ModuleNotFoundError:
        raise BadInput(
            "experiments are to be kept in Redis, whose client is not installed; install "
            "aisle[redis]",
            field="experiments.store",
        ) from None
    try:
        client = Redis.from_url(url, retry=Retry(NoBackoff(), 1), **given)
    except ValueError as error:
        raise BadInput(
            f"{redact(url)} is no address of Redis: {error}; write redis://host:6379/0",
            field="experiments.store",
        ) from None
    return RedisStore(client)


@contextlib.contextmanager
def _answering() -> Iterator[None]:
    from redis.exceptions import RedisError

    try:
        yield
    except (RedisError, OSError) as error:
        raise StorageFailed(
            f"experiments cannot be reached in Redis: {error}; see that it runs and that "
            "[experiments] store is right"
        ) from error
