"""Features, ranking models at serving time, business rules, diversity and explanation."""

from rankers.model import CLIP, Model, ModelKind
from rankers.model_file import load_model, model_checksum, save_model

__all__ = ["CLIP", "Model", "ModelKind", "load_model", "model_checksum", "save_model"]
