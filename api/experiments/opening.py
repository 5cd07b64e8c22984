"""The store that the settings name, and the systems that experiments need."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from api.experiments.redis import open_redis
from api.experiments.seams import ExperimentStore
from api.experiments.sqlite import FILE, SqliteStore
from api.settings import AppSettings
from eval.experiments import Experiment
from search.errors import AisleError, BadInput
from search.secrets import redis_options
from search.systems import LTR, MODEL, RAW, SYSTEMS

if TYPE_CHECKING:
    from search.build import Search


def open_store(settings: AppSettings) -> ExperimentStore:
    """Where experiments are kept.

    Raises:
        BadInput: the setting cannot be used.
    """
    chosen = settings.experiments.store
    if chosen == "sqlite":
        return SqliteStore(settings.data / FILE)
    if chosen != "redis":
        return open_redis(chosen)
    if settings.redis.url is None:
        raise BadInput(
            "[experiments] store is redis, and there is no [redis] url; set it", field="redis.url"
        )
    server = settings.redis
    store = open_redis(server.url or "", redis_options(server))
    return replace(store, prefix=f"{server.prefix}:experiments")


def missing(experiment: Experiment, settings: AppSettings) -> tuple[str, ...]:
    """Why servers of these settings would wait with an experiment, as far as names tell: nothing is
    opened, and files (`ltr:FILE`) are not looked at."""
    known = [*SYSTEMS, *settings.systems]
    reasons = []
    for name in (arm.system for arm in experiment.arms if arm.system is not None):
        if name.startswith(MODEL):
            reasons += _unregistered(settings, name)
        elif not name.startswith(LTR) and name.removesuffix(RAW) not in known:
            reasons.append(f"there is no system {name}; there are {', '.join(known)}")
    return tuple(reasons)


def _unregistered(settings: AppSettings, name: str) -> list[str]:
    from api.registry import registry_of

    try:
        registry_of(settings).path(name.removeprefix(MODEL))
    except AisleError as error:
        return [str(error)]
    return []


async def with_system(search: Search, settings: AppSettings, name: str) -> Search:
    """The search with one more system: `model:VERSION` of the registry, or `ltr:FILE`.

    Raises:
        NotFound, BadInput: there is no such system or model, or it cannot be used.
    """
    if name.startswith(MODEL) and name not in search.systems:
        from api.registry import registry_of

        path = registry_of(settings).path(name.removeprefix(MODEL))
        return await search.with_model(name, path)
    return await search.with_model(name)


async def fault_of(search: Search, settings: AppSettings, name: str) -> tuple[Search, str | None]:
    """The search with a system, and why it is not there when it is not."""
    try:
        search = await with_system(search, settings, name)
    except AisleError as error:
        return search, str(error)
    if name not in search.systems:
        known = ", ".join(each for each in search.systems if not each.endswith("-raw"))
        return search, f"there is no system {name}; there are {known}, and model:VERSION"
    reading = search.systems[name].reading
    return search, None if reading is None else reading.reader.fault
