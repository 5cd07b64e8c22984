"""`aisle experiment report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.commands.options import DEFAULT_DATA, Data, Json, Picture


def command(
    name: Annotated[str, typer.Argument(help="The experiment (aisle experiment list).")],
    metric: Annotated[
        str,
        typer.Option(
            help="What decides between arms that are shown apart: clicks_per_search, conversion,"
            " revenue, zero_results or latency_mean. Choose before looking."
        ),
    ] = "clicks_per_search",
    events: Annotated[
        list[Path] | None,
        typer.Option("--events", help="Where the log is, if not in --data; again for more."),
    ] = None,
    picture: Picture = None,
    data: Data = DEFAULT_DATA,
    json: Json = False,
) -> None:
    """Say which arm is better, from the event log; of a shadow, how it ranks beside what is served.
    Looking often does no harm: every interval and decision here holds however often one looks."""
    import time

    from api.commands.console import out, print_json, say
    from api.commands.experiment_command import named
    from api.commands.waiting import saying
    from api.experiments.opening import open_store
    from api.experiments.picture import draw
    from api.experiments.reading import read
    from api.experiments.report import as_counted, check_metric, report, report_json, window_of
    from api.experiments.shadow_report import shadow_report
    from api.experiments.text import report_tables
    from api.settings import load_settings, require_data

    check_metric(metric)
    settings = load_settings(data)
    require_data(settings.data)
    store = open_store(settings)
    experiment = named(store, name)
    if experiment.kind == "shadow":
        figures, text = shadow_report(store, experiment)
        if json:
            print_json(figures)
        else:
            out.print(text, markup=False)
        return
    steps = store.history(name)
    window = window_of(experiment, steps, time.time())
    experiment = as_counted(experiment, steps)
    with saying("Reading the event log; a log of millions of searches takes a while."):
        log = read(events or [settings.data], experiment, window)
        found = report(experiment, log, window, metric)
    if picture is not None:
        picture.write_text(draw(found), "utf-8")
        say(f"drawn: {picture}")
    if json:
        print_json(report_json(found))
        return
    out.print(found.decision.sentence, markup=False)
    for table in report_tables(found):
        out.print(table)
    for note in found.notes:
        out.print(f"  - {note}.", markup=False)
