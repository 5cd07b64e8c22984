"""The curve as an SVG picture that stands alone and reads without color."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape

from training.propensity.intervals import Curve

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 150, 40, 50
_INK, _AREA, _GRID = "#111", "#bbb", "#ddd"
_LABELS = 15


def draw_curve(curve: Curve, title: str) -> str:
    """Propensities over positions, both plain; the 95% interval as a gray band, and k⁻¹ dashed for
    comparison."""
    chart = _Chart(curve)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        f' font-family="sans-serif" font-size="12" role="img" aria-label="{escape(title)}">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="20" font-size="14">{escape(title)}</text>',
        *chart.axes(),
        *chart.band(),
        *chart.lines(),
        *_legend(bool(curve.resampled)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


class _Chart:
    """Where a position and a propensity lie on the picture."""

    def __init__(self, curve: Curve) -> None:
        self.positions: list[int] = curve.propensities.positions.tolist()
        self.values: list[float] = curve.propensities.values.tolist()
        self.low: list[float] = curve.low.tolist()
        self.high: list[float] = curve.high.tolist()
        self.top: float = math.ceil(min(max(self.high), 2 * max(self.values)) * 10) / 10

    def x(self, position: float) -> float:
        """Pixels from the left."""
        first, last = float(self.positions[0]), float(self.positions[-1])
        return round(LEFT + (position - first) / (last - first) * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        """Pixels from the top."""
        share = min(value, self.top) / self.top
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)

    def axes(self) -> Iterator[str]:
        """Both axes with their labels."""
        right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
        for step in range(6):
            value = self.top * step / 5
            y = self.y(value)
            yield f'<line x1="{LEFT}" x2="{right}" y1="{y}" y2="{y}" stroke="{_GRID}"/>'
            yield f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{value:.2f}</text>'
        for position in self.positions[:: math.ceil(len(self.positions) / _LABELS)]:
            x = self.x(position)
            yield f'<text x="{x}" y="{bottom + 18}" text-anchor="middle">{position}</text>'
        middle = (LEFT + right) / 2
        yield f'<text x="{middle}" y="{bottom + 38}" text-anchor="middle">position</text>'

    def band(self) -> Iterator[str]:
        """The interval of each position, joined."""
        pairs = list(zip(self.positions, self.low, self.high, strict=True))
        upper = [f"{self.x(k)},{self.y(high)}" for k, _, high in pairs]
        lower = [f"{self.x(k)},{self.y(low)}" for k, low, _ in reversed(pairs)]
        yield f'<polygon points="{" ".join([*upper, *lower])}" fill="{_AREA}"/>'

    def lines(self) -> Iterator[str]:
        """The curve with a dot a position, and k⁻¹."""
        inverse = [f"{self.x(k)},{self.y(self.positions[0] / k)}" for k in self.positions]
        yield _line(inverse, 'stroke-width="1" stroke-dasharray="5 4"')
        points = [(self.x(k), self.y(v)) for k, v in zip(self.positions, self.values, strict=True)]
        yield _line([f"{x},{y}" for x, y in points], 'stroke-width="2"')
        for x, y in points:
            yield f'<circle cx="{x}" cy="{y}" r="3" fill="{_INK}"/>'


def _line(points: list[str], style: str) -> str:
    return f'<polyline points="{" ".join(points)}" fill="none" stroke="{_INK}" {style}/>'


def _legend(interval: bool) -> Iterator[str]:
    left, text = WIDTH - RIGHT + 12, WIDTH - RIGHT + 42
    entries = [("looked at", 'stroke-width="2"'), ("1/position", 'stroke-dasharray="5 4"')]
    for place, (name, style) in enumerate(entries):
        y = TOP + 10 + 20 * place
        ends = f'x1="{left}" x2="{left + 24}" y1="{y}" y2="{y}"'
        yield f'<line {ends} stroke="{_INK}" {style}/><text x="{text}" y="{y + 4}">{name}</text>'
    if interval:
        y = TOP + 10 + 20 * len(entries)
        yield f'<rect x="{left}" y="{y - 6}" width="24" height="12" fill="{_AREA}"/>'
        yield f'<text x="{text}" y="{y + 4}">95% interval</text>'
