"""`aisle interleave`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.options import DEFAULT_DATA, Data, Json, Picture

if TYPE_CHECKING:
    from rich.table import Table

    from api.interleaving.report import Pair
    from api.interleaving.runs import Contest

File = Annotated[
    str | None,
    typer.Option(help="A run: a TREC run file, or one that aisle eval --save kept in --data."),
]


def command(
    a: File = None,
    b: File = None,
    run: Annotated[
        list[str] | None, typer.Option("--run", help="One more run; again for each.")
    ] = None,
    method: Annotated[
        str,
        typer.Option(help="team-draft, balanced, probabilistic, optimized or preference."),
    ] = "team-draft",
    clicks: Annotated[
        str,
        typer.Option(
            help="How shoppers click: random, perfect, navigational, informational, joachims, "
            "ultra, trust, cascade or dbn."
        ),
    ] = "navigational",
    sessions: Annotated[int, typer.Option(help="How many sessions to simulate.", min=1)] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of all that is drawn.", min=0)] = 0,
    judgments: Annotated[
        Path | None,
        typer.Option(help="What is relevant; by default what the runs were scored by."),
    ] = None,
    length: Annotated[int, typer.Option(help="Places a shopper is shown.", min=1, max=100)] = 10,
    alpha: Annotated[
        float, typer.Option(help="The error allowed, however often one looks.", min=1e-9, max=0.5)
    ] = 0.05,
    debiased: Annotated[
        bool, typer.Option("--debiased", help="Credit clicks by how likely places are looked at.")
    ] = False,
    allow_same: Annotated[
        bool, typer.Option("--allow-same", help="Let a run be compared with itself: an A/A.")
    ] = False,
    data: Data = DEFAULT_DATA,
    picture: Picture = None,
    json: Json = False,
) -> None:
    """Compare saved runs by simulated shoppers who see them interleaved."""
    from api.commands.console import out, print_json, say, stages
    from api.interleaving.clicks import shopper
    from api.interleaving.picture import draw_comparison
    from api.interleaving.report import legend, pairs, plain, sentence
    from api.interleaving.simulation import Setting, differences, simulate
    from eval.interleaving import interleaver

    setting = Setting(interleaver(method), shopper(clicks), length, debiased)
    names = [*_given(a, b), *(run or ())]
    contest, remarks = _contest(names, data, judgments, clicks, allow_same)
    for remark in remarks:
        say(remark)
    with stages() as progress:
        earned = simulate(contest, setting, sessions, seed, progress)
    found = pairs(contest.names, earned, alpha, contest.dcg(length), by_sign=not debiased)
    if picture is not None:
        one = differences(earned)
        title = f"{found[0].a} − {found[0].b}: credit a session, {method}"
        drawn = draw_comparison(one, title, found[0].alpha, found[0].decided_at)
        picture.write_text(drawn, "utf-8")
        say(f"drawn: {picture}")
    if json:
        facts = {"method": method, "clicks": clicks, "sessions": sessions, "seed": seed}
        of_all = {"runs": contest.names, "queries": len(contest.queries), "length": length}
        print_json(plain(found, **facts, **of_all, debiased=debiased, same=contest.is_same))
    else:
        for pair in found:
            out.print(sentence(pair, sessions), markup=False)
        for pair in found:
            out.print(_table(pair))
        out.print(legend(found[0]), markup=False)


def _given(a: str | None, b: str | None) -> list[str]:
    return [name for name in (a, b) if name is not None]


def _contest(
    names: list[str], data: Path, judgments: Path | None, clicks: str, allow_same: bool
) -> tuple[Contest, list[str]]:
    """What is compared, and what should be known of it."""
    from api.evaluating.sources import RUNS
    from api.interleaving.clicks import RANDOM
    from api.interleaving.runs import contest, gains_of, read_runs
    from search.errors import BadInput

    if len(names) < 2:
        raise BadInput("name two runs, --a FILE --b FILE, or more with --run FILE", field="a")
    runs = read_runs(names, data / RUNS)
    gains, remark = gains_of(runs, judgments)
    if gains is None and clicks != RANDOM:
        raise BadInput(
            f"{clicks} shoppers click what is relevant, and these runs hold no judgments; give "
            "--judgments FILE, or --clicks random",
            field="clicks",
        )
    found = contest(runs, gains)
    if found.is_same and not allow_same:
        raise BadInput(
            "two of the runs rank every query alike, so nothing can be told apart; for an A/A on "
            "purpose add --allow-same",
            field="b",
        )
    return found, [each for each in (remark, *_remarks(found)) if each]


def _remarks(contest: Contest) -> list[str]:
    said = []
    if contest.is_same:
        said.append("Two of the runs are the same: this is an A/A, whose sessions all are ties.")
    if contest.left_out:
        count = len(contest.queries)
        said.append(
            f"Compared on {count:,} of {count + contest.left_out:,} queries: the others are not in "
            "every run, or were not judged."
        )
    if len(contest.queries) == 1:
        said.append("One query only: the comparison says nothing of others.")
    if contest.grades is not None:
        said.append(f"{contest.judged:.0%} of the ranked products were judged; others count as 0.")
        if not any(grades.any() for grades in contest.grades):
            said.append("No product in these rankings is relevant by the judgments.")
    return said


def _table(pair: Pair) -> Table:
    from rich.markup import escape
    from rich.table import Table

    from api.interleaving.report import rows

    table = Table("", escape(f"{pair.a} − {pair.b}"))
    for what, much in rows(pair):
        table.add_row(what, much)
    return table
