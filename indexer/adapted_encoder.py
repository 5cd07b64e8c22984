"""Encoders that `aisle train encoder` adapted to a catalogue: kept beside the packaged one's
export, in `DATA/encoders/<name>-<hash>/`, with the weights they were exported from."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from indexer.encoder_export import MODELS, export_transformer, locked, packaged_files, publish
from indexer.storage import storage_errors
from search.encoder import MANIFEST, TOKENIZER, OnnxEncoder, read_manifest, sha256
from search.errors import BadInput, EncoderUnavailable

WEIGHTS = "weights"
"""In an adapted encoder's directory: the model as sentence-transformers loads it."""
TENSORS = "model.safetensors"
ADAPTED = "-adapted"
"""What the name of an adapted encoder says before its hash."""


def open_adapted(data: Path, name: str, threads: int = 1) -> OnnxEncoder:
    """The adapted encoder of this name under `data`/encoders, or the one in the directory `name`,
    which is copied there, because whoever serves the index looks for it there.

    Raises:
        BadInput: there is no such encoder.
        EncoderUnavailable: it is not sound.
        StorageFailed: the disk refused.
    """
    given = Path(name)
    target = data / "encoders" / given.name
    with storage_errors(target):
        if not (target / MANIFEST).is_file() and (given / MANIFEST).is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            with locked(target.parent / "lock"):
                _copy(given, target)
    if not (target / MANIFEST).is_file():
        raise BadInput(
            f"unknown encoder {name!r}; known are {', '.join(sorted(MODELS))}, and those that "
            f"`aisle train encoder` put into {target.parent}",
            field="meaning.encoder",
        )
    return OnnxEncoder(target, threads)


def weights_of(directory: Path) -> Path:
    """The files that sentence-transformers loads for an exported encoder: its own, or those of the
    package it was exported from.

    Raises:
        EncoderUnavailable: the encoder, or the package of its weights, is not there or altered.
    """
    manifest = read_manifest(directory)
    own = directory / WEIGHTS
    if not own.is_dir():
        return packaged_files(str(manifest["model"]))
    if sha256(own / TENSORS) != manifest["recipe"]["weights"]:
        raise EncoderUnavailable(f"{own / TENSORS} was altered; run `aisle train encoder` again")
    return own


def export_adapted(
    root: Path, transformer: Any, base: Path, training: Mapping[str, object]
) -> Path:
    """Exports a fine-tuned model, with its weights, to `root`/<base model>-adapted-<hash>; `base`
    is the directory of the encoder it was adapted from, `training` what it learned from.

    Raises:
        EncoderUnavailable: the export does not reproduce the model.
        StorageFailed: the disk refused.
    """
    with storage_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".weights-", dir=root))
        try:
            transformer.save_pretrained(str(work), create_model_card=False)
            recipe = {"base": base.name, "weights": sha256(work / TENSORS), **training}
            model = str(read_manifest(base)["model"]).removesuffix(ADAPTED) + ADAPTED
            target = export_transformer(root, model, transformer, base / TOKENIZER, recipe)
            publish(work, target / WEIGHTS)
            return target
        finally:
            shutil.rmtree(work, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    work = Path(tempfile.mkdtemp(prefix=".copy-", dir=target.parent))
    try:
        shutil.copytree(source, work, dirs_exist_ok=True)
        publish(work, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
