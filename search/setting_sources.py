"""Where settings come from beside the environment: files of secrets, and `aisle.toml`, which must
hold no secret, for such files are kept with the code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, SecretStr
from pydantic_settings import (
    BaseSettings,
    NestedSecretsSettingsSource,
    PydanticBaseSettingsSource,
    TomlConfigSettingsSource,
)

from search.errors import BadInput

_PREFIX = "aisle_"


class SecretFiles(NestedSecretsSettingsSource):
    """A directory with one file a setting, as container engines mount secrets:
    `aisle_redis__password` holds `[redis] password`. Other programs' files are left alone."""

    def __init__(self, usual: PydanticBaseSettingsSource, directory: str) -> None:
        super().__init__(usual, secrets_dir=directory, secrets_dir_missing="ok")

    def validate_secrets_path(self, path: Path) -> None:
        """There need be none; what lies beside Aisle's own files is no matter."""

    @classmethod
    def load_secrets(cls, path: Path) -> dict[str, str]:
        """The files' contents by their names.

        Raises:
            BadInput: one of Aisle's own cannot be read.
        """
        if not path.is_dir():
            return {}
        named = sorted(each for each in path.iterdir() if each.name.lower().startswith(_PREFIX))
        return {each.name: read_secret_file(each) for each in named if each.is_file()}


class SettingsFile(TomlConfigSettingsSource):
    """`aisle.toml`, which need not exist unless it is `named`."""

    def __init__(self, settings: type[BaseSettings], path: Path, *, named: bool = False) -> None:
        """Reads it; `named`: the environment names it.

        Raises:
            BadInput: it holds a secret, or is named and not there.
        """
        if named and (path.is_dir() or not path.exists()):
            raise BadInput(
                f"AISLE_SETTINGS in the environment names {path}, which is no file; mend the path, "
                "or unset it to read aisle.toml in the working directory"
            )
        super().__init__(settings, toml_file=path)
        for name in _secrets(settings, self.toml_data):
            variable = f"AISLE_{name.upper().replace('.', '__')}"
            raise BadInput(
                f"{path} holds the secret {name}; settings files are copied and kept with code, so "
                f"give it as {variable} in the environment or as a file "
                f"/run/secrets/{variable.lower()}",
                field=name,
            )


def read_secret_file(path: Path, name: str | None = None) -> str:
    """What a file holds, without the line's end; `name` is the setting that names the file.

    Raises:
        BadInput: it cannot be read or is empty; says nothing of what is in it.
    """
    place = f"setting {name}: {path}" if name else str(path)
    try:
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise BadInput(f"{place} cannot be read ({why}); it is to hold a secret", field=name) from (
            None
        )
    if not text:
        raise BadInput(f"{place} is empty; it is to hold a secret", field=name)
    return text


def _secrets(model: type[BaseModel], given: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """The dotted names of secrets in a table."""
    for name, value in given.items():
        field = model.model_fields.get(name)
        if field is None:
            continue
        kinds = tuple(_types(field.annotation))
        if SecretStr in kinds:
            yield above + name
        elif isinstance(value, Mapping):
            for kind in kinds:
                if isinstance(kind, type) and issubclass(kind, BaseModel):
                    yield from _secrets(kind, value, f"{above}{name}.")


def _types(annotation: Any) -> Iterator[Any]:
    """An annotation and everything it is made of."""
    yield annotation
    for part in get_args(annotation):
        yield from _types(part)
