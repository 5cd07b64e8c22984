"""Metrics and p-values of `aisle eval` held against those of pytrec_eval and scipy."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from api.bench.experiments import ExperimentsPlan
from api.bench.parts import Say
from eval import Judgments, Run, load_judgments, random_run, score, sign_flip
from eval.significance import PERMUTATIONS, paired_t

Array = NDArray[np.float64]
MEASURES: Mapping[str, str] = {
    "ndcg@10": "ndcg_cut.10",
    "ndcg": "ndcg",
    "recall@100": "recall.100",
    "mrr": "recip_rank",
    "map": "map",
    "map@10": "map_cut.10",
    "precision@10": "P.10",
    "success@5": "success.5",
    "rprec": "Rprec",
    "bpref": "bpref",
}
"""Our metrics, and trec_eval's names for them."""
TOLERANCE = 1e-6
_SCALE = 100
"""trec_eval takes whole gains only."""
_PUBLIC = ("esci", "icecat", "crowdflower")
_QUERIES, _PRODUCTS = 500, 40
_FEW, _MANY, _COLUMNS = 12, 60, 40


def run(plan: ExperimentsPlan, say: Say) -> dict[str, Any]:
    """See `eval_evidence`; without public data the generated judgments alone are held to it."""
    say("metrics against pytrec_eval, p-values against scipy")
    return eval_evidence(plan.real if plan.real.is_dir() else None)


def tables(result: Mapping[str, Any]) -> str:
    """The figures as Markdown."""
    lines = ["| claim | at most | found | |", "|---|---|---|---|"]
    for name, gate in result["gates"].items():
        kept = "met" if gate["met"] else "NOT met"
        lines.append(f"| {name} | {gate['limit']:g} | {gate['value']:.2g} | {kept} |")
    return "\n".join(lines)


def eval_evidence(data: Path | None = None) -> dict[str, Any]:
    """The largest differences from pytrec_eval over all queries, on generated judgments and on the
    public ones under `data` (AISLE_REAL_DATA unless given), and from scipy's p-values; `gates` hold
    each figure, its limit and whether it is met. Without pytrec_eval, `metrics` says so.
    """
    t, exact, sampled = _p_values()
    metrics = _metrics(data or _named())
    gates = {
        "p of the paired t-test equals scipy's": _gate(t, 1e-9),
        "p of the permutation test equals scipy's, exact": _gate(exact, 1e-9),
        "p of the permutation test in standard errors of its sampling": _gate(sampled, 4.5),
    }
    for name, gaps in metrics.items():
        if isinstance(gaps, dict):
            gates[f"metrics equal pytrec_eval's: {name}"] = _gate(max(gaps.values()), TOLERANCE)
    return {"metrics": metrics, "p_values": {"t": t, "exact": exact}, "gates": gates}


def _gate(value: float, limit: float) -> dict[str, Any]:
    return {"value": value, "limit": limit, "met": value <= limit}


def _named() -> Path | None:
    place = os.environ.get("AISLE_REAL_DATA")
    return Path(place) if place else None


def _metrics(data: Path | None) -> dict[str, dict[str, float] | str]:
    try:
        import pytrec_eval
    except ImportError:
        return {"generated": "pytrec_eval is not installed: pip install pytrec-eval-terrier"}
    sets = {"generated": _generated()}
    for name in _PUBLIC:
        path = data / name / "judgments.csv" if data else None
        if path is not None and path.is_file():
            sets[name] = load_judgments(path)
    return {name: _gaps(pytrec_eval, judged) for name, judged in sets.items()}


def _generated() -> Judgments:
    """Gains of the usual kinds, some queries with a single relevant product."""
    rng = np.random.default_rng(7)
    grades = np.array([0, 0.01, 0.1, 0.5, 1, 2, 3])
    gains = {}
    for query in range(_QUERIES):
        known = rng.choice(_PRODUCTS, rng.integers(1, 20), replace=False).tolist()
        drawn = rng.choice(grades, len(known)).tolist()
        gains[f"q{query}"] = {f"p{p}": float(g) for p, g in zip(known, drawn, strict=True)}
    return Judgments(gains)


def _gaps(pytrec_eval: Any, judged: Judgments) -> dict[str, float]:
    """The largest difference of each metric over all queries that can be scored."""
    queries = judged.relevant_queries()
    run = _run(judged)
    ours = score(judged, run, "random", tuple(MEASURES)).values
    whole = {
        query: {product: round(gain * _SCALE) for product, gain in judged.gains[query].items()}
        for query in queries
    }
    ranked = {query: {p: float(-i) for i, p in enumerate(run[query])} for query in queries}
    found = pytrec_eval.RelevanceEvaluator(whole, set(MEASURES.values())).evaluate(ranked)
    gaps = {}
    for metric, name in MEASURES.items():
        theirs = [found[query][name.replace(".", "_")] for query in queries]
        gaps[metric] = float(np.max(np.abs(ours[metric] - np.array(theirs))))
    return gaps


def _run(judged: Judgments) -> Run:
    """Judged products in a random order, an unjudged one after each, a fifth of them left out."""
    drawn = random_run(judged.gains, seed=1)
    return {
        query: [each for i, p in enumerate(ranked) if i % 5 != 4 for each in (p, f"?{i}")]
        for query, ranked in drawn.items()
    }


def _p_values() -> tuple[float, float, float]:
    """How far p is from scipy's: t-test, permutation test of few queries, and of many in standard
    errors of what 9,999 drawn assignments leave uncertain."""
    from scipy.stats import permutation_test, ttest_1samp

    def scipys(values: Array, resamples: int) -> Array:
        found = permutation_test(
            (values,),
            lambda x, axis: x.mean(axis=axis),
            permutation_type="samples",
            vectorized=True,
            n_resamples=resamples,
            rng=np.random.default_rng(5),
        )
        return np.asarray(found.pvalue, np.float64)

    rng = np.random.default_rng(3)
    few, many = (rng.normal(0.02, 0.06, (n, _COLUMNS)) for n in (_FEW, _MANY))
    t = float(np.max(np.abs(paired_t(many) - ttest_1samp(many, 0).pvalue)))
    exact = float(np.max(np.abs(sign_flip(few, seed=0) - scipys(few, 2**_FEW))))
    theirs = scipys(many, PERMUTATIONS)
    # Both are drawn, so both are uncertain.
    error = np.sqrt(2 * np.maximum(theirs * (1 - theirs), 1 / PERMUTATIONS) / PERMUTATIONS)
    sampled = float(np.max(np.abs(sign_flip(many, seed=0) - theirs) / error))
    return t, exact, sampled
