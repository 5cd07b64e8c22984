"""The same counts by plain loops."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from tests.training.clicks.logs import DAY, Rows
from training.clicks import Reading

Key = tuple[str, str, int]


@dataclass(frozen=True)
class Seen:
    """A product of a search: where it was seen, and what was done with it, and when."""

    query: str
    product: str
    position: int
    time: float
    actions: tuple[tuple[str, float, float | None], ...]


def impressions(
    searches: Rows, events: Rows, reading: Reading, flagged: Collection[str] = ()
) -> list[Seen]:
    """Every product that was seen in every search of the window."""
    kept = [row for row in searches if row["client"] not in flagged]
    done = [row for row in events if row["client"] not in flagged and row["product"]]
    now = max(row["time"] for row in searches) if reading.now is None else reading.now
    if reading.now is not None:
        done = [row for row in done if row["time"] <= reading.now]
    pages = _pages(kept, now, reading)
    logging = {
        pages[row["search_id"]][0]["application"]
        for row in done
        if row["action"] == "impression" and row["search_id"] in pages
    }
    by_events = {"auto": logging, "page": set(), "events": {"shop", "app"}}[reading.impressions]
    credited = _credit(done, pages, {row["search_id"] for row in searches}, reading)
    found = []
    for name, own in pages.items():
        listed = own[0]["application"] not in by_events
        places = _seen(own, [e for e in done if e["search_id"] == name], credited[name], listed)
        for product, position in places.items():
            acts = tuple((a, t, d) for p, a, t, d, _ in credited[name] if p == product)
            time = min(page["time"] for page in own)
            found.append(Seen(_text(own[0]), product, position, time, acts))
    return found


def counts(
    searches: Rows, events: Rows, reading: Reading, flagged: Collection[str] = ()
) -> dict[Key, tuple[float, float]]:
    """Impressions and amounts by query, product and position."""
    now = max(row["time"] for row in searches) if reading.now is None else reading.now
    sums: dict[Key, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for seen in impressions(searches, events, reading, flagged):
        if seen.position <= reading.depth:
            half_life = reading.half_life_days
            age = (now - seen.time) / DAY
            weight = 1.0 if half_life is None else 0.5 ** (age / half_life)
            both = sums[seen.query, seen.product, seen.position]
            both[0] += weight
            both[1] += weight * _amount(seen, reading)
    return {key: (shown, amount) for key, (shown, amount) in sums.items()}


def _amount(seen: Seen, reading: Reading) -> float:
    stays = [dwell for _, _, dwell in seen.actions if dwell is not None]
    best = reading.amounts.get("impression", 0.0)
    for action, _, _ in seen.actions:
        amount = reading.amounts.get(action, 0.0)
        if action == "click" and stays and max(stays) < reading.short_dwell:
            amount *= reading.short_share
        best = max(best, amount)
    return best


def _text(page: Mapping[str, Any]) -> str:
    return page["normalized"] or " ".join(page["query"].split()).lower()


def _pages(searches: Rows, now: float, reading: Reading) -> dict[str, list[Mapping[str, Any]]]:
    pages = defaultdict(list)
    for row in sorted(searches, key=lambda row: (row["first"], row["time"])):
        if _text(row):
            pages[row["search_id"]].append(row)
    since = float("-inf") if reading.window_days is None else now - reading.window_days * DAY
    return {k: v for k, v in pages.items() if since < min(p["time"] for p in v) <= now}


def _credit(
    events: Rows, pages: Mapping[str, Any], known: Collection[str], reading: Reading
) -> dict[str, list[tuple[str, str, float, float | None, int | None]]]:
    """What was done, by the search that it counts for."""
    credited = defaultdict(list)
    for row in events:
        if row["action"] == "impression":
            continue
        name, position = row["search_id"], row.get("position")
        if name not in known:
            name, position = _latest(row, pages, reading), None
        if name not in pages:
            continue
        if row["time"] >= min(page["time"] for page in pages[name]) - reading.skew_seconds:
            act = (row["product"], row["action"], row["time"], row.get("dwell"), position)
            credited[name].append(act)
    return credited


def _latest(row: Mapping[str, Any], pages: Mapping[str, Any], reading: Reading) -> str:
    """The shopper's latest search whose page showed the product; of those at the same moment the
    one that began last."""
    best = max(
        (
            (page["time"], min(p["time"] for p in own), name)
            for name, own in pages.items()
            for page in own
            if page["client"] == row["client"] != ""
            and row["product"] in page["products"]
            and page["time"] <= row["time"]
        ),
        default=None,
    )
    if best is None or row["time"] - best[0] > reading.credit_minutes * 60:
        return ""
    return best[2]


def _seen(own: Rows, events: Rows, credited: Any, listed: bool) -> dict[str, int]:
    """Each product that was seen in a search, and where, at its highest place."""
    shown: dict[str, int] = {}
    for page in own:
        for number, product in enumerate(page["products"], page["first"]):
            shown[product] = min(number, shown.get(product, number))
    claims: list[tuple[str, int | None]] = list(shown.items()) if listed else []
    for row in events:
        if row["action"] == "impression" and not listed:
            claims.append((row["product"], row.get("position") or shown.get(row["product"])))
    for product, _, _, _, position in credited:
        claims.append((product, shown.get(product)))
        if not shown:
            claims.append((product, position))
    places: dict[str, int] = {}
    for product, place in claims:
        if place is not None:
            places[product] = min(place, places.get(product, place))
    return places
