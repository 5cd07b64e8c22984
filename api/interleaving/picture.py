"""A comparison as it narrows, as an SVG picture that stands alone and reads without color."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from eval.stopping import confidence_sequence, sign_e_values

WIDTH, HEIGHT = 760, 520
LEFT, RIGHT, TOP = 76, 150, 44
_UPPER, _GAP, _LOWER = 250, 46, 110
_INK, _AREA, _GRID = "#111", "#bbb", "#ddd"
_POINTS = 400


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of the picture: sessions from `first` to `last` across, `low` to `high` from its
    bottom to its top, which are `top` and `height` in pixels."""

    first: float
    last: float
    low: float
    high: float
    top: int
    height: int

    def x(self, session: float) -> float:
        """Pixels from the left."""
        share = (session - self.first) / max(self.last - self.first, 1)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        """Pixels from the top."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.top + self.height - share * self.height, 1)

    def across(self, value: float, style: str) -> str:
        """A line at one value."""
        y = self.y(value)
        return f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" {style}/>'

    def along(self, sessions: Sequence[float], values: Sequence[float], style: str) -> str:
        """A line through points."""
        points = " ".join(f"{self.x(s)},{self.y(v)}" for s, v in zip(sessions, values, strict=True))
        return f'<polyline points="{points}" fill="none" stroke="{_INK}" {style}/>'


def draw_comparison(
    found: NDArray[np.float64], title: str, alpha: float = 0.05, stopped: int | None = None
) -> str:
    """The mean credit difference after each session with its confidence sequence, the e-value below
    it, and after how many sessions it would have `stopped`. `found` float64, one difference a
    session."""
    mean, low, high = confidence_sequence(found, alpha)
    e_values = sign_e_values(found)
    at = _chosen(len(found))
    sessions = (at + 1.0).tolist()
    upper = _upper(sessions, mean[at], low[at], high[at])
    lower = _lower(sessions, np.log10(e_values[at]), alpha)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        f' font-family="sans-serif" font-size="12" role="img" aria-label="{escape(title)}">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="20" font-size="14">{escape(title)}</text>',
        *_band(upper, sessions, mean[at].tolist(), low[at].tolist(), high[at].tolist()),
        *_evidence(lower, sessions, np.log10(e_values[at]).tolist(), alpha),
        *_sessions(lower),
        *(_stop(upper, lower, stopped) if stopped else ()),
        *_legend(upper, lower),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _chosen(count: int) -> NDArray[np.int64]:
    """Which sessions to draw: all of few, evenly spread ones of many, always the last."""
    return np.unique(np.linspace(0, count - 1, min(count, _POINTS)).round().astype(np.int64))


def _upper(
    sessions: Sequence[float],
    mean: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> Panel:
    """High enough for the means and for the interval once it says something."""
    finite = np.isfinite(low)
    late = np.r_[low[finite], high[finite], mean[len(mean) // 10 :], 0.0]
    bottom, top = float(late.min()), float(late.max())
    room = 0.05 * (top - bottom) or 0.01
    return Panel(sessions[0], sessions[-1], bottom - room, top + room, TOP, _UPPER)


def _lower(sessions: Sequence[float], powers: NDArray[np.float64], alpha: float) -> Panel:
    needed = math.log10(1 / alpha)
    low, high = min(float(powers.min()), -0.5), max(float(powers.max()), needed) + 0.3
    # Beyond a few times what is needed, more says nothing more.
    return Panel(sessions[0], sessions[-1], low, min(high, 4 * needed), TOP + _UPPER + _GAP, _LOWER)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers between two, some four to eight of them."""
    rough = (high - low) / 6 or 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(n for n in (1, 2, 5, 10) if n * power >= rough)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [round(n * step, 12) for n in range(first, last + 1)]


def _band(
    panel: Panel, sessions: list[float], mean: list[float], low: list[float], high: list[float]
) -> Iterator[str]:
    for value in _ticks(panel.low, panel.high):
        yield panel.across(value, f'stroke="{_GRID}"')
        name = f"{value:+g}" if value else "0"
        yield f'<text x="{LEFT - 8}" y="{panel.y(value) + 4}" text-anchor="end">{name}</text>'
    said = [n for n, value in enumerate(low) if math.isfinite(value)]
    if said:
        edges = [f"{panel.x(sessions[n])},{panel.y(high[n])}" for n in said]
        edges += [f"{panel.x(sessions[n])},{panel.y(low[n])}" for n in reversed(said)]
        yield f'<polygon points="{" ".join(edges)}" fill="{_AREA}" fill-opacity="0.7"/>'
    yield panel.across(0.0, f'stroke="{_INK}" stroke-width="1"')
    yield panel.along(sessions, mean, 'stroke-width="2"')


def _evidence(
    panel: Panel, sessions: list[float], powers: list[float], alpha: float
) -> Iterator[str]:
    for power in range(math.ceil(panel.low), math.floor(panel.high) + 1):
        yield panel.across(power, f'stroke="{_GRID}"')
        name = f"{10**power:,}" if power >= 0 else f"{10.0**power:g}"
        yield f'<text x="{LEFT - 8}" y="{panel.y(power) + 4}" text-anchor="end">{name}</text>'
    yield panel.across(math.log10(1 / alpha), f'stroke="{_INK}" stroke-dasharray="6 4"')
    yield panel.along(sessions, powers, 'stroke-width="2"')


def _sessions(panel: Panel) -> Iterator[str]:
    bottom = panel.top + panel.height
    for session in _ticks(panel.first, panel.last):
        if session == int(session):
            x = panel.x(session)
            yield f'<text x="{x}" y="{bottom + 18}" text-anchor="middle">{int(session):,}</text>'
    middle = (LEFT + WIDTH - RIGHT) / 2
    yield f'<text x="{middle}" y="{bottom + 38}" text-anchor="middle">sessions</text>'


def _stop(upper: Panel, lower: Panel, stopped: int) -> Iterator[str]:
    x, bottom = upper.x(stopped), lower.top + lower.height
    yield (
        f'<line x1="{x}" x2="{x}" y1="{TOP}" y2="{bottom}" stroke="{_INK}" stroke-dasharray="2 3"/>'
    )
    anchor = "start" if x < WIDTH - RIGHT - 90 else "end"
    yield (
        f'<text x="{x + (4 if anchor == "start" else -4)}" y="{TOP - 6}"'
        f' text-anchor="{anchor}">decided at {stopped:,}</text>'
    )


def _legend(upper: Panel, lower: Panel) -> Iterator[str]:
    left, text = WIDTH - RIGHT + 12, WIDTH - RIGHT + 42
    entries = [
        (upper.top + 10, "mean", f'stroke="{_INK}" stroke-width="2"'),
        (lower.top + 10, "e-value", f'stroke="{_INK}" stroke-width="2"'),
        (lower.top + 30, "enough", f'stroke="{_INK}" stroke-dasharray="6 4"'),
    ]
    for y, name, style in entries:
        yield f'<line x1="{left}" x2="{left + 24}" y1="{y}" y2="{y}" {style}/>'
        yield f'<text x="{text}" y="{y + 4}">{name}</text>'
    y = upper.top + 30
    yield f'<rect x="{left}" y="{y - 6}" width="24" height="12" fill="{_AREA}"/>'
    yield f'<text x="{text}" y="{y + 4}">confidence</text>'
    yield f'<text x="{text}" y="{y + 18}">sequence</text>'
