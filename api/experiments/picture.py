"""A report as an SVG picture that stands alone and reads without color: how each comparison
narrowed, and of arms that were shown apart the effect on each metric."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from html import escape
from textwrap import wrap

import numpy as np

from api.experiments.naming import says
from api.experiments.report import Narrowed, Report

WIDTH, LEFT, RIGHT = 760, 76, 150
_PANEL, _GAP, _ROW, _LABELS = 170, 64, 26, 260
_INK, _AREA, _GRID = "#111", "#bbb", "#ddd"
_LINE = 100

Scale = Callable[[float], float]


def draw(found: Report) -> str:
    """The sentence, a panel a comparison, and a line a metric."""
    lines = wrap(found.decision.sentence, _LINE)
    top = 30 + 18 * len(lines)
    body = [_text(20, 28 + 18 * n, line, size=14) for n, line in enumerate(lines)]
    for path in found.paths.values():
        body += _panel(path, top + 24, found.experiment.unit)
        top += _PANEL + _GAP
    if found.effects:
        rows = list(_forest(found, top + 30))
        body += rows
        top += 80 + _ROW * sum(map(len, found.effects.values()))
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + 10}"'
        f' font-family="sans-serif" font-size="12" role="img"'
        f' aria-label="{escape(found.experiment.name)}">'
    )
    frame = f'<rect width="{WIDTH}" height="{top + 10}" fill="white"/>'
    return "\n".join([head, frame, *body, "</svg>"]) + "\n"


def _panel(path: Narrowed, top: int, unit: str) -> Iterator[str]:
    """The difference, gray about it the confidence sequence, and where it was decided."""
    low, high = _limits(path)
    x = _scale(path.units[0], path.units[-1], LEFT, WIDTH - RIGHT)
    y = _scale(low, high, top + _PANEL - 40, top + 10)
    yield _text(20, top - 6, path.says, weight="bold")
    for value in _ticks(low, high):
        yield _line(LEFT, y(value), WIDTH - RIGHT, y(value), f'stroke="{_GRID}"')
        yield _text(LEFT - 8, y(value) + 4, f"{value:+g}" if value else "0", anchor="end")
    said = np.flatnonzero(np.isfinite(path.low)).tolist()
    if said:
        edges = [(path.units[n], path.high[n]) for n in said]
        edges += [(path.units[n], path.low[n]) for n in reversed(said)]
        points = " ".join(f"{x(a)},{y(min(max(b, low), high))}" for a, b in edges)
        yield f'<polygon points="{points}" fill="{_AREA}" fill-opacity="0.7"/>'
    yield _line(LEFT, y(0.0), WIDTH - RIGHT, y(0.0), f'stroke="{_INK}"')
    points = " ".join(
        f"{x(a)},{y(min(max(b, low), high))}" for a, b in zip(path.units, path.delta, strict=True)
    )
    yield f'<polyline points="{points}" fill="none" stroke="{_INK}" stroke-width="2"/>'
    for value in _ticks(path.units[0], path.units[-1]):
        if value == int(value):
            yield _text(x(value), top + _PANEL - 22, f"{int(value):,}", anchor="middle")
    middle = (LEFT + WIDTH - RIGHT) / 2
    yield _text(middle, top + _PANEL - 4, f"{unit}s", anchor="middle")
    yield from _beside(path, x, top)


def _beside(path: Narrowed, x: Scale, top: int) -> Iterator[str]:
    right = WIDTH - RIGHT + 12
    yield _text(right, top + 20, f"now {path.delta[-1]:+.4g}")
    if math.isfinite(path.low[-1]):
        yield _text(right, top + 38, f"{path.low[-1]:+.4g} to")
        yield _text(right, top + 54, f"{path.high[-1]:+.4g}")
    else:
        yield _text(right, top + 38, "no interval yet")
    if path.e_values is not None:
        yield _text(right, top + 74, f"e-value {path.e_values[-1]:.3g}")
        yield _text(right, top + 90, f"enough: {1 / path.alpha:g}")
    if path.decided:
        at = x(path.decided)
        style = f'stroke="{_INK}" stroke-dasharray="2 3"'
        yield _line(at, top + 4, at, top + _PANEL - 40, style)
        yield _text(right, top + 110, f"decided at {path.decided:,}")


def _limits(path: Narrowed) -> tuple[float, float]:
    """High enough for the intervals once they are narrower than at first, and for 0."""
    said = np.isfinite(path.low)
    late = said & (np.cumsum(said) > said.sum() // 10)
    values = np.r_[path.low[late], path.high[late], path.delta[-(-len(path.delta) // 5) :], 0.0]
    low, high = float(values.min()), float(values.max())
    room = 0.05 * (high - low) or 0.01
    return low - room, high + room


def _forest(found: Report, top: int) -> Iterator[str]:
    """Each metric relative to the baseline: a dot, and its confidence sequence as a line."""
    rows = [effect for arms in found.effects.values() for effect in arms.values()]
    known = [e for e in rows if e.relative_low is not None and e.relative_high is not None]
    widths = [max(abs(e.relative_low or 0), abs(e.relative_high or 0)) for e in known]
    dots = [abs(e.relative) for e in rows if e.relative is not None]
    # An interval as wide as the metric itself tells no more when drawn to its ends; dots do.
    reach = max(0.01, min(max(widths, default=0.0), 1.0), 1.1 * max(dots, default=0.0))
    x = _scale(-reach, reach, _LABELS, WIDTH - 100)
    bottom = top + 14 + _ROW * len(rows)
    yield _text(20, top - 6, "Relative to the baseline", weight="bold")
    for value in (-reach, 0.0, reach):
        style = f'stroke="{_INK if value == 0 else _GRID}"'
        yield _line(x(value), top + 4, x(value), bottom, style)
        yield _text(x(value), bottom + 16, f"{value:+.0%}" if value else "0", anchor="middle")
    for number, effect in enumerate(rows):
        y = top + 22 + _ROW * number
        name = says(effect.metric, found.experiment)
        arm = f"{effect.arm}: " if len(found.experiment.arms) > 2 else ""
        yield _text(_LABELS - 12, y + 4, f"{arm}{name}"[:44], anchor="end")
        if effect.relative is None:
            yield _text(WIDTH - 92, y + 4, "no baseline")
            continue
        if effect.relative_low is not None and effect.relative_high is not None:
            ends = (effect.relative_low, effect.relative_high)
            left, right = (x(min(max(end, -reach), reach)) for end in ends)
            yield _line(left, y, right, y, f'stroke="{_INK}" stroke-width="3"')
        fill = _INK if effect.relative_low is not None else "white"
        at = x(min(max(effect.relative, -reach), reach))
        yield f'<circle cx="{at}" cy="{y}" r="5" fill="{fill}" stroke="{_INK}"/>'
        yield _text(WIDTH - 92, y + 4, f"{effect.relative:+.1%}")


def _scale(low: float, high: float, left: float, right: float) -> Scale:
    span = (high - low) or 1.0
    return lambda value: round(left + (value - low) / span * (right - left), 1)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers between two, some four to eight of them."""
    rough = (high - low) / 6 or 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(n for n in (1, 2, 5, 10) if n * power >= rough)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [round(n * step, 12) for n in range(first, last + 1)]


def _text(
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    size: int = 12,
    weight: str = "normal",
) -> str:
    return (
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}"'
        f' fill="{_INK}">{escape(text)}</text>'
    )


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" {style}/>'
