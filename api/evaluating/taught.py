"""Says which systems are judged by queries that taught their ranking models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from api.judged_before import held_out_gain, learned_queries, share_of
from eval import Judgments
from rankers import load_model
from search.errors import AisleError
from search.settings import MODEL_FILE
from search.systems import LTR, MODEL, RAW
from search.types import SearchRequest

if TYPE_CHECKING:
    from search.build import Search
    from search.settings import Settings


def taught_notes(
    search: Search, names: Sequence[str], judged: Judgments, source: Path
) -> list[str]:
    """A remark for each system of the index whose model learned from some of the judged queries;
    `source` is the file of the judgments."""
    notes, queries = [], judged.relevant_queries()
    for name in names:
        if search.system(SearchRequest("", system=name)).ranking is None:
            continue
        try:
            model = load_model(_file(search.settings, name))
        except AisleError:  # what serves may be kept in memory alone
            continue
        learned = learned_queries(model, judged, source)
        if not learned:
            continue
        gain = held_out_gain(model)
        held_out = f"; on queries held out from its training it gained {gain}" if gain else ""
        notes.append(
            f"{name} learned from {share_of(learned, queries)}, which flatters it{held_out}"
        )
    return notes


def _file(settings: Settings, name: str) -> Path:
    """The model file that a system of the index ranks by."""
    from api.registry import named_model

    if name.startswith(LTR):
        return Path(name[len(LTR) :])
    if name.startswith(MODEL):
        return named_model(settings, name[len(MODEL) :].removesuffix(RAW))
    return settings.ranking.model or settings.data / MODEL_FILE
