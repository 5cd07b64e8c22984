"""An index as it ranks by what shoppers had done until a moment, beside the one that serves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from api.index_view import make_view
from rankers.behavior import load_current, publish
from search.build import LTR, Search, open_search
from training.behavior import behavior_as_of
from training.events.tables import open_tables
from training.propensity import Propensities

_DAY = 86_400.0
_EARLIER = "SELECT count(*) FROM clean_searches WHERE time < ? AND time > ?"
_MOST_DAYS = 30


@asynccontextmanager
async def search_as_of(
    search: Search,
    systems: Sequence[str],
    events: Sequence[Path],
    propensities: Propensities,
    moment: float,
) -> AsyncIterator[Search]:
    """The same index and systems, with behavior of the log as of a moment (seconds since 1970): as
    published, where that is no later and at most a day earlier; none, where nobody searched before.

    Raises:
        BadInput: as `training.behavior.behavior_as_of`.
        StorageFailed: the disk refused.
    """
    settings = search.settings
    current = await asyncio.to_thread(load_current, settings.data)
    if current is not None and 0 <= moment - current.moment < _DAY:
        yield search
        return
    with TemporaryDirectory(prefix="aisle-judging-") as place:
        view = make_view(settings.data, Path(place) / "data")
        await asyncio.to_thread(_publish, view, events, propensities, moment)
        then = await open_search(settings.model_copy(update={"data": view}))
        try:
            for system in systems:
                if system.startswith(LTR):
                    then = await then.with_model(system)
            yield then
        finally:
            await then.close()


def _publish(data: Path, events: Sequence[Path], propensities: Propensities, moment: float) -> None:
    with open_tables(events) as connection:
        times = [moment, moment - _MOST_DAYS * _DAY]
        (earlier,) = connection.execute(_EARLIER, times).fetchall()[0]
    if earlier:
        publish(behavior_as_of(events, propensities, moment), data)
