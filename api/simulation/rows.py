"""Simulated searches and events as Arrow tables with the columns of the event log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from api.search_log import sampled
from api.simulation.answers import Answer
from api.simulation.behavior import Behavior
from api.simulation.shoppers import APPLICATION, Shopper, Visits
from search.exploring import Drawn
from search.types import LoggedSearch
from search.types.events import ADD_TO_CART, CLICK, IMPRESSION, PURCHASE
from training.events.rows import search_row
from training.events.schema import COLUMNS

if TYPE_CHECKING:
    import pyarrow as pa

Numbers = NDArray[np.int64]
_KINDS = {
    "VARCHAR": "string",
    "DOUBLE": "double",
    "INTEGER": "int32",
    "FLOAT": "float",
}


def arrow_schema(table: str) -> pa.Schema:
    """The columns of a table of the log as Arrow's."""
    import pyarrow as pa

    def kind(name: str) -> pa.DataType:
        if name.endswith("[]"):
            return pa.list_(kind(name[:-2]))
        return pa.type_for_alias(_KINDS[name])

    return pa.schema([(name, kind(of)) for name, of in COLUMNS[table].items()])


def search_table(
    answers: Sequence[Answer],
    visits: Visits,
    ids: Sequence[str],
    times: NDArray[np.float64],
    people: Sequence[Shopper],
    orders: Numbers,
    drawn: Sequence[Drawn | None],
    features: float = 0.0,
) -> pa.Table:
    """One row a search: what a server would have logged. `times` are seconds since 1970, `orders`
    int64 (searches, positions) as `Pages.reordered` takes them, `people` the shoppers by number,
    `features` the share of searches that keep theirs."""
    import pyarrow as pa

    plain = [search_row(replace(answer.logged, **_NO_FEATURES)) for answer in answers]
    rows = []
    for i, query in enumerate(visits.queries.tolist()):
        row: dict[str, Any] = dict(plain[query])
        products = row["products"]
        person = people[int(visits.shoppers[i])]
        row |= {"search_id": ids[i], "time": float(times[i])}
        row |= {"client": person.client, "session": person.session}
        chance = drawn[i]
        if chance is not None:
            row["products"] = [products[place] for place in orders[i, : len(products)].tolist()]
            row["exploration"] = chance.method
            row["propensities"] = chance.at(0, len(products))
            row["attributes"] = _with_chance(row["attributes"], chance.probability)
        if sampled(ids[i], features):
            row |= _features(answers[query].logged, orders[i])
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=arrow_schema("searches"))


_NO_FEATURES: dict[str, Any] = {"feature_version": "", "feature_names": (), "features": None}


def _features(logged: LoggedSearch, order: Numbers) -> dict[str, Any]:
    """The columns of a page's features, as its products stand."""
    if logged.features is None:
        return {}
    shown = logged.features[order[: len(logged.products)]]
    return {
        "feature_version": logged.feature_version,
        "feature_names": logged.feature_names,
        "features": shown.ravel(),
    }


def _with_chance(attributes: str, probability: float) -> str:
    """The attributes of a search, with the probability of its list."""
    rest = attributes[1:]
    return f'{{"list_propensity":{probability!r}' + (rest if rest == "}" else f",{rest}")


def event_table(
    answers: Sequence[Answer],
    visits: Visits,
    ids: Sequence[str],
    times: NDArray[np.float64],
    people: Sequence[Shopper],
    orders: Numbers,
    done: Behavior,
) -> pa.Table:
    """One row an event, by action, search and position."""
    import pyarrow as pa

    parts = (
        (IMPRESSION, done.shown, np.full(done.shown.shape, done.seen)),
        (CLICK, done.clicks, done.clicked),
        (ADD_TO_CART, done.carts, done.carted),
        (PURCHASE, done.purchases, done.bought),
    )
    schema = arrow_schema("events")
    asked = _Asked(answers, visits, ids, times, people, orders)
    return pa.concat_tables(
        [
            pa.table(asked.columns(action, flags, after, done), schema=schema)
            for action, flags, after in parts
        ]
    )


class _Asked:
    """Who asked for what, to be looked up by search and place."""

    def __init__(
        self,
        answers: Sequence[Answer],
        visits: Visits,
        ids: Sequence[str],
        times: NDArray[np.float64],
        people: Sequence[Shopper],
        orders: Numbers,
    ) -> None:
        positions = orders.shape[1]
        self._ids = np.array(ids, object)
        self._times, self._orders, self._visits = times, orders, visits
        self._clients = np.array([person.client for person in people], object)
        self._sessions = np.array([person.session for person in people], object)
        self._texts = np.array([answer.logged.query for answer in answers], object)
        self._products = np.full((len(answers), positions), "", object)
        self._prices = np.full((len(answers), positions), np.nan)
        for query, answer in enumerate(answers):
            count = len(answer.logged.products)
            self._products[query, :count] = answer.logged.products
            self._prices[query, :count] = [price or np.nan for price in answer.prices]

    def columns(
        self, action: str, flags: NDArray[np.bool_], after: NDArray[np.float64], done: Behavior
    ) -> dict[str, Any]:
        """The columns of one action's events."""
        searches, places = np.nonzero(flags)
        queries = self._visits.queries[searches]
        who = self._visits.shoppers[searches]
        stood = self._orders[searches, places]
        ids, count = self._ids[searches], len(searches)
        nothing: list[None] = [None] * count
        names = [f"{name}-{action}-{place + 1}" for name, place in zip(ids, places, strict=True)]
        prices = self._prices[queries, stood]
        return {
            "event_id": names,
            "action": [action] * count,
            "time": self._times[searches] + after[searches, places],
            "search_id": ids,
            "client": self._clients[who],
            "session": self._sessions[who],
            "application": [APPLICATION] * count,
            "query": self._texts[queries],
            "product": self._products[queries, stood],
            "position": (places + 1).astype(np.int32),
            "dwell": done.dwell[searches, places] if action == CLICK else nothing,
            "value": [None if np.isnan(each) else float(each) for each in prices]
            if action == PURCHASE
            else nothing,
            "message": [""] * count,
            "attributes": ["{}"] * count,
        }
