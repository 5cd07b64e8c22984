"""Cross-encoders that `aisle train cross-encoder` made: exported as any encoder, with a head, to
`DATA/encoders/<base model>-cross-<hash>/`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from indexer.encoder_export import export_transformer, publish
from indexer.storage import storage_errors
from search.cross_encoder import HEAD
from search.encoder import MANIFEST, TOKENIZER, read_manifest, sha256

CROSS = "-cross"
"""What the name of a cross-encoder says before its hash."""
PAIR_TOKENS = 64
"""Where a query and a title together are cut."""


@dataclass(frozen=True, slots=True)
class Measures:
    """What a cross-encoder's scores count: see `search.cross_encoder.CrossEncoder`."""

    weight: float
    spread: float
    tokens: int = PAIR_TOKENS


def export_cross_encoder(
    root: Path,
    transformer: Any,
    head: NDArray[np.float32],
    base: Path,
    measures: Measures,
    training: Mapping[str, object],
) -> Path:
    """Exports a fine-tuned model and its head, float32 of shape (dimensions,), into `root`; returns
    the directory. `base` is that of the encoder it was made from, `training` what it learned from.

    Raises:
        EncoderUnavailable: the export does not reproduce the model.
        StorageFailed: the disk refused.
    """
    manifest = read_manifest(base)
    with storage_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        transformer[0].auto_model.set_attn_implementation("eager")  # the form that is fused
        name = str(manifest["model"]) + CROSS
        recipe = {"base": base.name, **training}
        made = export_transformer(root, name, transformer.eval(), base / TOKENIZER, recipe)
        np.save(made / HEAD, np.ascontiguousarray(head, np.float32))
        written = read_manifest(made)
        written["sha256"][HEAD] = sha256(made / HEAD)
        written["cross"] = asdict(measures)
        (made / MANIFEST).write_bytes(orjson.dumps(written, option=orjson.OPT_INDENT_2))
        content = hashlib.sha256("".join(written["sha256"].values()).encode()).hexdigest()[:12]
        return publish(made, root / f"{name}-{content}")
