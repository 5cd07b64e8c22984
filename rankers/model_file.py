"""A ranking model as one JSON file: read whole and checked, or refused by name.

`{"aisle": "ranking model", "format": 1, "checksum": …, "content": {…}}`; the checksum is BLAKE2b
over the content as JSON with sorted keys, so it says nothing of spaces and everything of values.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import orjson
from numpy.typing import NDArray

from rankers.associations import check_associations, pack, unpack
from rankers.model import Model, ModelKind
from rankers.tree_text import read_trees
from search.errors import BadInput, NotFound

FORMAT = 1
_KIND = "ranking model"
_LINEAR = ("weights", "centers", "scales")
_PLAIN = ("name", "kind", "feature_version", "trees", "tree_weight", "depth")
_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
_TRAIN_AGAIN = "train it again with aisle train"


@dataclass(frozen=True, slots=True)
class Known:
    """The features that can be computed here, and the version of the code that does."""

    names: Sequence[str]
    version: str


def known_features() -> Known:
    """Those of `rankers.features`."""
    from rankers.features import NAMES, VERSION  # compiles kernels: only with a model at hand

    return Known(NAMES, VERSION)


def save_model(model: Model, path: Path) -> str:
    """Writes a model, all of it or nothing; returns its checksum.

    Raises:
        BadInput: the model contradicts itself; names the member.
        OSError: the disk refused; what was at `path` is still there.
    """
    check_model(model)
    content = _content(model)
    mark = _checksum(content)
    file = {"aisle": _KIND, "format": FORMAT, "checksum": mark, "content": content}
    _replace(path, orjson.dumps(file, option=orjson.OPT_INDENT_2) + b"\n")
    return mark


def load_model(path: Path, known: Known | None = None) -> Model:
    """Reads a model and checks it against the features known here (`rankers.features`).

    Raises:
        NotFound: there is no such file.
        BadInput: it is no model, of another format, cut off, altered, or of features that are not
            computed here (any more); says which and what to do.
    """
    return open_model(path, known)[0]


def open_model(path: Path, known: Known | None = None) -> tuple[Model, str]:
    """As `load_model`, with the checksum."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise NotFound(f"there is no model {path}; train one with aisle train") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}") from None
    try:
        content, mark = _unpacked(raw)
        model = _model(content)
        check_features(model, known_features() if known is None else known)
    except BadInput as error:
        raise BadInput(f"{path}: {error}", field=error.field) from None
    return model, mark


def model_checksum(model: Model) -> str:
    """What the file of a model would carry: 32 hexadecimal digits."""
    return _checksum(_content(model))


def check_features(model: Model, known: Known) -> None:
    """Whether the model's features are computed here, by the code it learned from.

    Raises:
        BadInput: they are not; names them.
    """
    strangers = [name for name in model.features if name not in known.names]
    if strangers:
        raise _fault(
            "features", f"features that are not computed here: {', '.join(strangers)}", _TRAIN_AGAIN
        )
    if model.features and model.feature_version != known.version:
        raise _fault(
            "feature_version",
            f"it learned from features of version {model.feature_version!r}, those here are of "
            f"{known.version!r}",
            _TRAIN_AGAIN,
        )


def check_model(model: Model) -> None:
    """Whether a model's parts fit together.

    Raises:
        BadInput: they do not; names the member.
    """
    size = len(model.features)
    if len(set(model.features)) != size:
        raise _fault("features", "a feature is named twice", _TRAIN_AGAIN)
    if model.kind not in get_args(ModelKind):
        raise _fault("kind", f"unknown kind {model.kind!r}", _TRAIN_AGAIN)
    if model.depth < 1:
        raise _fault("depth", f"it scores {model.depth} candidates", "name 1 or more")
    _check_linear(model, size)
    if not np.isfinite(model.tree_weight):
        raise _fault("tree_weight", "it is not a finite number", _TRAIN_AGAIN)
    if model.trees:
        read_trees(model.trees, size)
    if model.associations is not None:
        check_associations(model.associations)


def _check_linear(model: Model, size: int) -> None:
    for name in _LINEAR:
        values = getattr(model, name)
        if values.shape not in ((size,), (0,)) or len(values) != len(model.weights):
            raise _fault(name, f"{len(values)} {name} for {size} features", _TRAIN_AGAIN)
        if not np.isfinite(values).all():
            raise _fault(name, f"{name} holds what is not a finite number", _TRAIN_AGAIN)
    if (model.scales <= 0).any():
        raise _fault("scales", "a scale is not above zero", _TRAIN_AGAIN)


def _content(model: Model) -> dict[str, Any]:
    """The model as JSON gives it back: keys as strings, tuples as lists, NaN as null."""
    content = {name: getattr(model, name) for name in _PLAIN}
    content |= {name: np.ascontiguousarray(getattr(model, name)) for name in _LINEAR}
    content |= {"features": model.features}
    content |= {"training": dict(model.training), "metrics": dict(model.metrics)}
    if model.associations is not None:
        content |= {"associations": pack(model.associations)}
    plain: dict[str, Any] = orjson.loads(orjson.dumps(content, default=_as_plain, option=_OPTIONS))
    return plain


def _as_plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError


def _checksum(content: Mapping[str, Any]) -> str:
    packed = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(packed, digest_size=16).hexdigest()


def _unpacked(raw: bytes) -> tuple[Mapping[str, Any], str]:
    try:
        file = orjson.loads(raw)
    except orjson.JSONDecodeError:
        cut = raw.lstrip().startswith(b"{") and not raw.rstrip().endswith(b"}")
        what = "it ends before its end" if cut else "it is not a ranking model"
        raise _fault(None, what, "copy it again, whole, or train one with aisle train") from None
    if not isinstance(file, dict) or file.get("aisle") != _KIND:
        raise _fault(None, "it is not a ranking model", "train one with aisle train")
    if file.get("format") != FORMAT:
        raise _fault(
            "format", f"it is of format {file.get('format')}, this is {FORMAT}", _TRAIN_AGAIN
        )
    content = file.get("content")
    if not isinstance(content, dict) or file.get("checksum") != _checksum(content):
        raise _fault(
            "checksum", "it was altered after it was written (its checksum differs)",
            "copy it again, whole, or " + _TRAIN_AGAIN,
        )  # fmt: skip
    return content, str(file["checksum"])


def _model(content: Mapping[str, Any]) -> Model:
    try:
        model = Model(
            name=_typed(content, "name", str),
            kind=content["kind"],
            features=tuple(str(name) for name in _typed(content, "features", list)),
            feature_version=_typed(content, "feature_version", str),
            weights=_numbers(content, "weights"),
            centers=_numbers(content, "centers"),
            scales=_numbers(content, "scales"),
            trees=_typed(content, "trees", str),
            tree_weight=float(content["tree_weight"]),
            depth=_typed(content, "depth", int),
            training=_typed(content, "training", dict),
            metrics=_typed(content, "metrics", dict),
            associations=unpack(_typed(content, "associations", dict))
            if "associations" in content
            else None,
        )
    except KeyError as error:
        raise _fault(error.args[0], f"{error.args[0]} is missing", _TRAIN_AGAIN) from None
    except (TypeError, ValueError) as error:
        raise _fault(None, f"it cannot be read: {error}", _TRAIN_AGAIN) from None
    check_model(model)
    return model


def _typed(content: Mapping[str, Any], name: str, kind: type) -> Any:
    if not isinstance(content[name], kind):
        raise TypeError(f"{name} is not of type {kind.__name__}")
    return content[name]


def _numbers(content: Mapping[str, Any], name: str) -> NDArray[np.float64]:
    return np.array(_typed(content, name, list), np.float64)


def _fault(field: str | None, what: str, remedy: str) -> BadInput:
    return BadInput(f"the model cannot be used: {what}; {remedy}", field=field)


def _replace(path: Path, raw: bytes) -> None:
    """Writes beside the file and renames, so that readers see the old one or the new one."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
