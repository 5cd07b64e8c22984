"""Whether the systems of an experiment are there, and whether they differ in what is compared."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from api.experiments.opening import fault_of
from api.settings import AppSettings
from eval.experiments import Experiment
from search.build import Search, open_search
from search.errors import BadInput
from search.pipeline import Pipeline
from search.ranking import RankingStage


async def check_systems(
    experiment: Experiment, settings: AppSettings, *, allow_same: bool = False
) -> tuple[str, ...]:
    """Opens every system of an experiment as a server would; what should be known of them.

    Raises:
        BadInput: one is not there, or interleaved systems rank alike; says what to do.
        IndexMissing: there is nothing to search yet.
    """
    search = await open_search(settings)
    try:
        return await _checked(experiment, settings, search, allow_same)
    finally:
        await search.close()


async def _checked(
    experiment: Experiment, settings: AppSettings, search: Search, allow_same: bool
) -> tuple[str, ...]:
    for arm in experiment.arms:
        if arm.system is not None:
            search, fault = await fault_of(search, settings, arm.system)
            if fault is not None:
                raise BadInput(f"{arm.name} cannot take part: {fault}", field="arm")
    remarks = list(_without_model(experiment, search))
    for one, other in combinations(experiment.arms, 2):
        if one.system is None or other.system is None or one.diversity != other.diversity:
            continue
        first, second = search.systems[one.system], search.systems[other.system]
        if not alike(first, second):
            continue
        if experiment.kind == "interleave" and not allow_same:
            raise BadInput(
                f"{one.system} and {other.system} rank alike: what else they differ in (variety, "
                "stock, exploration, rules) applies to the interleaved list as a whole; compare "
                "them with --kind ab; or add --allow-same for an A/A test",
                field="b",
            )
        remarks.append(f"{one.system} and {other.system} find and rank alike")
    return tuple(remarks)


def _without_model(experiment: Experiment, search: Search) -> Iterator[str]:
    """Arms that order by a model where none is in use: what answers for them is the fused order.

    Raises:
        BadInput: they are interleaved, so that the baseline would answer every search alone.
    """
    for arm in experiment.arms:
        system = search.systems[arm.system] if arm.system is not None else None
        if system is None or not system.settings.ranking.enabled:
            continue
        if not isinstance(system.ranking, RankingStage) or _model(system) is not None:
            continue
        if system.reading is not None:
            continue  # which orders without a model, too
        named = f"{arm.system} ({arm.name}) has nothing to order by: no ranking model is in use"
        if experiment.kind == "interleave":
            raise BadInput(
                f"{named}, so that the baseline would answer alone and nobody get credit; train "
                "one (aisle train), or name model:VERSION, or hybrid for the order without one",
                field="arm",
            )
        yield f"{named}, so that it answers in the order of hybrid, which counts as a fallback"


def alike(one: Pipeline, other: Pipeline) -> bool:
    """Whether two systems understand, find and rank alike, whatever is done to the order after."""
    return all(of(one) == of(other) for of in (_found, _model, _read))


def _found(system: Pipeline) -> tuple[object, ...]:
    return (
        system.settings.understanding if not system.name.endswith("-raw") else None,
        system.settings.fusion,
        system.retrieval.retrievers,
    )


def _model(system: Pipeline) -> tuple[object, ...] | None:
    """What reorders the candidates: None without a model, as there may be none in use."""
    stage = system.ranking
    if not isinstance(stage, RankingStage) or not system.settings.ranking.enabled:
        return None
    current = stage.models.current()
    if current is None:
        return None
    chosen = system.settings.ranking
    return current.version, chosen.depth, chosen.first_stage


def _read(system: Pipeline) -> tuple[str, int] | None:
    """The cross-encoder, and how many hits it reads."""
    stage = system.reading
    return None if stage is None else (stage.reader.name, stage.settings.ranking.read)
