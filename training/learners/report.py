"""What learning from clicks found, as JSON for machines and as text for people."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from training.comparison import Difference
from training.learners.comparing import LOGGING, NAIVE, Comparison, Row
from training.learners.training import LearnedFromClicks

_MUCH = 0.2
"""A share of impressions left out that is worth a sentence."""


def click_report_json(found: LearnedFromClicks, path: str) -> dict[str, Any]:
    """The report; `path` is where the model is."""
    return {
        "model": path,
        "learner": found.learner,
        "comparisons": {each.measure: _comparison(each) for each in found.comparisons},
        "logger": {
            "agreement": found.logger.agreement,
            "saturation": found.logger.saturation,
            "unevenness": found.logger.unevenness,
            "warning": found.logger.warning,
        },
        "verdict": list(found.verdict),
        "left_out": found.left_out,
        "propensities": found.model.training["propensities"],
    }


def _comparison(found: Comparison) -> dict[str, Any]:
    return {
        "queries": found.queries,
        "orders": {
            row.name: {
                "ndcg@10": row.ndcg,
                "vs_logging": asdict(row.against_logging),
                "vs_naive": asdict(row.against_naive),
            }
            for row in found.rows
        },
    }


def format_click_report(found: LearnedFromClicks, path: str) -> RenderableType:
    """Tables of all orders, then what follows from them."""
    parts: list[RenderableType] = [Text(f"{path}: {found.learner}, learned from clicks"), Text()]
    for each in found.comparisons:
        parts += [_table(each), Text()]
    parts += [Text(sentence) for sentence in found.verdict]
    if found.left_out > _MUCH:
        parts.append(
            Text(
                f"{found.left_out:.0%} of the impressions were of products that are no candidates"
                " of their query now, and were left out."
            )
        )
    return Group(*parts)


def _table(found: Comparison) -> Table:
    title = f"On {found.measure}: {found.queries} queries"
    table = Table(
        "order", "ndcg@10", "− logging order", "− naive", title=title, title_justify="left"
    )
    for row in found.rows:
        table.add_row(row.name, f"{row.ndcg:.4f}", *_cells(row))
    return table


def _cells(row: Row) -> tuple[str, str]:
    return (
        "" if row.name == LOGGING else _interval(row.against_logging),
        "" if row.name in (LOGGING, NAIVE) else _interval(row.against_naive),
    )


def _interval(found: Difference) -> str:
    return f"{found.delta:+.4f} [{found.low:+.4f}, {found.high:+.4f}]"
