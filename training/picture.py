"""A learning curve as an SVG picture that stands alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from training.curve import Point

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 150, 30, 50
COLORS = ("#0b62a4", "#c8501e", "#3c7a3c", "#7a3c7a")
_STEPS = 5


def draw(points: Sequence[Point], title: str) -> str:
    """Gains in nDCG@10 over training queries (logarithmic), a line a kind, intervals shaded."""
    chart = _Chart(points)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        f' font-family="sans-serif" font-size="12" role="img" aria-label="{_escaped(title)}">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="18" font-size="14">{_escaped(title)}</text>',
        *chart.axes(),
    ]
    kinds = dict.fromkeys(point.kind for point in points)
    for place, (kind, color) in enumerate(zip(kinds, COLORS * len(kinds), strict=False)):
        own = sorted((p for p in points if p.kind == kind), key=lambda p: p.queries)
        parts += chart.line(own, color)
        y = TOP + 16 + 18 * place
        parts.append(f'<text x="{WIDTH - RIGHT + 14}" y="{y}" fill="{color}">{kind}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


class _Chart:
    """Where a number of queries and a gain lie on the picture."""

    def __init__(self, points: Sequence[Point]) -> None:
        self.sizes = sorted({point.queries for point in points})
        self.low = min([0.0, *(point.against.low for point in points)])
        self.high = max([0.0, *(point.against.high for point in points)])
        self.high += (self.high == self.low) * 0.01

    def x(self, queries: int) -> float:
        """Pixels from the left."""
        first, last = math.log(self.sizes[0]), math.log(self.sizes[-1])
        share = (math.log(queries) - first) / (last - first) if last > first else 0.5
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(self, gain: float) -> float:
        """Pixels from the top."""
        share = (gain - self.low) / (self.high - self.low)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)

    def axes(self) -> Iterator[str]:
        """Both axes with their labels, and the line of no gain."""
        right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
        for step in range(_STEPS + 1):
            gain = self.low + (self.high - self.low) * step / _STEPS
            y = self.y(gain)
            yield f'<line x1="{LEFT}" x2="{right}" y1="{y}" y2="{y}" stroke="#ddd"/>'
            yield f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{gain:+.3f}</text>'
        for size in self.sizes:
            x = self.x(size)
            yield f'<text x="{x}" y="{bottom + 18}" text-anchor="middle">{size:,}</text>'
        yield f'<line x1="{LEFT}" x2="{right}" y1="{self.y(0)}" y2="{self.y(0)}" stroke="#444"/>'
        middle = (LEFT + right) / 2
        yield f'<text x="{middle}" y="{bottom + 38}" text-anchor="middle">training queries</text>'

    def line(self, points: Sequence[Point], color: str) -> Iterator[str]:
        """One kind: its means, and its 95% intervals behind them."""
        upper = [f"{self.x(p.queries)},{self.y(p.against.high)}" for p in points]
        lower = [f"{self.x(p.queries)},{self.y(p.against.low)}" for p in reversed(points)]
        area = " ".join([*upper, *lower])
        yield f'<polygon points="{area}" fill="{color}" fill-opacity="0.12"/>'
        means = [(self.x(p.queries), self.y(p.against.delta)) for p in points]
        path = " ".join(f"{x},{y}" for x, y in means)
        yield f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>'
        for x, y in means:
            yield f'<circle cx="{x}" cy="{y}" r="3" fill="{color}"/>'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
