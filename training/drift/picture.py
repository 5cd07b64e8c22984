"""Drift as an SVG picture that stands alone and reads in black and white."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from training.drift.report import Drift, Limits, Moved

WIDTH, ROW, LEFT, RIGHT, TOP, BOTTOM = 720, 22, 210, 90, 56, 40
_MOST = 20
_FILLS = {"stable": "#ffffff", "moved": "#9db7cf", "drifted": "#1d3f5e"}


def draw_drift(drift: Drift, limits: Limits = Limits()) -> str:
    """The stability index of scores, queries, results and the features that moved most, as bars
    beside the two limits."""
    whole = [each for each in (drift.scores, drift.queries, drift.results) if each is not None]
    rows = [*whole, *drift.features[:_MOST]]
    most = max([limits.drifted * 1.2, *(each.index for each in rows)])
    height = TOP + ROW * max(len(rows), 1) + BOTTOM
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
            f' font-family="sans-serif" font-size="12" role="img" aria-label="Drift">',
            f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
            '<text x="12" y="20" font-size="14">Drift since training: stability index</text>',
            f'<text x="12" y="38">{escape(drift.sentence)}</text>',
            *_limits(limits, most, height),
            *(line for place, each in enumerate(rows) for line in _bar(each, place, most)),
            "</svg>",
            "",
        ]
    )


def _x(index: float, most: float) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * min(index / most, 1), 1)


def _limits(limits: Limits, most: float, height: int) -> Iterator[str]:
    for name, index in (("moved", limits.moved), ("drifted", limits.drifted)):
        x, bottom = _x(index, most), height - BOTTOM
        yield (
            f'<line x1="{x}" x2="{x}" y1="{TOP - 6}" y2="{bottom}" stroke="#444"'
            f' stroke-dasharray="4 3"/>'
        )
        yield f'<text x="{x}" y="{bottom + 16}" text-anchor="middle">{name} {index:g}</text>'


def _bar(each: Moved, place: int, most: float) -> Iterator[str]:
    y = TOP + ROW * place
    width = max(_x(each.index, most) - LEFT, 1)
    yield f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end">{escape(each.name)}</text>'
    yield (
        f'<rect x="{LEFT}" y="{y + 2}" width="{width}" height="{ROW - 8}"'
        f' fill="{_FILLS[each.state]}" stroke="#1d3f5e"/>'
    )
    yield f'<text x="{LEFT + width + 6}" y="{y + 13}">{each.index:.3f}</text>'
