"""`aisle keys`."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.options import DEFAULT_DATA, Data, Json

if TYPE_CHECKING:
    from pathlib import Path

    from api.security import ApiKey, KeyStore

command = typer.Typer(no_args_is_help=True, help="Make, list and revoke API keys.")


@command.command("create")
def create_command(
    name: Annotated[str, typer.Option(help="What it is called, such as shop.")],
    scope: Annotated[
        list[str],
        typer.Option(
            help="What it is for: search, events, catalogue, rules, lab, metrics or admin (all); "
            "repeatable."
        ),
    ],
    expires: Annotated[
        str | None, typer.Option(help="When it ends, such as 90d; never unless given.")
    ] = None,
    rate: Annotated[
        str | None,
        typer.Option(help="How often it may ask, such as 20/second;500/minute."),
    ] = None,
    data: Data = DEFAULT_DATA,
    json: Json = False,
) -> None:
    """Make a key. Its secret is shown once and kept nowhere; servers know the key in a second."""
    from api.commands.console import print_json, say
    from api.security import new_key
    from api.security.keys import parse_age

    now = time.time()
    until = None if expires is None else now + parse_age(expires)
    key, secret = new_key(name, scope, now, until, rate)
    store = _store(data)
    store.add(key)
    if json:
        print_json({**_shown(key, now), "secret": secret, "place": store.place})
        return
    say(f"The key {key.name} is in {store.place}, for {', '.join(key.scopes)}, {_ends(key)}.")
    say("Its secret is shown this once; send it as Authorization: Bearer SECRET")
    typer.echo(secret)


@command.command("list")
def list_command(data: Data = DEFAULT_DATA, json: Json = False) -> None:
    """Show the keys, without their secrets, which nobody has."""
    from rich.table import Table

    from api.commands.console import out, print_json

    now = time.time()
    keys = _store(data).read().keys
    if json:
        print_json({"keys": [_shown(key, now) for key in keys]})
        return
    if not keys:
        out.print("There are no keys; make one: aisle keys create --name shop --scope search")
        return
    table = Table("name", "id", "scopes", "made", "ends", "rate")
    for key in keys:
        ends = "over" if key.expired(now) else _ends(key)
        table.add_row(key.name, key.id, " ".join(key.scopes), _day(key.created), ends, key.rate)
    out.print(table)


@command.command("revoke")
def revoke_command(
    name: Annotated[str, typer.Argument(help="Its name or id.")],
    data: Data = DEFAULT_DATA,
    json: Json = False,
) -> None:
    """Forget a key: servers refuse it, and the sessions begun with it, in a second."""
    from api.commands.console import print_json, say

    store = _store(data)
    key = store.remove(name)
    say(f"The key {key.name} ({key.id}) is revoked.")
    if not store.read().keys:
        say("There is no key left: without [security] required = true, changes need none.")
    if json:
        print_json({"revoked": _shown(key, time.time())})


def _store(data: Path) -> KeyStore:
    from api.security import open_keys
    from api.settings import load_settings, require_data

    require_data(data)
    return open_keys(load_settings(data.absolute()))


def _shown(key: ApiKey, now: float) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": list(key.scopes),
        "created": key.created,
        "expires": key.expires,
        "expired": key.expired(now),
        "rate": key.rate,
    }


def _ends(key: ApiKey) -> str:
    return "without end" if key.expires is None else f"until {_day(key.expires)}"


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC")
