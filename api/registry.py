"""The registry of a data directory."""

from __future__ import annotations

from pathlib import Path

from api.judged_before import NOTE
from api.settings import require_data
from rankers import load_model
from search.errors import BadInput
from search.settings import MODEL_FILE, Settings
from training.registry import Entry, FileRegistry, ModelRegistry

MODELS = "models"
"""Where in the data directory models are kept."""


def registry_of(settings: Settings) -> ModelRegistry:
    """The models of a data directory, in files or in MLflow as `[models] registry` says.

    Raises:
        BadInput: the settings name a model elsewhere, which this cannot replace, or MLflow, whose
            client is not installed.
        StorageFailed: MLflow is not where the settings say.
    """
    require_data(settings.data)
    served = settings.data / MODEL_FILE
    chosen = settings.ranking.model
    if chosen is not None and chosen != served:
        raise BadInput(
            f"the settings name another model, {chosen}; replace that file, or leave [ranking] "
            "model out",
            field="ranking.model",
        )
    files = FileRegistry(settings.data / MODELS, served)
    kind, _, uri = settings.models.registry.partition(":")
    if kind == "files":
        return files
    from training.registry.mlflow import open_mlflow

    return open_mlflow(uri, files, settings.models.name)


def candidate(registry: ModelRegistry, named: str) -> tuple[Entry, Path]:
    """A model by its version; or by a file, which is added to the registry first.

    Raises:
        NotFound, BadInput: there is neither, or it cannot be used.
    """
    path = Path(named)
    if path.suffix == ".json" or path.is_file():
        model = load_model(path)
        lineage = {name: note for name, note in model.training.items() if name != NOTE}
        entry = registry.add(model, lineage)
    else:
        entry = registry.entry(named)
    return entry, registry.path(entry.version)


def named_model(settings: Settings, named: str) -> Path:
    """The file of a model: itself, or that of a version of the registry.

    Raises:
        NotFound, BadInput: the registry has no such version.
    """
    path = Path(named)
    if path.suffix == ".json" or path.is_file():
        return path
    return registry_of(settings).path(named)
