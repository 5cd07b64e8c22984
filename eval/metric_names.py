"""The names of metrics: ours, those of ir_measures (`nDCG(dcg='exp-log2')@10`, `P(rel=2)@5`, `RR`)
and those of trec_eval (`ndcg_cut_10`, `recip_rank`)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from eval.metrics import BY_RELEVANCE, MEASURES, NEEDS_CUTOFF, WITHOUT_CUTOFF, Metric
from search.errors import BadInput

ALIASES: Mapping[str, str] = {"rr": "mrr", "ap": "map", "r": "recall", "p": "precision"}
_TREC: Mapping[str, str] = {
    "ndcg_cut": "ndcg",
    "map_cut": "map",
    "p": "precision",
    "recall": "recall",
    "success": "success",
}
_NAME = re.compile(r"(condensed_)?([a-z_]+?)(?:\(([^()]*)\))?(?:@(\d{1,9}))?", re.IGNORECASE)
_OUTSIDE = re.compile(r",(?![^()]*\))")


def split_names(text: str) -> list[str]:
    """The names in a list with commas, which may stand within parentheses, too."""
    return [name.strip() for name in _OUTSIDE.split(text) if name.strip()]


def parse_metric(name: str) -> Metric:
    """The metric of a name such as `ndcg@10`, `P(rel=2)@5` or `ndcg_cut_10`.

    Raises:
        BadInput: there is no such metric, or its cutoff or a parameter cannot be used.
    """
    match = _NAME.fullmatch(_from_trec(name.strip()))
    measure = ALIASES.get(match[2].lower(), match[2].lower()) if match else ""
    if match is None or measure not in MEASURES:
        known = ", ".join(m if m in WITHOUT_CUTOFF else f"{m}@k" for m in MEASURES)
        raise BadInput(
            f"unknown metric {name!r}; known are {known}, each also with condensed_ before it",
            field="metrics",
        )
    measure, condensed, rel = _with(name, measure, match[3])
    k = None if match[4] is None else int(match[4])
    if k == 0 or (k is None and measure in NEEDS_CUTOFF):
        raise BadInput(f"{name!r} needs a cutoff of 1 or more: {measure}@10", field="metrics")
    if k is not None and measure in WITHOUT_CUTOFF:
        raise BadInput(f"{measure} has no cutoff; write {measure}", field="metrics")
    condensed = condensed or bool(match[1])
    if condensed and measure == "judged":
        raise BadInput("condensed rankings hold judged documents only; use judged@k")
    return Metric(measure, k, condensed, rel)


def _from_trec(name: str) -> str:
    """trec_eval's name as ours; any other as it is."""
    if name.lower() == "recip_rank":
        return "mrr"
    match = re.fullmatch(r"([a-z_]+?)[_.](\d{1,9})", name, re.IGNORECASE)
    ours = _TREC.get(match[1].lower()) if match else None
    return f"{ours}@{match[2]}" if match and ours else name


def _with(name: str, measure: str, given: str | None) -> tuple[str, bool, float | None]:
    """The measure, whether of condensed rankings, and the least gain that counts as relevant, as
    the parameters in parentheses say."""
    condensed, rel = False, None
    for part in (given or "").split(",") if given else ():
        key, _, value = (each.strip(" '\"") for each in part.partition("="))
        if key == "dcg" and measure == "ndcg" and value in ("log2", "exp-log2"):
            measure = "ndcg_exp" if value == "exp-log2" else "ndcg"
        elif key == "judged_only" and value in ("True", "False"):
            condensed = value == "True"
        elif key == "rel" and measure in BY_RELEVANCE and _is_gain(value):
            rel = float(value)
        else:
            raise BadInput(
                f"{name!r}: {part.strip()!r} is not understood; known are dcg='log2', "
                "dcg='exp-log2', judged_only=True, and rel=GAIN for measures of relevance",
                field="metrics",
            )
    return measure, condensed, rel


def _is_gain(text: str) -> bool:
    return re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text) is not None and float(text) > 0
