"""`aisle reindex`."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.index_command import MappingFile, MaxRejects, Preset, SaveMapping
from api.commands.options import DEFAULT_DATA, Data, Json, moment

if TYPE_CHECKING:
    from api.reindexing.gate import QualityGate
    from indexer.reindexing import Kept, Reindexed, RolledBack
    from search.settings import Settings

Files = Annotated[
    list[str] | None,
    typer.Argument(
        help="Catalogue files as for aisle index; without any, the products that are there. With"
        " --rollback, the snapshot to go back to."
    ),
]
Judged = Annotated[
    Path | None,
    typer.Option(
        "--judgments",
        help="Judgments as for aisle eval: the new snapshot is served only if it does as well.",
    ),
]
FailIf = Annotated[
    list[str] | None,
    typer.Option(
        "--fail-if",
        help="What speaks against it, for new − served: 'ndcg@10 < -0.01', which is used unless"
        " given; may be repeated.",
    ),
]


def command(
    files: Files = None,
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
    judgments: Judged = None,
    fail_if: FailIf = None,
    baseline: Annotated[
        str | None,
        typer.Option(help="A run that aisle eval kept, to compare with instead of what serves."),
    ] = None,
    system: Annotated[
        str | None, typer.Option(help="What is compared; what shoppers get unless given.")
    ] = None,
    warm_up: Annotated[
        int, typer.Option(help="Searches sent to the new snapshot before it is served.", min=0)
    ] = 200,
    keep: Annotated[
        int | None,
        typer.Option(help="Snapshots to keep besides, this once; \\[index] keep for good.", min=0),
    ] = None,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Serve an earlier snapshot again, at once.")
    ] = False,
    drop_changes: Annotated[
        bool,
        typer.Option("--drop-changes", help="With --rollback: without what was changed since."),
    ] = False,
    show: Annotated[
        bool, typer.Option("--list", help="Show the snapshots and indices that are there.")
    ] = False,
    json: Json = False,
) -> None:
    """Make the index anew, on any engine, while the old one serves; try it, then serve it."""
    from api.replicas import push_after, require_writing
    from api.settings import load_settings, require_data

    settings = load_settings(data)
    _check_options(rollback=rollback, show=show, drop_changes=drop_changes, files=files)
    if show:
        require_data(data)
        _list(settings, json=json)
        return
    require_writing(settings)
    if rollback:
        version = files[0] if files else None
        roll_back_to(settings, version, drop_changes=drop_changes, json=json)
        push_after(settings, quiet=json)
        return
    gate = _gate(settings, judgments, fail_if, baseline, system)
    if not vectors:
        meaning = settings.meaning.model_copy(update={"encoder": "none"})
        settings = settings.model_copy(update={"meaning": meaning})
    since = None if changes_since is None else moment(changes_since, "changes-since")
    report, tried = _reindex(
        settings,
        files or [],
        {"preset": preset, "mapping_file": mapping, "max_rejects": max_rejects},
        save_mapping=save_mapping,
        changes_since=since,
        gate=gate,
        warm_up=warm_up,
        keep=keep,
    )
    push_after(settings, quiet=json)
    _tell(report, tried, json=json)


def _check_options(
    *, rollback: bool, show: bool, drop_changes: bool, files: list[str] | None
) -> None:
    from search.errors import BadInput

    if rollback and show:
        raise BadInput("--rollback and --list are two things; ask for one", field="list")
    if drop_changes and not rollback:
        raise BadInput("--drop-changes goes with --rollback", field="drop-changes")
    if rollback and len(files or ()) > 1:
        raise BadInput("--rollback takes one snapshot; see --list", field="rollback")


def _gate(
    settings: Settings,
    judgments: Path | None,
    fail_if: list[str] | None,
    baseline: str | None,
    system: str | None,
) -> QualityGate | None:
    from api.reindexing.gate import DEFAULT, QualityGate
    from search.errors import BadInput

    if judgments is None:
        given = {"fail-if": fail_if, "baseline": baseline, "system": system}
        for name, value in given.items():
            if value:
                raise BadInput(f"--{name} goes with --judgments FILE", field=name)
        return None
    conditions = fail_if or (DEFAULT,)
    gate = QualityGate(settings.data, judgments, conditions, baseline, system)
    gate.check()
    return gate


def _reindex(
    settings: Settings,
    files: list[str],
    reading: dict[str, Any],
    *,
    save_mapping: Path | None,
    changes_since: float | None,
    gate: QualityGate | None,
    warm_up: int,
    keep: int | None,
) -> tuple[Reindexed, dict[str, Any]]:
    import os

    from api.commands.console import err, stages
    from api.commands.index_command import save_mapping_as
    from indexer.catalogue import open_catalogue
    from indexer.guess import guess_table
    from indexer.reindexing import reindex

    tried: dict[str, Any] = {}
    with ExitStack() as open_files:
        catalogue = None
        if files:
            rejects = settings.data / "rejects" / f"reading-{os.getpid()}.jsonl"
            catalogue = open_files.enter_context(
                open_catalogue(files, rejects_path=rejects, **reading)
            )
            if catalogue.guesses:
                err.print(guess_table(catalogue.guesses), markup=False)
            if save_mapping is not None:
                save_mapping_as(catalogue.mapping, save_mapping)
        progress = open_files.enter_context(stages())

        def try_out(root: Path) -> None:
            from api.reindexing.warming import warm_up as send

            tried.update(send(root, warm_up, progress))
            if gate is not None:
                tried.update(gate.try_out(root, progress))

        report = reindex(
            settings,
            catalogue,
            progress=progress,
            changes_since=changes_since,
            try_out=try_out,
            keep=keep,
        )
    return report, tried


def _tell(report: Reindexed, tried: dict[str, Any], *, json: bool) -> None:
    from api.commands.console import out, print_json, say

    if report.rejected:
        say(
            f"{report.rejected:,} rows were left out, {report.duplicates:,} of them because a "
            f"later row has the same id; each is explained in {report.rejects}"
        )
    if json:
        rejects = None if report.rejects is None else str(report.rejects)
        told = {"rejects": rejects, "seconds": round(report.seconds, 3)}
        print_json({**asdict(report), **told, **tried})
        return
    if report.resumed:
        say(f"went on where an earlier attempt had come: {', '.join(report.resumed)} were done")
    if "gate" in tried:
        out.print(tried["gate"], markup=False, soft_wrap=True)
    instead = f" instead of {report.before}" if report.before else ""
    out.print(
        f"Serving {report.version} on {report.engine}{instead}: {report.products:,} products in "
        f"{report.seconds:.1f} s, {report.bytes / 1e6:,.1f} MB here, "
        f"{report.carried:,} batches of changes carried over.",
        markup=False,
        soft_wrap=True,
    )


def roll_back_to(
    settings: Settings, version: str | None, *, drop_changes: bool = False, json: bool
) -> None:
    """Serves an earlier snapshot and says what became of the changes since."""
    from api.commands.console import out, print_json
    from indexer.reindexing import roll_back

    done = roll_back(settings, version, drop_changes=drop_changes)
    if json:
        print_json(asdict(done))
        return
    out.print(f"Serving {done.version} instead of {done.before}.", markup=False)
    out.print(_changes(done, dropped=drop_changes), markup=False, soft_wrap=True)


def _changes(done: RolledBack, *, dropped: bool) -> str:
    """What became of the changes that were accepted since."""
    if dropped:
        return f"Changes accepted since then stay with {done.before}."
    if done.lost is None:
        return (
            f"Nothing says when {done.version} was served: changes accepted since then stay with "
            "the snapshots they were made on."
        )
    if done.lost:
        return (
            f"{done.carried:,} batches of changes were carried over; those accepted while "
            f"{', '.join(done.lost)} served are gone with it: send them again."
        )
    return f"{done.carried:,} batches of changes accepted since then were carried over."


def _list(settings: Settings, *, json: bool) -> None:
    from api.commands.console import out, print_json
    from indexer.reindexing import kept_snapshots

    found = kept_snapshots(settings)
    if json:
        print_json({"snapshots": [asdict(each) for each in found]})
        return
    for each in found:
        out.print(_line(each), markup=False, soft_wrap=True)
    if not found:
        out.print(f"{settings.data} holds no snapshot yet; run aisle index", markup=False)


def _line(each: Kept) -> str:
    from indexer.server_indices import spoken

    parts = [f"{'*' if each.served else ' '} {each.name}", each.engine]
    if each.begun:
        parts.append("begun: aisle reindex with the same inputs goes on with it")
    elif each.products is None:
        parts.append(f"{'' if each.complete else 'half-made, '}not in this data directory")
    else:
        parts.append(f"{each.products:,} products")
    if each.index is not None:
        parts.append(f"index {each.index}{' (the alias)' if each.alias else ''}")
    if each.retired is not None:
        parts.append(f"replaced {spoken(each.retired)}")
    return ", ".join(parts)
