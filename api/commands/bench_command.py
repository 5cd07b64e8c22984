"""`aisle bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.commands import bench_learning_command
from api.commands.options import DEFAULT_DATA, Data, Json

command = typer.Typer(no_args_is_help=True, help="Measure speed and quality.")

Sizes = Annotated[str, typer.Option(help="Numbers of products, joined by commas.")]
Clients = Annotated[str, typer.Option(help="Numbers of clients at once, joined by commas.")]
Directory = Annotated[Path, typer.Option(help="Where the indexes are built; kept for a next run.")]


@command.callback()
def _measuring() -> None:
    from api.interpreter import tune

    tune()  # as `aisle serve` does


@command.command("speed")
def speed(
    like: Annotated[
        list[Path] | None,
        typer.Option(help="A catalogue whose statistics to follow; by default the generated shop."),
    ] = None,
    preset: Annotated[str | None, typer.Option(help="How to read that catalogue.")] = None,
    products: Sizes = "20000,100000",
    clients: Clients = "1,2,4,8",
    queries: Annotated[int, typer.Option(help="Distinct queries asked.", min=50)] = 1000,
    seconds: Annotated[float, typer.Option(help="How long each load lasts.", min=0.5)] = 10.0,
    directory: Directory = Path("data/bench"),
    port: Annotated[int, typer.Option(help="A free port for the server.")] = 8899,
    judgments: Annotated[
        Path | None, typer.Option(help="Judged queries, to measure recall on as well.")
    ] = None,
    reuse: Annotated[
        bool, typer.Option("--reuse", help="Measure the indexes that an earlier run built.")
    ] = False,
    workers: Annotated[
        int, typer.Option(help="Processes of the server asked over HTTP.", min=1, max=64)
    ] = 1,
    json: Json = False,
) -> None:
    """Generate catalogues, build them, and measure build, memory, recall, latency, throughput."""
    from rich.markdown import Markdown

    from api.bench.speed import Plan, run
    from api.bench.tables import speed_tables
    from api.commands.console import out, print_json, say, stages

    files, preset = (tuple(like), preset) if like else (_shop(directory), "aisle")
    plan = Plan(
        files,
        preset,
        _numbers(products, "products"),
        directory,
        queries,
        _numbers(clients, "clients"),
        seconds,
        port,
        judgments,
        reuse,
        workers,
    )
    with stages() as progress:
        result = run(plan, say, progress)
    if json:
        print_json(result)
    else:
        out.print(Markdown(speed_tables(result)))


def _shop(directory: Path) -> tuple[Path, ...]:
    from fixtures import generate_shop

    shop = directory / "shop"
    if not (shop / "products.jsonl").exists():
        generate_shop(shop)
    return (shop / "products.jsonl",)


def _numbers(text: str, option: str) -> tuple[int, ...]:
    from search.errors import BadInput

    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise BadInput(f"--{option} takes numbers joined by commas, not {text!r}") from None
    if min(numbers) < 1:
        raise BadInput(f"--{option} takes numbers from 1 up, not {text!r}")
    return numbers


@command.command("quality")
def quality(
    real: Annotated[
        Path, typer.Option(help="The folder of judged catalogues, one folder each.")
    ] = Path("../shared/data"),
    directory: Directory = Path("data/quality"),
    choose: Annotated[
        bool, typer.Option(help="Also cross-validate the configuration (many more minutes).")
    ] = False,
    json: Json = False,
) -> None:
    """Score the shipped configuration on judged catalogues beside plain baselines."""
    import asyncio

    from rich.markdown import Markdown

    from api.bench.quality import run_quality
    from api.bench.tables import quality_tables
    from api.commands.console import out, print_json, say
    from search.errors import BadInput

    if not real.is_dir():
        raise BadInput(f"there is no folder {real}; name the judged catalogues with --real")
    result = asyncio.run(run_quality(real, directory, say, choose=choose))
    if json:
        print_json(result)
    else:
        out.print(Markdown(quality_tables(result)))


@command.command("understanding")
def understanding(
    directory: Directory = Path("data/bench-understanding"),
    terms: Annotated[int, typer.Option(help="Words of the catalogue.", min=1000)] = 300_000,
    brands: Annotated[int, typer.Option(help="Brands of the catalogue.", min=10)] = 50_000,
    json: Json = False,
) -> None:
    """Measure how fast queries are understood, with the dictionaries of a large catalogue."""
    from rich.markdown import Markdown

    from api.bench.tables import understanding_tables
    from api.bench.understanding import run_understanding
    from api.commands.console import out, print_json, say

    result = run_understanding(directory, say, terms, brands)
    if json:
        print_json(result)
    else:
        out.print(Markdown(understanding_tables(result)))


@command.command("suggest")
def suggest(
    entries: Annotated[int, typer.Option(help="Different suggestions.", min=1000)] = 500_000,
    json: Json = False,
) -> None:
    """Measure how fast suggestions are, for a number of entries."""
    from dataclasses import asdict

    from rich.markdown import Markdown

    from api.bench.suggestions import measure_suggestions
    from api.bench.tables import suggestion_table
    from api.commands.console import out, print_json

    result = asdict(measure_suggestions(entries))
    if json:
        print_json(result)
    else:
        out.print(Markdown(suggestion_table(result)))


@command.command("diversity")
def diversity(
    judgments: Annotated[Path, typer.Option(help="CSV of judged queries.")],
    data: Annotated[Path, typer.Option(help="An index of the judged catalogue.")] = Path("data"),
    system: Annotated[str, typer.Option(help="The system whose hits are arranged.")] = "hybrid",
    json: Json = False,
) -> None:
    """Measure what variety and stock cost in nDCG@10, and what they win."""
    import asyncio
    from dataclasses import asdict

    from rich.markdown import Markdown

    from api.bench.diversity import diversity_table, measure_diversity
    from api.commands.console import out, print_json

    rows = asyncio.run(measure_diversity(data, judgments, system))
    if json:
        print_json([asdict(row) for row in rows])
    else:
        out.print(Markdown(diversity_table(rows)))


for _name in ("features", "encoding", "scoring", "ranking", "events", "learn", "experiments"):
    command.command(_name)(getattr(bench_learning_command, _name))


@command.command("following")
def following(
    kafka: Annotated[str, typer.Option(help="HOST:PORT of brokers; a topic is made and deleted.")],
    data: Data = DEFAULT_DATA,
    changes: Annotated[int, typer.Option(help="Prices that change.", min=1)] = 20_000,
    texts: Annotated[int, typer.Option(help="Products with new words.", min=1)] = 1_000,
    singles: Annotated[int, typer.Option(help="Changes sent one by one.", min=1)] = 40,
    json: Json = False,
) -> None:
    """Measure how fast an index follows a topic of changes; the index itself is left as it is."""
    import logging

    from rich.markdown import Markdown

    from api.bench.following import Plan, following_table, run_following
    from api.commands.console import out, print_json, say
    from api.settings import load_settings

    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    result = run_following(load_settings(data), Plan(kafka, changes, texts, singles), say)
    if json:
        print_json(result)
    else:
        out.print(Markdown(following_table(result)))


@command.command("servers")
def servers(
    elasticsearch: Annotated[
        str | None, typer.Option(help="URL of an Elasticsearch to measure on.")
    ] = None,
    opensearch: Annotated[
        str | None, typer.Option(help="URL of an OpenSearch to measure on.")
    ] = None,
    like: Annotated[
        list[Path] | None,
        typer.Option(help="A catalogue whose statistics to follow; by default the generated shop."),
    ] = None,
    preset: Annotated[str | None, typer.Option(help="How to read that catalogue.")] = None,
    size: Annotated[int, typer.Option(help="Products to generate.", min=1000)] = 100_000,
    clients: Clients = "1,8",
    queries: Annotated[int, typer.Option(help="Distinct queries asked.", min=50)] = 500,
    seconds: Annotated[float, typer.Option(help="How long each load lasts.", min=0.5)] = 10.0,
    directory: Directory = Path("data/bench"),
    shop: Annotated[
        Path | None, typer.Option(help="The data directory of a judged catalogue, for nDCG@10.")
    ] = None,
    judgments: Annotated[Path | None, typer.Option(help="Its judgments.")] = None,
    dense: Annotated[
        str, typer.Option(help="faiss, or server: who finds what is near in meaning.")
    ] = "faiss",
    reuse: Annotated[
        bool, typer.Option("--reuse", help="Measure the indexes that an earlier run left.")
    ] = False,
    json: Json = False,
) -> None:
    """Measure Aisle beside Elasticsearch's and OpenSearch's own hybrid search, in one run."""
    from rich.markdown import Markdown

    from api.bench.servers import Plan, run
    from api.bench.servers_tables import servers_tables
    from api.commands.console import out, print_json, say, stages
    from search.errors import BadInput

    named = {"elasticsearch": elasticsearch, "opensearch": opensearch}
    urls = {name: url for name, url in named.items() if url}
    if not urls:
        raise BadInput(
            "no server: start some with `python -m tests.engines elasticsearch` and say"
            " where they are, as it prints it"
        )
    files, preset = (tuple(like), preset) if like else (_shop(directory), "aisle")
    plan = Plan(
        files,
        preset,
        size,
        directory,
        urls,
        queries=queries,
        clients=_numbers(clients, "clients"),
        seconds=seconds,
        dense=dense,
        reuse=reuse,
        shop=shop,
        judgments=judgments,
    )
    with stages() as progress:
        result = run(plan, say, progress)
    if json:
        print_json(result)
    else:
        out.print(Markdown(servers_tables(result)))
