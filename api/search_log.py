"""Answered searches as the event log keeps them: what was shown, to whom, and by what."""

from __future__ import annotations

import os
import time
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from api.requests import SearchParameters
from search.types import UNTREATED, Hit, LoggedSearch, ModelUsed, SearchRequest, SearchResponse

_DRAWS = 2**32


@dataclass(frozen=True, slots=True)
class Visit:
    """Who searches, as the shop's page says. `client` is still the shop's own id here: the log
    hashes it. A visit that is not `logged` is of nobody who shops."""

    client: str = ""
    session: str = ""
    application: str = ""
    logged: bool = True


def visit_of(parameters: SearchParameters, client: str = "") -> Visit:
    """The visit that a request belongs to; `client` is the client's id where it gives none."""
    return Visit(
        parameters.client_id or client[:100],
        parameters.session_id,
        parameters.application,
        parameters.log and parameters.size > 0,
    )


def new_query_id() -> str:
    """A UUIDv7 (RFC 9562, section 5.7): begins with the time, so that later ids sort later."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10))
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))


def sampled(query_id: str, share: float) -> bool:
    """Whether a search is among the `share` whose features are kept: all of its pages, or none."""
    return zlib.crc32(query_id.encode()) < share * _DRAWS


def logged_search(
    asked: SearchRequest, response: SearchResponse, visit: Visit, now: float, share: float
) -> LoggedSearch:
    """One answered page for the log, at `now` seconds since 1970; with the features of its hits
    when it is among the `share` of searches that keep them."""
    hits, model = response.hits, response.model
    kept = model is not None and sampled(response.id, share)
    return LoggedSearch(
        id=response.id,
        time=now,
        query=response.query.text,
        normalized=response.query.normalized,
        products=tuple([hit.product.id for hit in hits]),
        first=hits[0].position if hits else 1,
        client=visit.client,
        session=visit.session,
        application=visit.application,
        system=response.system,
        model=model.version if model else "",
        snapshot=response.version,
        experiment=",".join(response.treatment.experiments),
        arm=",".join(response.treatment.arms),
        teams=response.teams.teams if response.teams else (),
        propensities=response.propensities,
        exploration=response.exploration,
        total=response.total,
        feature_version=_feature_version() if kept else "",
        feature_names=model.features if kept and model else (),
        features=_features(hits, model) if kept and model else None,
        attributes=_attributes(asked, response),
    )


def _attributes(asked: SearchRequest, response: SearchResponse) -> Mapping[str, Any]:
    """What else decided the order and the choice: a page sorted by price, or with paid places,
    tells little of relevance."""
    said = {
        "sort": asked.sort if asked.sort != "relevance" else None,
        "filters": sorted({clause.name for clause in asked.filters}),
        "cross_encoder": response.reader,
        "rules": response.rules,
        "sponsored": [hit.position for hit in response.hits if hit.sponsored],
        "relaxation": response.relaxation if response.relaxation != "none" else None,
        "fallbacks": response.fallbacks,
        "list_propensity": response.list_propensity if response.exploration else None,
        **_experiment(response),
    }
    return {name: value for name, value in said.items() if value}


def _experiment(response: SearchResponse) -> Mapping[str, Any]:
    """What credit for clicks needs, and how long the answer took."""
    if response.treatment == UNTREATED:
        return {}
    said: dict[str, Any] = {"milliseconds": round(response.timings.get("total", 0.0), 2)}
    if response.teams is not None:
        said["arms"] = response.teams.arms
        said["ranks"] = response.teams.ranks
        said["items"] = response.teams.items
        said["rankings"] = response.teams.rankings
        said["chances"] = response.teams.chances
    return said


def _features(hits: tuple[Hit, ...], model: ModelUsed) -> NDArray[np.float32]:
    """Float32 of shape (hits, features); NaN rows for hits that no model looked at."""
    features = np.full((len(hits), len(model.features)), np.nan, np.float32)
    for row, hit in enumerate(hits):
        if hit.scored is not None:
            features[row] = hit.scored.row
    return features


def _feature_version() -> str:
    from rankers.features import VERSION  # compiled with the first model, which is there by now

    return VERSION
