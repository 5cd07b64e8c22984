"""How candidates order the products that a log has shown: by an index, or by logged features."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from api.evaluation import IndexSearcher
from api.off_policy.log import Logged, Window
from api.registry import named_model
from rankers import Model, load_model
from search.build import LTR, MODEL, Search
from search.errors import BadInput
from search.settings import Settings
from training.events.tables import open_tables

Progress = Callable[[str, int, int | None], None]
Scores = NDArray[np.float64]
LEAST_KNOWN = 0.5
"""Below this share of impressions that a candidate knows the log is taken for another shop's."""
_BEHIND = -np.inf
"""The score of products that a candidate does not know."""
_TOP = 10
_DISCOUNTS = 1 / np.log2(np.arange(2, _TOP + 2))
_FEATURES = """
WITH page AS (
    SELECT row_number() OVER () AS page, time, products, features, feature_names AS names,
        coalesce(nullif(normalized, ''),
                 lower(trim(regexp_replace(query, '\\s+', ' ', 'g')))) AS text
    FROM clean_searches
    WHERE feature_version = $version AND time >= $since AND time <= $until
        AND len(features) = len(products) * len(feature_names)
), latest AS (
    SELECT text, product, arg_max(page, time) AS page, arg_max(place, time) AS place FROM (
        SELECT text, page, time, unnest(products) AS product,
            generate_subscripts(products, 1) AS place
        FROM page
    ) GROUP BY text, product
)
SELECT latest.text, product, names,
    list_slice(features, (place - 1) * len(names) + 1, place * len(names)) AS features
FROM latest JOIN page USING (page)
"""


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate's scores of the shown products (float64, one a document; those it does not know
    stand behind all others), the share of impressions that are of products it knows, and how much
    of its own top ten, weighed as by DCG, was shown for the query (None where only shown products
    can be scored)."""

    scores: Scores
    known: float
    shown: float | None = None


def by_logged_features(path: Path, events: Sequence[Path], log: Logged, window: Window) -> Scored:
    """Scores by a model file of the features that were logged last with each product of a query.

    Raises:
        BadInput: the model cannot be used, or too few products were logged with its features.
    """
    from rankers.scoring import Scorer

    model = load_model(path)
    rows = _logged_rows(events, model, window)
    if not rows:
        raise BadInput(
            f"the log holds no features of version {model.feature_version} with all that {path} "
            "reads; name the shop's index with --data, or set [events] features above 0 to log "
            "them",
            field="data",
        )
    scorer = Scorer.of(model)
    keys = _keys(log)
    places = [place for place, key in enumerate(keys) if key in rows]
    scores = np.full(len(keys), _BEHIND)
    if places:
        scores[places] = scorer.score(np.stack([rows[keys[place]] for place in places]))
    known = _known(log, np.isin(np.arange(len(keys)), places))
    if known < LEAST_KNOWN:
        raise BadInput(
            f"features were logged with only {known:.0%} of what was shown; name the shop's index "
            "with --data",
            field="data",
        )
    return Scored(scores, known)


def _logged_rows(
    events: Sequence[Path], model: Model, window: Window
) -> Mapping[tuple[str, str], NDArray[np.float32]]:
    """The features a model reads, by query and product; a row that is all NaN was looked at by no
    model and is left out."""
    parameters = {
        "version": model.feature_version,
        "since": float("-inf") if window.since is None else window.since,
        "until": float("inf") if window.until is None else window.until,
    }
    with open_tables(events) as connection:
        logged = connection.execute(_FEATURES, parameters).fetchall()
    found: dict[tuple[str, str], NDArray[np.float32]] = {}
    places: dict[tuple[str, ...], list[int] | None] = {}
    for text, product, names, features in logged:
        key = tuple(names)
        if key not in places:
            places[key] = _places(model, key)
        chosen, row = places[key], np.asarray(features, np.float32)
        if chosen is not None and not np.isnan(row).all():
            found[text, product] = row[chosen]
    return found


def _places(model: Model, names: tuple[str, ...]) -> list[int] | None:
    """Where the features that a model reads are among those logged; None where some are not."""
    place = {name: i for i, name in enumerate(names)}
    return [place[name] for name in model.features] if set(model.features) <= set(names) else None


async def open_candidate(search: Search, settings: Settings, named: str) -> tuple[Search, str]:
    """A candidate as a system of an open search: a system by name, a model file, or a version of
    the registry.

    Raises:
        NotFound, BadInput: there is none, or it cannot be used.
    """
    bare = named.removeprefix(MODEL)
    if named in search.systems:
        return search, named
    if named.startswith(LTR):
        return await search.with_model(named), named
    path = await asyncio.to_thread(named_model, settings, bare)
    system = f"{LTR}{path}"
    return await search.with_model(system), system


async def by_index(search: Search, system: str, log: Logged, progress: Progress) -> Scored:
    """Scores by where a system puts the shown products of each query, and how much of its own top
    places was shown.

    Raises:
        BadInput: the index does not know what was shown.
        AisleError: the candidate's model did not order a query.
    """
    searcher, shown = IndexSearcher(search), log.shown()
    asked = np.bincount(log.clicks.queries[log.clicks.documents], minlength=len(log.texts))
    place: dict[tuple[str, str], float] = {}
    met = wanted = 0.0
    for done, (text, products) in enumerate(shown.items()):
        progress(f"ordering by {system}", done, len(shown))
        run = await searcher.run(system, [text], max(len(products), 1), {text: products})
        place |= {(text, product): -float(rank) for rank, product in enumerate(run[text])}
        top = (await searcher.run(system, [text], _TOP, None))[text]
        weights = asked[done] * _DISCOUNTS[: len(top)]
        met += float(weights @ np.isin(top, products)) if top else 0.0
        wanted += float(weights.sum())
    progress(f"ordering by {system}", len(shown), len(shown))
    keys = _keys(log)
    scores = np.array([place.get(key, _BEHIND) for key in keys])
    known = _known(log, scores > _BEHIND)
    if known < LEAST_KNOWN:
        raise BadInput(
            f"{system} finds only {known:.0%} of what this log shows: is it the log of this shop? "
            "Name the shop's own index with --data",
            field="events",
        )
    return Scored(scores, known, met / wanted if wanted else 0.0)


def _keys(log: Logged) -> list[tuple[str, str]]:
    texts = [log.texts[query] for query in log.clicks.queries.tolist()]
    return list(zip(texts, log.products, strict=True))


def _known(log: Logged, known: NDArray[np.bool_]) -> float:
    """The share of impressions."""
    return float(known[log.clicks.documents].mean())
