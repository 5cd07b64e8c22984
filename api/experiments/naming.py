"""What arms are called: by what they show, and by their names."""

from __future__ import annotations

from eval.experiments import Experiment


def called(experiment: Experiment, arm: str) -> str:
    """An arm as people know it: its system or variety, and its name, as in `ranked (b)`."""
    own = next(each for each in experiment.arms if each.name == arm)
    shown = [own.system] if own.system else []
    if own.diversity is not None:
        shown.append(f"diversity {own.diversity:g}")
    return f"{', '.join(shown) or 'the system in use'} ({arm})"
