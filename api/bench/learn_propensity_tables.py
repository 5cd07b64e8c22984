"""What was measured of propensities, as Markdown."""

from __future__ import annotations

from typing import Any

from api.bench.tables import table


def tables(result: dict[str, Any]) -> str:
    """The same as Markdown."""
    names = list(result["errors"][0]["rms"])
    errors = [
        [row["model"], f"{row['sessions']:,}", row["seeds"]]
        + [f"{row['rms'][name]:.4f} ({row['seconds'][name]:.2f} s)" for name in names]
        for row in result["errors"]
    ]
    coverage = [
        [row["model"], row["queries"], row["resampled"], row["logs"], f"{row['coverage']:.1%}"]
        for row in result["coverage"]
    ]
    misfit = [
        [row["model"], f"{row['sessions']:,}", row["logs"], f"{row['warned']:.0%}"]
        for row in result["misfit"]
    ]
    gates = [
        [row["gate"], f"{row['figure']:.4f}", "{:g} to {:g}".format(*row["limits"]), row["met"]]
        for row in result["gates"]
    ]
    parts = [
        ("RMS error of log p", table(["clicks", "sessions", "seeds", *names], errors)),
        (
            f"95% intervals at {result['coverage'][0]['sessions']:,} sessions",
            table(["clicks", "queries", "resampled", "logs", "hold the truth"], coverage),
        ),
        ("Misfit warnings", table(["clicks", "sessions", "logs", "warned"], misfit)),
        ("Gates", table(["gate", "figure", "limits", "met"], gates)),
    ]
    if "retrotech" in result:
        parts += _retrotech_tables(result["retrotech"])
    return "\n\n".join(f"### {title}\n\n{body}" for title, body in parts)


def _retrotech_tables(result: dict[str, Any]) -> list[tuple[str, str]]:
    curve = [
        [row["position"], f"{row['propensity']:.3f}", f"{row['low']:.3f}–{row['high']:.3f}"]
        for row in result["positions"]
    ]
    models = ("both", "position_only", "document_only")
    tried = result["held_out"]
    rows = [["all", tried["overall"]], *([row["query"], row] for row in tried["by_query"])]
    likelihoods = [[name, *(f"{row[model]:.4f}" for model in models)] for name, row in rows]
    checks = [
        [row["name"], round(row["statistic"]), row["freedom"], f"{row['p']:.1e}"]
        for row in result["misfit"]["checks"]
    ]
    return [
        (
            f"RetroTech: propensities (bootstrap over {result['resampled']})",
            table(["position", "propensity", "95%"], curve),
        ),
        (
            "RetroTech: held-out clicks, log-likelihood per impression",
            table(["query", "both", "position only", "document only"], likelihoods),
        ),
        ("RetroTech: misfit", table(["between", "statistic", "freedom", "p"], checks)),
    ]
