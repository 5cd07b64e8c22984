"""The registry in MLflow: models, lineage and verdicts are versions of one registered model there,
for everybody to see; which of them serves is a fact of each data directory and stays in its files.

Each version's run holds `model.json` and `entry.json`; its tag `aisle.version` is the version that
Aisle speaks of, and the alias `serving` names the one that was promoted last.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from rankers import Model, load_model
from search.errors import BadInput, NotFound, StorageFailed, redact
from training.events.disk import locked
from training.registry.files import FileRegistry
from training.registry.naming import one_of
from training.registry.seams import Change, Entry

if TYPE_CHECKING:
    from mlflow import MlflowClient

NAME = "aisle"
"""The experiment and the registered model, unless named."""
ALIAS = "serving"
_VERSION = "aisle.version"
_LONGEST = 500
"""Characters of a parameter that MLflow certainly takes."""
_USUAL = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
}
"""What MLflow is told unless the environment says otherwise: nobody but the registry hears of a
shop's models, and a server that is away is named soon."""


@dataclass(frozen=True, slots=True)
class MlflowRegistry:
    """See `ModelRegistry`. `local` keeps the models that were used here, and what serves."""

    client: MlflowClient
    uri: str
    local: FileRegistry
    name: str = NAME

    def add(
        self, model: Model, lineage: Mapping[str, Any], verdict: Mapping[str, Any] | None = None
    ) -> Entry:
        """See `ModelRegistry`."""
        entry = self.local.add(model, lineage, verdict)
        with self._turn():
            run = self._runs().get(entry.version)
            if run is None:
                self._upload(entry, self.local.path(entry.version))
                return entry
            known = self._download(run)
            if verdict is not None:
                known = replace(known, verdict=verdict)
                self._note(run, known)
            return known

    def entries(self) -> Sequence[Entry]:
        """See `ModelRegistry`."""
        with self._reached():
            found = [self._download(run) for run in self._runs().values()]
        return tuple(sorted(found, key=lambda each: (-each.created, each.version)))

    def entry(self, version: str) -> Entry:
        """See `ModelRegistry`."""
        with self._reached():
            known = self._runs()
            return self._download(known[one_of(tuple(known), version)])

    def model(self, version: str) -> Model:
        """See `ModelRegistry`."""
        return load_model(self.path(version))

    def path(self, version: str) -> Path:
        """See `ModelRegistry`; fetched when it was not used here yet."""
        with self._reached():
            known = self._runs()
            chosen = one_of(tuple(known), version)
            with suppress(NotFound):
                return self.local.path(chosen)
            entry = self._download(known[chosen])
            with tempfile.TemporaryDirectory(prefix="aisle-mlflow-") as folder:
                file = self.client.download_artifacts(known[chosen], "model.json", folder)
                kept = self.local.add(load_model(Path(file)), entry.lineage, entry.verdict)
        return self.local.path(kept.version)

    def serving(self) -> str | None:
        """See `ModelRegistry`."""
        return self.local.serving()

    def anchor(self) -> str:
        """See `ModelRegistry`; of this data directory."""
        return self.local.anchor()

    def promote(self, version: str, reason: str, anchor: str | None = None) -> Change:
        """See `ModelRegistry`."""
        change = self.local.promote(self.path(version).parent.name, reason, anchor)
        self._tell(change)
        return change

    def rollback(self, reason: str) -> Change:
        """See `ModelRegistry`."""
        change = self.local.rollback(reason)
        self._tell(change)
        return change

    def history(self) -> Sequence[Change]:
        """See `ModelRegistry`; of this data directory."""
        return self.local.history()

    def _runs(self) -> dict[str, str]:
        """The run of every version, the newest first."""
        found: dict[str, str] = {}
        token: str | None = None
        while True:
            page = self.client.search_model_versions(f"name='{self.name}'", page_token=token)
            for each in sorted(page, key=lambda one: -int(one.version)):
                if each.run_id and _VERSION in each.tags:
                    found.setdefault(each.tags[_VERSION], each.run_id)
            token = page.token
            if not token:
                return found

    def _download(self, run: str) -> Entry:
        with tempfile.TemporaryDirectory(prefix="aisle-mlflow-") as folder:
            file = Path(self.client.download_artifacts(run, "entry.json", folder))
            try:
                return Entry(**orjson.loads(file.read_bytes()))
            except (ValueError, TypeError) as error:
                raise BadInput(
                    f"entry.json of run {run} in {redact(self.uri)} is damaged: {error}"
                ) from None

    def _upload(self, entry: Entry, file: Path) -> None:
        """A version appears last of all, so that it is whole or not there."""
        run = self.client.create_run(self._experiment(), run_name=f"{entry.name} {entry.version}")
        number = run.info.run_id
        self.client.log_artifact(number, str(file))
        self._note(number, entry)
        self._figures(number, entry)
        self.client.set_terminated(number)
        self._make_registered()
        self.client.create_model_version(
            self.name, f"runs:/{number}", number, tags={_VERSION: entry.version, "kind": entry.kind}
        )

    def _note(self, run: str, entry: Entry) -> None:
        with tempfile.TemporaryDirectory(prefix="aisle-mlflow-") as folder:
            file = Path(folder) / "entry.json"
            file.write_bytes(orjson.dumps(asdict(entry), option=orjson.OPT_SERIALIZE_NUMPY))
            self.client.log_artifact(run, str(file))
        passed = "not asked" if entry.verdict is None else str(entry.verdict.get("passed"))
        self.client.set_tag(run, "aisle.gate.passed", passed)

    def _figures(self, run: str, entry: Entry) -> None:
        """What MLflow's pages compare runs by."""
        from mlflow.entities import Metric, Param

        moment = int(entry.created * 1000)
        metrics = [Metric(k, v, moment, 0) for k, v in numbers(entry.metrics).items()]
        params = [
            Param(name, str(value))
            for name, value in entry.lineage.items()
            if isinstance(value, str | int | float) and len(str(value)) <= _LONGEST
        ]
        self.client.log_batch(run, metrics, params)

    def _experiment(self) -> str:
        found = self.client.get_experiment_by_name(self.name)
        if found is not None:
            return str(found.experiment_id)
        return str(self.client.create_experiment(self.name, _artifacts(self.uri)))

    def _make_registered(self) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self.client.create_registered_model(self.name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _tell(self, change: Change) -> None:
        """The alias follows what serves here."""
        with self._turn():
            if not change.version:
                self.client.delete_registered_model_alias(self.name, ALIAS)
                return
            if change.version not in self._runs():
                entry = self.local.entry(change.version)
                self._upload(entry, self.local.path(change.version))
            found = self.client.search_model_versions(f"name='{self.name}'")
            number = next(v.version for v in found if v.tags.get(_VERSION) == change.version)
            self.client.set_registered_model_alias(self.name, ALIAS, number)
            self.client.set_model_version_tag(
                self.name, number, f"aisle.{change.action}", f"{change.time:.0f} {change.reason}"
            )

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One change at a time from this data directory."""
        with locked(self.local.directory / "mlflow.lock"), self._reached():
            yield

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """Turns MLflow's errors into ours."""
        from mlflow.exceptions import MlflowException

        try:
            yield
        except MlflowException as error:
            first = str(error).splitlines()[0]
            said = f"MLflow at {self.uri} refuses: {first}; check [models] registry, and whether "
            raise StorageFailed(redact(f"{said}the server runs")) from error


def open_mlflow(uri: str, local: FileRegistry, name: str = NAME) -> MlflowRegistry:
    """A registry at a tracking URI: `http://host:port`, or `sqlite:///file.db`.

    Raises:
        BadInput: MLflow's client is not installed.
        StorageFailed: there is no MLflow there.
    """
    for variable, value in _USUAL.items():
        os.environ.setdefault(variable, value)
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ImportError:
        raise BadInput(
            "[models] registry names MLflow, whose client is not installed: pip install "
            "'aisle[mlflow]'",
            field="models.registry",
        ) from None
    try:
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    except MlflowException as error:
        raise StorageFailed(redact(f"MLflow cannot be opened at {uri}: {error}")) from error
    return MlflowRegistry(client, uri, local, name)


def _artifacts(uri: str) -> str | None:
    """Where artifacts go: beside a database file; a server knows itself."""
    if not uri.startswith("sqlite"):
        return None
    return (Path(urlsplit(uri).path[1:]).resolve().parent / "mlflow-artifacts").as_uri()


def numbers(metrics: Mapping[str, Any], before: str = "") -> dict[str, float]:
    """The numbers of nested metrics by their path; without characters that MLflow refuses."""
    found: dict[str, float] = {}
    for name, value in metrics.items():
        path = before + "".join(c if c.isalnum() or c in "_-. " else "_" for c in str(name))
        if isinstance(value, Mapping):
            found |= numbers(value, f"{path}/")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[path] = float(value)
    return found
