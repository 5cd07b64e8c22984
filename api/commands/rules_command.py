"""`aisle rules`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.options import DEFAULT_DATA, Data, Json

if TYPE_CHECKING:
    from api.rules_file import RulesFile
    from api.rules_preview import RulesPreview
    from rankers.rules import Fault, RulesBody

command = typer.Typer(no_args_is_help=True, help="Check, list, try and remove the shop's rules.")


@command.command("check")
def check_command(
    file: Annotated[
        Path | None, typer.Argument(help="A rules.toml; the one in use unless given.")
    ] = None,
    data: Data = DEFAULT_DATA,
    json: Json = False,
) -> None:
    """Read rules as a server would: everything that cannot be used is told by line, rule and field,
    and so are products, brands, categories and attributes that the index does not have."""
    from api.commands.console import print_json, say
    from rankers.rules import Use, faults_in
    from search.build import analyze

    rules = _file(data, file)
    text = _text(rules)
    faults = faults_in(text, Use(analyze, _most(data)))
    missing = asyncio.run(_missing(data, text))
    ids = () if faults else tuple(rule.id for rule in _body(rules).rule)
    _say_faults(str(rules.path), faults, len(ids))
    if missing is None:
        say(f"there is no index in {data}, so names were not looked up; give one with --data")
    for each in missing or ():
        say(f"not in the index: {each.told(str(rules.path))}")
    if json:
        told = None if missing is None else [each.told(rules.path.name) for each in missing]
        print_json({"file": str(rules.path), "rules": ids, "faults": faults, "missing": told})
    if faults or missing:
        raise typer.Exit(2 if faults else 1)


@command.command("list")
def list_command(data: Data = DEFAULT_DATA, json: Json = False) -> None:
    """Show every rule: when it holds and what it does."""
    from api.commands.console import out, print_json
    from api.rules_text import listing

    body = _body(_file(data, None))
    if json:
        print_json(body.model_dump(mode="json", by_alias=True))
        return
    for line in listing(body.rule, min(out.width, 80)):
        out.print(line, markup=False, soft_wrap=True)


@command.command("preview")
def preview_command(
    query: Annotated[str, typer.Argument(help="What a shopper types.")],
    file: Annotated[
        Path | None, typer.Option(help="A rules.toml to try; the one in use unless given.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Another day (2026-11-27) or moment with its zone."),
    ] = None,
    size: Annotated[int, typer.Option(help="Hits to compare.", min=1, max=100)] = 10,
    segment: Annotated[
        list[str] | None, typer.Option(help="A segment that the request passes.")
    ] = None,
    data: Data = DEFAULT_DATA,
    json: Json = False,
) -> None:
    """Show what rules make of a query: the rules in use against none, or a file's against them."""
    from api.commands.console import print_json

    found = asyncio.run(_preview(query, file, at, size, tuple(segment or ()), data))
    if json:
        print_json(found)
    else:
        _show(found)


@command.command("remove")
def remove_command(
    rule: Annotated[str, typer.Argument(help="The rule's id.")], data: Data = DEFAULT_DATA
) -> None:
    """Remove one rule; servers follow within a second."""
    from api.commands.console import say

    file = _file(data, None)
    file.remove(rule, None)
    say(f"removed {rule} from {file.path}")


def _file(data: Path, path: Path | None) -> RulesFile:
    from functools import partial

    from api.rules_file import RulesFile
    from api.settings import load_settings
    from rankers.rules import parse_rules
    from search.build import analyze
    from search.settings import RULES_FILE

    settings = load_settings(data)
    path = path or settings.rules.file or settings.data / RULES_FILE
    most = settings.rules.sponsored_per_page
    return RulesFile(path, partial(parse_rules, analyze=analyze, most=most, name=str(path)))


def _most(data: Path) -> int:
    from api.settings import load_settings

    return load_settings(data).rules.sponsored_per_page


def _say_faults(path: str, faults: Sequence[Fault], usable: int) -> None:
    from api.commands.console import say

    if not faults:
        say(f"{path}: {usable} rule{'' if usable == 1 else 's'}, all of which can be used")
        return
    for each in faults:
        say(each.told(path))
    many = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    say(
        f"{path}: {many}; a server goes on with the rules it has until all are mended, and one "
        "that starts until then has none"
    )


def _text(file: RulesFile) -> str:
    """A file's text.

    Raises:
        NotFound: there is no such file.
    """
    from search.errors import NotFound

    text = file.text()
    if text is None:
        raise NotFound(f"there is no {file.path}; see docs/ranking/rules.md for how to write one")
    return text


def _body(file: RulesFile) -> RulesBody:
    """The rules of a file, checked.

    Raises:
        NotFound: there is no such file.
        BadInput: something in it cannot be used.
    """
    from rankers.rules import parse_body

    text = _text(file)
    file.parse(text)
    return parse_body(text, str(file.path))


async def _missing(data: Path, text: str) -> tuple[Fault, ...] | None:
    """What the rules of a text name that the index does not have; None without an index."""
    from api.rules_lookup import missing_names
    from api.settings import load_settings
    from rankers.rules import names_in
    from search.build import open_search
    from search.errors import IndexMissing

    settings = load_settings(data)
    # The rules in use may be the very ones whose faults are told here.
    unruled = settings.rules.model_copy(update={"enabled": False})
    try:
        search = await open_search(settings.model_copy(update={"rules": unruled}))
    except IndexMissing:
        return None
    try:
        return await missing_names(await search.engine.view(), names_in(text))
    finally:
        await search.close()


async def _preview(
    query: str,
    path: Path | None,
    at: str | None,
    size: int,
    segments: tuple[str, ...],
    data: Path,
) -> RulesPreview:
    from api.rules_preview import compare, moment_of
    from api.settings import load_settings
    from rankers.rules import RuleSet
    from search.build import open_search
    from search.types import SearchRequest

    tried = _file(data, path)
    moment = moment_of(at, _body(tried).zone)
    after = tried.parse(tried.text() or "")
    search = await open_search(load_settings(data))
    try:
        before = search.rules.current() if path is not None else RuleSet()
        asked = SearchRequest(query, size=size, segments=segments, explain=True)
        answers = [await search.preview(asked, rules, moment) for rules in (before, after)]
    finally:
        await search.close()
    return compare(*answers)


def _show(found: RulesPreview) -> None:
    from rich.table import Table
    from rich.text import Text

    from api.commands.console import out

    places = {shift.id: shift.before for shift in found.shifts}
    table = Table(box=None, pad_edge=False)
    for name in ("now", "before", "id", "title", "why"):
        table.add_column(name)
    for hit in found.after.hits:
        before = places.get(hit.id, hit.position)
        why = ", ".join(f"{move.kind} by {move.rule}" for move in hit.moves)
        cells = (str(hit.position), str(before or "–"), hit.id, hit.title, why)
        table.add_row(*map(Text, cells))
    out.print(table)
    out.print(Text(f"rules: {', '.join(found.after.rules) or 'none applies'}"))
    if found.after.redirect:
        out.print(Text(f"shoppers are sent to {found.after.redirect}"))
