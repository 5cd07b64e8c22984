"""The figures of a speed run as Markdown, for BENCHMARKS.md and for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

MEGA = 1_000_000


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(header)} |", f"|{'---|' * len(header)}"]
    lines += [f"| {' | '.join(map(str, row))} |" for row in rows]
    return "\n".join(lines)


def speed_tables(result: dict[str, Any]) -> str:
    """Every table of a run, sizes as columns where they can be compared."""
    sizes = result["sizes"]
    head = [f"{size['products']:,}" for size in sizes]
    parts = [
        ("Building", table(["", *head], _building(sizes))),
        ("Recall and memory", table(["", *head], _memory(sizes))),
        ("One client, milliseconds p50 / p95 / p99", table(["case", *head], _cases(sizes))),
        ("By stage, milliseconds p50 / p99", table(["stage", *head], _stages(sizes))),
        ("The floor: tantivy alone, milliseconds p50 / p99", table(["", *head], _floor(sizes))),
        (
            "Several clients, in one process: queries a second (p50 / p99 ms)",
            table(["clients", *head], _load(size["throughput"] for size in sizes)),
        ),
        (
            f"Several clients over HTTP, {_processes(sizes)}, the client on the same machine: "
            "queries a second (p50 / p99 ms), the server's processor ms a query",
            table(["clients", *head], _load(size["http"]["throughput"] for size in sizes)),
        ),
    ]
    return "\n\n".join(f"### {title}\n\n{body}" for title, body in parts)


def _building(sizes: Sequence[dict[str, Any]]) -> list[list[object]]:
    builds = [size["build"] for size in sizes]
    return [
        ["seconds", *(f"{build['seconds']:.1f}" for build in builds)],
        ["bytes per product", *(build["bytes_per_product"] for build in builds)],
    ]


def _memory(sizes: Sequence[dict[str, Any]]) -> list[list[object]]:
    return [
        *(
            [f"recall@300, {kind} (worst tenth)", *(_recall(size, kind) for size in sizes)]
            for kind in sizes[0]["recall_at_300"]
        ),
        ["recall@300, held out at build", *(f"{size['build']['recall']:.3f}" for size in sizes)],
        ["resident, MB", *(round(size["memory"]["rss"] / MEGA) for size in sizes)],
        ["of it not mapped files, MB", *(round(size["memory"]["own"] / MEGA) for size in sizes)],
        ["server resident, MB", *(round(size["http"]["memory"]["rss"] / MEGA) for size in sizes)],
    ]


def _recall(size: dict[str, Any], kind: str) -> str:
    found = size["recall_at_300"][kind]
    return f"{found['mean']:.3f} ({found['worst_tenth']:.3f})"


def _cases(sizes: Sequence[dict[str, Any]]) -> list[list[object]]:
    def cell(latency: dict[str, Any]) -> str:
        spent = latency["stages"]["all"]
        return f"{spent['p50']:.1f} / {spent['p95']:.1f} / {spent['p99']:.1f}"

    rows: list[list[object]] = [
        [name, *(cell(size["latency"][name]) for size in sizes)] for name in sizes[0]["latency"]
    ]
    cpu = [f"{size['latency']['plain']['cpu']:.1f}" for size in sizes]
    return [*rows, ["plain: processor ms a query", *cpu]]


def _stages(sizes: Sequence[dict[str, Any]]) -> list[list[object]]:
    names = sizes[0]["latency"]["plain"]["stages"]
    plain = [size["latency"]["plain"]["stages"] for size in sizes]
    return [[name, *(_pair(stages[name]) for stages in plain)] for name in names]


def _floor(sizes: Sequence[dict[str, Any]]) -> list[list[object]]:
    return [[name, *(_pair(size["floor"][name]) for size in sizes)] for name in sizes[0]["floor"]]


def _pair(spent: dict[str, float]) -> str:
    return f"{spent['p50']:.2f} / {spent['p99']:.2f}"


def _processes(sizes: Sequence[dict[str, Any]]) -> str:
    """How many processes answered over HTTP."""
    workers = sizes[0]["http"]["workers"]
    return "one process" if workers == 1 else f"{workers} processes"


def _load(throughputs: Iterable[list[dict[str, Any]]]) -> list[list[object]]:
    columns = list(throughputs)
    return [
        [
            row[0]["clients"],
            *(
                f"{cell['queries_per_second']:.0f} "
                f"({cell['latency']['p50']:.0f} / {cell['latency']['p99']:.0f})"
                + (f", {cell['server_ms']:.1f}" if "server_ms" in cell else "")
                for cell in row
            ),
        ]
        for row in zip(*columns, strict=True)
    ]


def quality_tables(result: dict[str, Any]) -> str:
    """Means with 95% intervals by system, one table a catalogue, and differences from hybrid."""
    parts = [_catalogue(name, report) for name, report in result["catalogues"].items()]
    if "selection" in result:
        parts.append(_selection(result["selection"]))
    return "\n\n".join(parts)


def _catalogue(name: str, report: dict[str, Any]) -> str:
    ordered = "the judged products" if report["mode"] == "rerank" else "the whole catalogue"
    metrics = report["metrics"]
    rows = [
        [system, *(_interval(scores[metric]) for metric in metrics), _against(report, system)]
        for system, scores in report["systems"].items()
    ]
    header = ["system", *metrics, f"{metrics[0]} against hybrid (p)"]
    shown = f"### {name}: {report['queries']} queries, {ordered}\n\n{table(header, rows)}"
    return shown + (_misspelled(report["misspelled"]) if "misspelled" in report else "")


def _misspelled(found: dict[str, Any]) -> str:
    shares = {name: f"{mean:.3f} [{low:.3f}, {high:.3f}]" for name, (mean, low, high) in
              found["kept"].items()}  # fmt: skip
    rows = [
        [name, f"{score['mean']:.3f}", shares.get(name, "1")]
        for name, score in found["ndcg@10"].items()
    ]
    head = ["one typing error a query", "ndcg@10", "share kept"]
    return f"\n\n{found['queries']} queries:\n\n{table(head, rows)}"


def _interval(scored: dict[str, float]) -> str:
    return f"{scored['mean']:.3f} [{scored['low']:.3f}, {scored['high']:.3f}]"


def _against(report: dict[str, Any], system: str) -> str:
    for pair in report["comparisons"]:
        if pair["metric"] == report["metrics"][0] and {pair["a"], pair["b"]} == {system, "hybrid"}:
            sign = 1 if pair["a"] == system else -1
            low, high = sorted((sign * pair["low"], sign * pair["high"]))
            return f"{sign * pair['delta']:+.3f} [{low:+.3f}, {high:+.3f}] ({pair['p']:.4f})"
    return ""


def _selection(selection: dict[str, Any]) -> str:
    chosen = sorted(selection["chosen"].items(), key=lambda item: -item[1])
    scores = [
        [name, f"{selection['shipped'][name]:.3f}", f"{selection['held_out'][name]:.3f}"]
        for name in selection["held_out"]
    ]
    return "\n\n".join(
        (
            f"### Nested selection among {selection['configurations']} configurations",
            table(["catalogue", "as shipped", "held out"], scores),
            table(["chosen", "folds"], chosen[:8]),
            f"Best on all queries: `{selection['final']}`",
        )
    )


def understanding_tables(result: dict[str, Any]) -> str:
    """Understanding as a whole and by part, and symspellpy alone beside it."""
    whole, peer = result["milliseconds"], result["symspellpy"]
    rows = [["all of it", *_spent(whole)]]
    rows += [[name, *_spent(spent)] for name, spent in result["parts"].items()]
    rows.append(["symspellpy `lookup_compound` alone", *_spent(peer["milliseconds"])])
    held = [
        ["Aisle, all parts", result["load_seconds"], result["memory_mb"]],
        ["symspellpy's own dictionary", peer["load_seconds"], peer["memory_mb"]],
    ]
    title = f"{result['terms']:,} words, {result['brands']:,} brands, {result['queries']:,} queries"
    return "\n\n".join(
        (
            f"### Understanding, milliseconds a query ({title})",
            table(["", "p50", "p95", "p99"], rows),
            table(["", "loaded in s", "MB"], held),
        )
    )


def _spent(spent: dict[str, float]) -> list[object]:
    return [spent["p50"], spent["p95"], spent["p99"]]


def suggestion_table(result: dict[str, Any]) -> str:
    """Suggestions: a keystroke's milliseconds, and what the entries cost."""
    rows = [
        ["milliseconds a keystroke, p50", f"{result['p50']:.2f}"],
        ["p99 (processor time alone)", f"{result['p99']:.2f} ({result['processor_p99']:.2f})"],
        ["worst", f"{result['worst']:.2f}"],
        ["opened in seconds", f"{result['load_seconds']:.3f}"],
        ["resident, MB", f"{result['resident_bytes'] / MEGA:.0f}"],
        ["on disk, MB", f"{result['disk_bytes'] / MEGA:.0f}"],
        ["written in seconds", f"{result['write_seconds']:.1f}"],
    ]
    title = f"### Suggestions, {result['entries']:,} entries"
    return f"{title}\n\n{table(['', ''], rows)}"
