"""Whether it is time to retrain."""

from __future__ import annotations

import time

from api.drift_file import write_drift
from api.drifting import look_for_drift
from api.retraining.task import RetrainTask
from api.settings import AppSettings
from api.whole_days import DAY
from search.errors import BadInput, NotFound
from search.settings import MODEL_FILE
from training.registry import ModelRegistry


def due(
    task: RetrainTask, settings: AppSettings, registry: ModelRegistry, *, dry_run: bool = False
) -> tuple[bool, str]:
    """Whether to retrain, and why (not). Without conditions always; of several, one is enough;
    while no model serves, always."""
    if not task.if_drifted and task.if_older_than is None:
        return True, "asked for"
    serving = registry.serving()
    if serving is None:
        return True, "no model serves yet"
    said = []
    if task.if_older_than is not None:
        old, sentence = _age(registry, serving, task.if_older_than)
        if old:
            return True, sentence
        said.append(sentence)
    if task.if_drifted:
        drifted, sentence = _drift(settings, dry_run=dry_run)
        if drifted:
            return True, sentence
        said.append(sentence)
    return False, "; ".join(said)


def _age(registry: ModelRegistry, serving: str, days: float) -> tuple[bool, str]:
    try:
        made = registry.entry(serving).created
    except NotFound:
        return True, "the registry does not know how old the model is that serves"
    age = (time.time() - made) / DAY
    sentence = f"The model that serves is {age:.1f} days old"
    if age > days:
        return True, f"{sentence}, more than {days:g}"
    return False, f"{sentence}, not more than {days:g}"


def _drift(settings: AppSettings, *, dry_run: bool) -> tuple[bool, str]:
    try:
        drift = look_for_drift([settings.data], settings.data / MODEL_FILE)
    except (BadInput, NotFound) as error:
        return False, f"Drift cannot be told: {error}"
    if not dry_run:
        write_drift(settings.data, drift)
    return drift.retrain, drift.sentence.rstrip(".")
