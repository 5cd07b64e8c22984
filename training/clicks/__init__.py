"""From logged events to what was seen and clicked where."""

from training.clicks.counts import ClickCounts

__all__ = ["ClickCounts"]
