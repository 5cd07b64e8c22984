"""`aisle bench` of what ranks, learns and compares: features, texts, trees, logs, experiments."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.commands.options import DEFAULT_DATA, Data, Json


def features(
    data: Annotated[Path, typer.Option("--data", help="The index to measure over.")],
    queries: Annotated[
        Path | None, typer.Option(help="A file of queries, one a line; by default from titles.")
    ] = None,
    number: Annotated[int, typer.Option(help="Queries to ask.", min=10)] = 300,
    json: Json = False,
) -> None:
    """Measure how fast features are computed for the best 200 candidates of queries."""
    import asyncio

    from rich.markdown import Markdown

    from api.bench.features import features_table, run_features
    from api.commands.console import out, print_json, say

    texts = queries.read_text().splitlines() if queries else []
    result = asyncio.run(run_features(data, texts, number, say))
    if json:
        print_json(result)
    else:
        out.print(Markdown(features_table(result)))


def encoding(
    data: Data = DEFAULT_DATA,
    rounds: Annotated[int, typer.Option(help="Times each text is encoded.", min=5)] = 60,
    json: Json = False,
) -> None:
    """Measure how fast texts are encoded and pairs are read, beside ONNX Runtime."""
    from rich.markdown import Markdown

    from api.bench.encoding import encoding_table, measure_encoding
    from api.commands.console import out, print_json
    from search.engines.local.layout import read_current

    read_current(data)  # else a mistyped directory would be made
    result = measure_encoding(data, rounds)
    if json:
        print_json(result)
    else:
        out.print(Markdown(encoding_table(result)))


def scoring(
    trees: Annotated[int, typer.Option(help="Trees of the model.", min=1)] = 300,
    leaves: Annotated[int, typer.Option(help="Leaves of each tree.", min=2)] = 31,
    features: Annotated[int, typer.Option(help="Features it was learned from.", min=5)] = 60,
    json: Json = False,
) -> None:
    """Measure how fast a model is scored, beside LightGBM's own predict."""
    from rich.markdown import Markdown

    from api.bench.scoring import measure_scoring, scoring_table
    from api.commands.console import out, print_json

    result = measure_scoring(trees, leaves, features)
    if json:
        print_json(result)
    else:
        out.print(Markdown(scoring_table(result)))


def ranking(
    model: Annotated[Path, typer.Option(help="A model file, as aisle train writes it.")],
    judgments: Annotated[Path, typer.Option(help="Judged queries of the index.")],
    data: Data = DEFAULT_DATA,
    json: Json = False,
) -> None:
    """Measure what ranking fewer candidates loses, and what ranking costs by stage."""
    import asyncio

    from rich.markdown import Markdown

    from api.bench.ranking import ranking_tables, run_ranking
    from api.commands.console import out, print_json, say
    from api.settings import load_settings
    from eval import load_judgments

    judged = load_judgments(judgments)
    result = asyncio.run(run_ranking(load_settings(data), judged, model, say))
    if json:
        print_json(result)
    else:
        out.print(Markdown(ranking_tables(result)))


def events(
    queries: Annotated[Path, typer.Option(help="A file with one query a line.")],
    data: Data = DEFAULT_DATA,
    json: Json = False,
) -> None:
    """Measure what a search pays for being logged, and how fast events become durable."""
    import asyncio

    from rich.markdown import Markdown

    from api.bench.event_log import event_log_table, run_event_log
    from api.commands.console import out, print_json, say
    from api.settings import load_settings

    asked = [text for text in queries.read_text().splitlines() if text.strip()]
    result = asyncio.run(run_event_log(load_settings(data), asked, say))
    if json:
        print_json(result)
    else:
        out.print(Markdown(event_log_table(result)))


def learn(
    part: Annotated[
        str, typer.Option(help="propensity, learners, periods, pipeline or all.")
    ] = "all",
    real: Annotated[
        Path, typer.Option(help="The folder of public data, for RetroTech's sessions.")
    ] = Path("../shared/data"),
    directory: Annotated[Path, typer.Option(help="Room for simulated logs.")] = Path(
        "data/bench-learn"
    ),
    quick: Annotated[bool, typer.Option("--quick", help="Fewer seeds, for a first look.")] = False,
    json: Json = False,
) -> None:
    """Measure learning from clicks against simulated shoppers whose truth is known."""
    from rich.markdown import Markdown

    from api.bench.learn import PARTS, LearnPlan
    from api.bench.parts import run_parts, tables_of
    from api.commands.console import out, print_json, say

    result = run_parts(PARTS, part, LearnPlan(real, directory, quick), say)
    if json:
        print_json(result)
    else:
        out.print(Markdown(tables_of(PARTS, result)))


def experiments(
    part: Annotated[
        str, typer.Option(help="metrics, interleaving, off-policy, ab, rollout, overhead or all.")
    ] = "all",
    data: Data = DEFAULT_DATA,
    real: Annotated[
        Path, typer.Option(help="The folder of public data, for its judgments and rankings.")
    ] = Path("../shared/data"),
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer repeats, for a first look.")
    ] = False,
    json: Json = False,
) -> None:
    """Hold what compares rankers to what it promises: errors, coverage, sensitivity, overhead."""
    from rich.markdown import Markdown

    from api.bench.experiments import PARTS, ExperimentsPlan
    from api.bench.parts import run_parts, tables_of
    from api.commands.console import out, print_json, say

    result = run_parts(PARTS, part, ExperimentsPlan(real, data, quick), say)
    if json:
        print_json(result)
    else:
        out.print(Markdown(tables_of(PARTS, result)))
