"""What arms are called: by what they show, and by their names."""

from __future__ import annotations

from eval.experiments import Experiment
from eval.experiments.ab import LATENCY_P99, METRICS, P99_SAYS


def called(experiment: Experiment, arm: str) -> str:
    """An arm as people know it: its system or variety, and its name, as in `ranked (b)`."""
    own = next(each for each in experiment.arms if each.name == arm)
    shown = [own.system] if own.system else []
    if own.diversity is not None:
        shown.append(f"diversity {own.diversity:g}")
    return f"{', '.join(shown) or 'the system in use'} ({arm})"


def says(metric: str, experiment: Experiment) -> str:
    """What a metric is called."""
    text = P99_SAYS if metric == LATENCY_P99 else METRICS[metric].says
    return text.format(**words(experiment))


def words(experiment: Experiment) -> dict[str, str]:
    """What units are called."""
    return {"unit": experiment.unit, "units": f"{experiment.unit}s"}


def begun(sentence: str) -> str:
    """A sentence that may begin with what an arm is called: a system's name stays as it is."""
    return f"T{sentence[1:]}" if sentence.startswith("the ") else sentence
