"""The figures of `aisle bench servers` as Markdown."""

from __future__ import annotations

from typing import Any

from api.bench.tables import MEGA, table


def servers_tables(result: dict[str, Any]) -> str:
    """All tables of one run."""
    title = f"### {result['products']:,} products, {result['queries']} queries"
    clients = [load["clients"] for load in result["rows"][0]["loads"]]
    head = [
        "",
        *(f"{_clients(n)}: queries/s (p50 / p99 ms)" for n in clients),
        "processor ms a query: Aisle or client + server",
        "MB: Aisle + server",
    ]
    rows = [_row(row) for row in result["rows"]]
    parts = [f"{title}, load {result['load']:.1f} at the end", table(head, rows)]
    split = [_split(row) for row in result["rows"] if "first" in row]
    where = ["one query after another, ms p50 / p99", "all", "words", "all but words"]
    parts.append(table([*where, "all, asked first"], split))
    built = [[name, f"{seconds:.0f}"] for name, seconds in result["built"].items()]
    parts.append(table(["index", "seconds"], built))
    if result["ndcg@10"]:
        scores = [[name, f"{score:.4f}"] for name, score in result["ndcg@10"].items()]
        parts.append(table(["judged catalogue", "nDCG@10"], scores))
    return "\n\n".join(parts)


def _clients(number: int) -> str:
    return "1 client" if number == 1 else f"{number} clients"


def _row(row: dict[str, Any]) -> list[object]:
    loads = [
        f"{load['queries_per_second']:.0f} ({_spent(load['latency'])})" for load in row["loads"]
    ]
    own = row.get("memory", {}).get("rss")
    held = _sum(own and own / MEGA, row.get("server") and row["server"] / MEGA, 0)
    last = row["loads"][-1]
    return [row["system"], *loads, _sum(last["own_ms"], last["server_ms"], 1), held]


def _sum(own: float | None, server: float | None, digits: int) -> str:
    return " + ".join(f"{each:.{digits}f}" for each in (own, server) if each)


def _split(row: dict[str, Any]) -> list[object]:
    spent = [_spent(row["again"][name]) for name in ("all", "words", "rest")]
    return [row["system"], *spent, _spent(row["first"]["all"])]


def _spent(percentiles: dict[str, float]) -> str:
    return f"{percentiles['p50']:.1f} / {percentiles['p99']:.1f}"
