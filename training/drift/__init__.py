"""Whether what comes in still looks like what the model learned from."""

from training.drift.measures import Distribution, kolmogorov_smirnov, stability_index
from training.drift.picture import draw_drift
from training.drift.report import Drift, Limits, Moved, compare_windows, nothing_new
from training.drift.windows import Window, read_window

__all__ = [
    "Distribution",
    "Drift",
    "Limits",
    "Moved",
    "Window",
    "compare_windows",
    "draw_drift",
    "kolmogorov_smirnov",
    "nothing_new",
    "read_window",
    "stability_index",
]
