"""What a registry of models is: files by default, MLflow's where a team has one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from rankers import Model

Action = Literal["promote", "rollback", "found"]
"""`found`: another hand put the model there, such as `aisle models use`."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One model of a registry. `version` is the beginning of its checksum, `created` in seconds
    since 1970. `lineage` says what it was made from (data window, versions of code and features,
    parameters), `metrics` how good it was found, `verdict` what the gate said when it was asked.
    `order` tells how it ranks: two models of the same order differ in their notes alone."""

    version: str
    name: str
    kind: str
    created: float
    lineage: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    verdict: Mapping[str, Any] | None = None
    order: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the model that serves, and why; the version "" is the fused order. `anchor` is
    the version that later candidates may not fall behind: None for this one."""

    time: float
    action: Action
    version: str
    before: str
    reason: str
    anchor: str | None = None


class ModelRegistry(Protocol):
    """Keeps models. Everything it returned for is durable; all of it can be called again after a
    crash."""

    def add(
        self, model: Model, lineage: Mapping[str, Any], verdict: Mapping[str, Any] | None = None
    ) -> Entry:
        """Keeps a model; one that ranks the same as one that is kept changes nothing but that one's
        verdict."""
        ...

    def entries(self) -> Sequence[Entry]:
        """All models, the newest first."""
        ...

    def entry(self, version: str) -> Entry:
        """One model by its version or the unambiguous beginning of it.

        Raises:
            NotFound: there is none; names those there are.
            BadInput: several begin so.
        """
        ...

    def model(self, version: str) -> Model:
        """The model itself.

        Raises:
            NotFound, BadInput: there is none, or it cannot be used any more; says why.
        """
        ...

    def path(self, version: str) -> Path:
        """A file that holds the model, for who opens files.

        Raises:
            NotFound, BadInput: as `entry`.
        """
        ...

    def serving(self) -> str | None:
        """The version that serves, None when there is none."""
        ...

    def anchor(self) -> str:
        """The version that a candidate may not fall behind ("" for the fused order): the last one
        that was surely better than the anchor before it, or that a person chose."""
        ...

    def promote(self, version: str, reason: str, anchor: str | None = None) -> Change:
        """Makes a model serve; running servers follow. `anchor` is the version that later
        candidates may not fall behind, None for the model itself."""
        ...

    def rollback(self, reason: str) -> Change:
        """Makes the model serve that served before the present one; before the first of all, the
        fused order did.

        Raises:
            BadInput: none served yet.
        """
        ...

    def history(self) -> Sequence[Change]:
        """Every change of the model that serves, the latest last."""
        ...
