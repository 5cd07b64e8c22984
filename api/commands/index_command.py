"""`aisle index`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.options import DEFAULT_DATA, Data, Json, moment

if TYPE_CHECKING:
    from indexer.build import BuildReport
    from indexer.mapping import Mapping
    from search.settings import Settings

DEMO_MARK = "demo.json"
"""In the data directory: what `aisle demo` indexed, so that it need not do so again."""

Files = Annotated[
    list[str],
    typer.Argument(help="JSONL, CSV, TSV or Parquet, plain, gzip or zstd; - is standard input."),
]
Preset = Annotated[str | None, typer.Option(help="A mapping that comes with Aisle.")]
MappingFile = Annotated[Path | None, typer.Option("--mapping", help="A mapping file (TOML).")]
SaveMapping = Annotated[
    Path | None,
    typer.Option(help="A new file for the mapping that is used, to edit and give as --mapping."),
]
MaxRejects = Annotated[
    int | None, typer.Option(help="Stop when more rows than this are bad.", min=0)
]


def command(
    files: Files,
    data: Data = DEFAULT_DATA,
    preset: Preset = None,
    mapping: MappingFile = None,
    save_mapping: SaveMapping = None,
    max_rejects: MaxRejects = None,
    vectors: Annotated[bool, typer.Option(help="Encode texts, for search by meaning.")] = True,
    changes_since: Annotated[
        str | None,
        typer.Option(
            help="When the files were written, such as 2026-11-22T02:00Z: aisle update --follow "
            "reads again what was sent since then."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Build an index from a catalogue and publish it; what was serving serves until then."""
    from api.replicas import push_after, require_writing
    from api.settings import load_settings

    settings = load_settings(data)
    require_writing(settings)
    if not vectors:
        meaning = settings.meaning.model_copy(update={"encoder": "none"})
        settings = settings.model_copy(update={"meaning": meaning})
    report = build(
        files,
        settings,
        preset=preset,
        mapping=mapping,
        save_mapping=save_mapping,
        max_rejects=max_rejects,
        changes_since=None if changes_since is None else moment(changes_since, "changes-since"),
    )
    (settings.data / DEMO_MARK).unlink(missing_ok=True)
    push_after(settings, quiet=json)
    if json:
        say_rejects(report)
        _print_json(report)
    else:
        _print(report, settings)


def build(
    files: Sequence[str | Path],
    settings: Settings,
    *,
    preset: str | None = None,
    mapping: Path | None = None,
    save_mapping: Path | None = None,
    max_rejects: int | None = None,
    changes_since: float | None = None,
) -> BuildReport:
    """Indexes files with progress bars on standard error.

    Raises:
        BadInput: the files cannot be used, or `save_mapping` is there already.
    """
    from api.commands.console import err, stages
    from indexer.build import build_index
    from indexer.catalogue import open_catalogue
    from indexer.guess import guess_table

    rejects = settings.data / "rejects" / f"reading-{os.getpid()}.jsonl"
    catalogue = open_catalogue(
        files, preset=preset, mapping_file=mapping, rejects_path=rejects, max_rejects=max_rejects
    )
    with catalogue, stages() as progress:
        if catalogue.guesses:
            err.print(guess_table(catalogue.guesses), markup=False)
        if save_mapping is not None:
            save_mapping_as(catalogue.mapping, save_mapping)
        return build_index(catalogue, settings, progress=progress, changes_since=changes_since)


def save_mapping_as(mapping: Mapping, path: Path) -> None:
    """Writes a mapping into a new file.

    Raises:
        BadInput: the file is there already.
    """
    from indexer.mapping import mapping_toml
    from search.errors import BadInput

    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(mapping_toml(mapping))
    except FileExistsError:
        # It may be one that somebody has edited.
        raise BadInput(
            f"{path} is there already; name a new file with --save-mapping, or use it: "
            f"--mapping {path}",
            field="save-mapping",
        ) from None


def _print_json(report: BuildReport) -> None:
    from api.commands.console import print_json

    print_json(
        {
            "version": report.version,
            "read": report.read,
            "indexed": report.indexed,
            "rejected": report.rejected,
            "seconds": round(report.seconds, 3),
        }
    )


def _print(report: BuildReport, settings: Settings) -> None:
    from api.commands.console import out

    out.print(
        f"Indexed {report.indexed:,} of {report.read:,} rows into {settings.data} in "
        f"{report.seconds:.1f} s ({report.bytes / 1e6:,.1f} MB, version {report.version}).",
        markup=False,
        soft_wrap=True,
    )
    if report.recall is not None:
        out.print(f"The vector index finds {report.recall:.1%} of what exact search finds.")
    say_rejects(report)


def say_rejects(report: BuildReport) -> None:
    """Says on standard error where rows that were left out are explained, if there are any."""
    from api.commands.console import say

    if report.rejected:
        say(
            f"{report.rejected:,} rows were left out, {report.duplicates:,} of them because a "
            f"later row has the same id; each is explained in {report.rejects}"
        )
