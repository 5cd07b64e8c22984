"""A curve and its misfit as plain values, for JSON and for people."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from training.propensity.held_out import MODELS, HeldOut
from training.propensity.intervals import Curve
from training.propensity.misfit import Misfit


def report_json(curve: Curve, misfit: Misfit) -> dict[str, Any]:
    """`estimator`, `positions`, `misfit` and `components`."""
    found = curve.propensities
    rows = zip(found.positions, found.values, curve.low, curve.high, strict=True)
    return {
        "estimator": found.estimator,
        "positions": [
            {
                "position": int(position),
                "propensity": float(value),
                "low": float(low),
                "high": float(high),
            }
            for position, value, low, high in rows
        ],
        "misfit": misfit_json(misfit),
        "components": [list(component) for component in curve.components],
    }


def misfit_json(misfit: Misfit) -> dict[str, Any]:
    """`warning` and `skipped` (null when there is none), `checks`, and `held_out`, log-likelihoods
    in nats per impression."""
    return {
        "warning": misfit.warning or None,
        "skipped": misfit.skipped or None,
        "checks": [asdict(check) for check in misfit.checks],
        "held_out": misfit.held_out and held_out_json(misfit.held_out, "position"),
    }


def held_out_json(tried: HeldOut, group: str) -> dict[str, Any]:
    """The log-likelihoods over all, and by group."""
    rows = zip(tried.groups, tried.impressions, tried.clicks, tried.likelihoods.T, strict=True)
    return {
        "overall": dict(zip(MODELS, tried.overall().tolist(), strict=True)),
        f"by_{group}": [
            {
                group: int(name),
                "impressions": float(shown),
                "clicks": float(clicks),
                **dict(zip(MODELS, values.tolist(), strict=True)),
            }
            for name, shown, clicks, values in rows
        ],
    }


def bars(curve: Curve, width: int = 30) -> list[str]:
    """The curve as bars for a terminal, one a position: `█` up to the propensity, `─` from it to
    the upper end of the interval."""
    found = curve.propensities
    longest = max(float(found.values.max()), 1e-300)
    scale = width / longest
    lines = []
    for value, high in zip(found.values, curve.high, strict=True):
        full = round(value * scale)
        reach = min(max(round(high * scale) - full, 0), width - min(full, width))
        lines.append("█" * full + "─" * reach)
    return lines
