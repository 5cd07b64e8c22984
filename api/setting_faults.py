"""What is wrong with the settings, in words: which one, what it may be, and where it is to be
mended."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_settings import SettingsError

from search.errors import BadInput

_PREFIX, _BETWEEN = "AISLE_", "__"
_KEY = "[key]"
"""Stands in a place where the fault is in a name, not in its value."""
_LIST = '["one", "two"]'
_MUST = {
    "int_parsing": "must be a whole number, such as {whole}",
    "int_type": "must be a whole number, such as {whole}",
    "int_from_float": "must be a whole number, such as {whole}",
    "float_parsing": "must be a number, such as {number}",
    "float_type": "must be a number, such as {number}",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "string_type": 'must be a text in quotes, such as "one"',
    "path_type": 'must be a path in quotes, such as "/etc/aisle/one"',
    "tuple_type": f"must be a list, such as {_LIST}",
    "dict_type": "must be a table: [{name}] with a line for each of its settings",
    "model_type": "must be a table: [{name}] with a line for each of its settings",
}
"""What is allowed, by the kind of fault; others say it themselves."""


def invalid(error: ValidationError, settings: type[BaseModel], file: Path) -> BadInput:
    """The first fault of settings that come from `file` and the environment."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = [part for part in first["loc"] if isinstance(part, str) and part != _KEY]
    name = ".".join(place)
    if first["type"] == "extra_forbidden":
        fault = f"there is no such setting{_meant(settings, place)}"
    elif first["type"] == "literal_error":
        fault = f"must be {first['ctx']['expected']}"
    elif first["type"] in _MUST:
        usual = _default(settings, place)
        given = {"whole": 20, "number": 0.5}
        if isinstance(usual, int | float):
            given = dict.fromkeys(given, usual)
        fault = _MUST[first["type"]].format(name=name, **given)
    else:
        fault = first["msg"].removeprefix("Value error, ")
    return BadInput(f"setting {name}: {fault}; mend it {_where(place, file)}", field=name)


def unreadable(error: Exception, settings: type[BaseModel], file: Path) -> BadInput:
    """Settings that cannot even be read: the file is no TOML, or the environment no JSON."""
    if not isinstance(error, SettingsError):
        why = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)
        return BadInput(f"the settings file {file} is not valid TOML: {why}")
    for variable, value in _given():
        place = _place(variable)
        meant = f'field "{place[0]}"' in str(error) and _holds_several(settings, place)
        if meant and not _is_json(value):
            name, must = ".".join(place), f"a list as JSON, such as '{_LIST}'"
            if _is_table(settings, place):
                must = f"a table as JSON; or set one of its settings: {variable}{_BETWEEN}NAME"
            return BadInput(
                f"setting {name}: {variable} in the environment must be {must}", field=name
            )
    return BadInput(f"the settings cannot be read: {error}")


def unheard(settings: type[BaseModel]) -> Iterator[str]:
    """Remarks on variables of the environment that name a table which does not exist, so that
    nobody reads them."""
    for variable, _ in _given():
        table = _place(variable)[0]
        if _BETWEEN in variable and table not in settings.model_fields:
            near = get_close_matches(table, settings.model_fields, n=1)
            meant = f" (is it {_variable([*near, *_place(variable)[1:]])}?)" if near else ""
            yield f"{variable} in the environment sets nothing: there is no [{table}]{meant}"


def _meant(settings: type[BaseModel], place: Sequence[str]) -> str:
    """What may have been meant by a name that its table has not: one like it there, or the same in
    another table."""
    table, name = _table(settings, place[:-1]), place[-1]
    near = get_close_matches(name, table.model_fields if table else (), n=1)
    for other, field in settings.model_fields.items():
        inner = _inner(field.annotation)
        if not near and inner is not None and name in inner.model_fields:
            near = [f"{other}.{name}"]
    return f" (is it {near[0]}?)" if near else ""


def _default(settings: type[BaseModel], place: Sequence[str]) -> Any:
    """What a setting is unless given; None where it has no value of its own."""
    table = _table(settings, place[:-1])
    field = table.model_fields.get(place[-1]) if table else None
    return None if field is None or field.is_required() else field.default


def _table(settings: type[BaseModel], place: Sequence[str]) -> type[BaseModel] | None:
    """The table at a place; names that shops give, as of `[systems.NAME]`, are passed over."""
    table = settings
    for part in place:
        field = table.model_fields.get(part)
        if field is not None:
            inner = _inner(field.annotation)
            if inner is None:
                return None
            table = inner
    return table


def _inner(annotation: Any) -> type[BaseModel] | None:
    """The table that an annotation is, or holds."""
    found = (each for each in _types(annotation) if isinstance(each, type))
    return next((each for each in found if issubclass(each, BaseModel)), None)


def _types(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from _types(part)


def _where(place: Sequence[str], file: Path) -> str:
    """The one place that a setting comes from, or both that it may come from."""
    variable = _variable(place)
    above = [_variable(place[:count]) for count in range(1, len(place) + 1)]
    named = [each for each, _ in _given() if each in above or each.startswith(variable + _BETWEEN)]
    held = _held(place, file)
    if named and not held:
        return f"in the environment ({named[0]})"
    return f"in {file}" if held and not named else f"in {file} or in the environment ({variable})"


def _held(place: Sequence[str], file: Path) -> bool:
    """Whether the file says something at a place."""
    try:
        found: Any = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return False
    for part in place:
        if not isinstance(found, Mapping) or part not in found:
            return False
        found = found[part]
    return True


def _given() -> Iterator[tuple[str, str]]:
    """The variables of the environment that may be settings, in capitals, and their values."""
    for name, value in sorted(os.environ.items()):
        if name.upper().startswith(_PREFIX):
            yield name.upper(), value


def _variable(place: Sequence[str]) -> str:
    return _PREFIX + _BETWEEN.join(place).upper()


def _place(variable: str) -> list[str]:
    return variable.removeprefix(_PREFIX).lower().split(_BETWEEN)


def _annotation(settings: type[BaseModel], place: Sequence[str]) -> Any:
    table = _table(settings, place[:-1])
    field = None if table is None else table.model_fields.get(place[-1])
    return None if field is None else field.annotation


def _holds_several(settings: type[BaseModel], place: Sequence[str]) -> bool:
    annotation = _annotation(settings, place)
    return _is_table(settings, place) or any(get_origin(e) is tuple for e in _types(annotation))


def _is_table(settings: type[BaseModel], place: Sequence[str]) -> bool:
    annotation = _annotation(settings, place)
    several = any(get_origin(each) is dict for each in _types(annotation))
    return several or _inner(annotation) is not None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
