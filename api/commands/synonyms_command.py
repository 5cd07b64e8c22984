"""`aisle synonyms`."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.options import DEFAULT_DATA, Data, Json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from indexer.live_index import LiveIndex
    from search.types import Product, Vectors

SAMPLE = 20_000
"""Products that are looked at."""

command = typer.Typer(no_args_is_help=True, help="Propose synonyms, and check a list of them.")


@command.command("propose")
def propose_command(
    out: Annotated[Path, typer.Option("--out", help="The file to write proposals to.")],
    data: Data = DEFAULT_DATA,
    query_log: Annotated[
        Path | None, typer.Option("--query-log", help="CSV of clicks: query,product_id[,count].")
    ] = None,
    json: Json = False,
) -> None:
    """Write synonyms that catalogue and clicks suggest, for a person to accept: none is used."""
    from api.commands.console import print_json, say
    from api.settings import load_settings
    from indexer.live_index import LiveIndex
    from query.expansion.clicks import read_clicks
    from query.expansion.propose import format_proposals, propose
    from search.engines.local.layout import read_current

    clicks = read_clicks(query_log) if query_log is not None else None
    root = load_settings(data).data
    index = LiveIndex(root, read_current(root))
    index.follow()
    proposals = propose(_sample(index), _encoder(index, root), clicks)
    out.write_text(format_proposals(proposals), "utf-8")
    say(f"{len(proposals)} proposed in {out}; keep what is right in your synonyms.txt")
    if json:
        print_json({"file": str(out), "proposals": proposals})


@command.command("check")
def check_command(
    file: Annotated[Path, typer.Argument(help="A synonyms.txt.")], json: Json = False
) -> None:
    """Read a list of synonyms as indexing would; a line that cannot be used is named."""
    from api.commands.console import print_json, say
    from query.expansion.synonyms import read_synonyms

    found = read_synonyms(file)
    say(f"{file}: {len(found)} words or phrases may stand for another")
    if json:
        print_json({"file": str(file), "synonyms": found})


def _sample(index: LiveIndex) -> list[Product]:
    step = max(1, -(-index.count // SAMPLE))
    return [index.product(ordinal) for ordinal in islice(index.alive(), None, None, step)]


def _encoder(index: LiveIndex, data: Path) -> Callable[[Sequence[str]], Vectors | None]:
    from search.encoder import open_encoder
    from search.errors import EncoderUnavailable

    if index.manifest.encoder is None:
        return lambda texts: None
    try:
        return open_encoder(data, index.manifest.encoder).encode
    except EncoderUnavailable:
        return lambda texts: None
