"""The figures of `api.bench.experiments_interleaving` as Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Any

from api.bench.tables import table
from eval.interleaving import INTERLEAVERS

MEASURES = ("clicks a session", "sessions with a click", "orders a session")
"""What an A/B test counts."""


def tables(result: dict[str, Any]) -> str:
    """The figures as Markdown."""
    return "\n\n".join(f"### {title}\n\n{body}" for title, body in _parts(result))


def _parts(result: dict[str, Any]) -> Iterator[tuple[str, str]]:
    tests = ("e_value", "sequence", "z_test")
    yield (
        "Nothing differs, looked at after every unit from 100 to 5,000: how often each errs",
        table(
            ["method", "e-value", "confidence sequence", "z-test"],
            ([row["method"], *(_said(row[name]) for name in tests)] for row in result["peeking"]),
        ),
    )
    yield (
        "A clicker who does not look: mean credit difference of unequal rankings",
        table(
            ["method", "mean", "95% interval", "holds 0", "wins / losses"],
            (
                [
                    row["method"],
                    f"{row['mean']:+.4f}",
                    f"{row['low']:+.4f} to {row['high']:+.4f}",
                    "yes" if row["holds"] else "no",
                    f"{row['wins']:,} / {row['losses']:,}",
                ]
                for row in result["blind"]
            ),
        ),
    )
    yield (
        "The sign against the true difference in DCG@10, pairs at least 5% apart",
        table(
            ["method", "sessions a pair", "pairs", "right"],
            (
                [row["method"], f"{row['sessions']:,}", row["pairs"], _said(row["right"])]
                for row in result["signs"]
            ),
        ),
    )
    yield "Sessions for a power of 80%, and how many times fewer than A/B", _sessions(result)
    yield (
        "Whether these counts are right: found with so many sessions",
        table(
            ["test", "sessions", "found"],
            (
                [name, f"{row['sessions']:,}", _said(row["found"])]
                for name, row in result["power"].items()
            ),
        ),
    )
    yield (
        "Four rankers at once: pairs ordered as by team-draft of two, and as by the truth",
        table(
            ["method", "pairs", "as two", "as the truth"],
            (
                [row["method"], row["pairs"], _said(row["two"]), _said(row["truth"])]
                for row in result["many"]
            ),
        ),
    )


def _sessions(result: dict[str, Any]) -> str:
    header = ["data, queries changed, clicks", "A/B by clicks", "by orders"]
    rows = []
    for row in result["sessions"]:
        case = f"{row['data']}, {row['share']:.0%}, {row['model']}"
        counts = [f"{row['ab'][MEASURES[n]]:,}" for n in (0, 2)]
        rows.append([case, *counts, *(_fewer(row[name]) for name in INTERLEAVERS)])
    note = (
        "Cells: sessions; times fewer than A/B by clicks a session / by sessions with a click / by "
        "orders. *: the A/B test is for the other ranker: shoppers who find what they want at once "
        "click less."
    )
    middle = [
        [share, *(_middle(result["sessions"], of, name) for name in INTERLEAVERS)]
        for share, of in (("all queries", (1.0,)), ("one in four", (0.25,)), ("both", (1.0, 0.25)))
    ]
    medians = table(["queries changed", *INTERLEAVERS], middle)
    return "\n\n".join(
        (table([*header, *INTERLEAVERS], rows), note, "Medians, without *:", medians)
    )


def _middle(rows: list[dict[str, Any]], shares: tuple[float, ...], name: str) -> str:
    """Medians over the cases in which the A/B test is not for the other ranker."""
    chosen = [row[name]["fewer"] for row in rows if row["share"] in shares]
    right = ([each[m]["times"] for each in chosen if each[m]["agree"]] for m in MEASURES)
    return " / ".join(f"{median(times):,.0f}" if times else "–" for times in right)


def _fewer(cell: dict[str, Any]) -> str:
    times = " / ".join(
        f"{cell['fewer'][measure]['times']:,.0f}" + ("" if cell["fewer"][measure]["agree"] else "*")
        for measure in MEASURES
    )
    return f"{cell['sessions']:,}; {times}"


def _said(share: dict[str, float]) -> str:
    return f"{share['share']:.1%} [{share['low']:.1%}, {share['high']:.1%}]"
