"""How a log is read: what counts as what, how far back, how fast it fades."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from search.errors import BadInput

CLICKS: Mapping[str, float] = MappingProxyType({"click": 1.0})
"""Clicks alone, one an impression: what propensities are estimated from."""
GRADES: Mapping[str, float] = MappingProxyType(
    {"impression": 0.0, "click": 2.0, "add_to_cart": 3.0, "purchase": 4.0}
)
"""Graded behavior: the most that was done after an impression counts, not the sum."""
Seen = Literal["auto", "events", "page"]


@dataclass(frozen=True, slots=True)
class Reading:
    """How a log becomes impressions and amounts of behavior.

    `grades` are the amounts by action; the highest one after an impression counts. A click that
    was left before `short_dwell` seconds had passed counts `short_share` of its amount (0: all
    count in full). Searches older than `window_days` before `now` are left out; those within weigh
    `2 ** -(age / half_life_days)`. `now` is in seconds since 1970; None takes the latest search, so
    that the same log gives the same counts whenever it is read.

    `impressions` says what was seen: `events`, the products that impression events name; `page`,
    every product of the page that was answered; `auto`, `events` for each application that logs
    them, `page` for the others. Pages are never cut behind the lowest click: which place it is
    depends on the clicks, so that what is cut off would bend the curve that is estimated.

    An action without a known search counts for the client's latest search that showed the product
    in the `credit_minutes` before. Actions up to `skew_seconds` before their search count, since
    clocks differ; earlier ones do not.
    """

    grades: Mapping[str, float] | None = None
    window_days: float | None = 30.0
    half_life_days: float | None = None
    now: float | None = None
    depth: int = 50
    impressions: Seen = "auto"
    credit_minutes: float = 30.0
    short_dwell: float = 0.0
    short_share: float = 0.5
    skew_seconds: float = 60.0
    memory_gb: float = 3.0

    def __post_init__(self) -> None:
        for action, amount in self.amounts.items():
            if not math.isfinite(amount) or amount < 0:
                raise BadInput(
                    f"the grade of {action} is {amount}; grades are finite and 0 or more",
                    field="grades",
                )
        for name in ("window_days", "half_life_days"):
            days = getattr(self, name)
            if days is not None and not days > 0:
                raise BadInput(f"{name} is {days}; give more than 0 days, or none", field=name)
        if self.depth < 1:
            raise BadInput(f"depth is {self.depth}; give 1 or more positions", field="depth")

    @property
    def amounts(self) -> Mapping[str, float]:
        """The amounts in use."""
        return CLICKS if self.grades is None else self.grades
