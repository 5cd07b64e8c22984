"""What is refused, and what is set aside: the limits, each with its default."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Rules:
    """Limits of one event.

    Refused: an event of more than `event_bytes` as JSON; one that is more than `future_seconds`
    ahead of this machine's clock; a position outside of 1 to `positions`. Quarantined (kept,
    counted and not learned from): one that is more than `late_seconds` old, and one of a product
    that the shop does not have.
    """

    event_bytes: int = 16_384
    future_seconds: float = 300.0
    late_seconds: float = 7 * 86_400.0
    positions: int = 100_000

    def for_import(self) -> Rules:
        """The same without limits of age: what is imported happened whenever it did."""
        return replace(self, late_seconds=math.inf)
