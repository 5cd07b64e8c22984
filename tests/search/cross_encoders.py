"""Cross-encoders for tests: the exported text encoder with a head beside it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from search.cross_encoder import HEAD
from search.encoder import MANIFEST, OnnxEncoder, read_manifest, sha256


def make_cross_encoder(
    encoder: OnnxEncoder, data: Path, likes: str, name: str = "cross", **measures: Any
) -> Path:
    """A cross-encoder in a data directory that likes texts the more, the nearer they and the query
    together are to what it `likes`; returns its directory."""
    made = data / "encoders" / name
    shutil.copytree(encoder.directory, made)
    write_head(made, encoder.encode([likes])[0])
    manifest = read_manifest(encoder.directory)
    manifest["sha256"][HEAD] = sha256(made / HEAD)
    manifest["cross"] = {"weight": 1.0, "spread": 0.1, "tokens": 64, **measures}
    (made / MANIFEST).write_bytes(orjson.dumps(manifest))
    return made


def write_head(directory: Path, head: np.ndarray) -> None:
    """Puts a head there, whatever the manifest says."""
    np.save(directory / HEAD, head)
