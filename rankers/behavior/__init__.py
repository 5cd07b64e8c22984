"""What shoppers did with products, kept beside the index and read while serving."""

from rankers.behavior.following import BehaviorFollower, follow_behavior
from rankers.behavior.mapping import BehaviorMap
from rankers.behavior.store import DAYS, BehaviorStore, load_current, publish

__all__ = [
    "DAYS",
    "BehaviorFollower",
    "BehaviorMap",
    "BehaviorStore",
    "follow_behavior",
    "load_current",
    "publish",
]
