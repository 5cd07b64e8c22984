/**
 * "Why here": where each stage placed a hit, as bars beside the best of the page, and what the
 * ranking model weighed, as bars to the right (for it) and to the left (against it).
 */

import { el } from "./dom.js";
import { count, score, signed } from "./format.js";

const STAGES = { words: "Words", meaning: "Meaning", boosts: "Understanding", fused: "Together", model: "Ranking model", cross_encoder: "Reading" };
const NOWHERE = { boosts: "no gain", cross_encoder: "too far down to be read" };
const MOST = 10;
const ORDERS = {
  price_asc: "Sorted by price, low to high.", price_desc: "Sorted by price, high to low.",
  rating: "Sorted by rating.", newest: "Sorted by date, newest first.",
};
const ORDER = Object.keys(STAGES);
const SOURCES = { words: "its words", meaning: "its meaning" };

/** The highest score of each stage over the hits of a page: what a full bar stands for. */
function bestScores(hits) {
  const best = {};
  for (const hit of hits)
    for (const { stage, score: value } of hit.why ?? [])
      if (value !== null && !(best[stage] >= value)) best[stage] = value;
  return best;
}

function bar({ stage, rank, score: value }, best) {
  const fill = el("span", { className: "bar-fill" });
  const share = value === null || !(best > 0) ? 0 : Math.min(1, Math.max(0.02, value / best));
  fill.style.width = `${share * 100}%`;
  return el(
    "div", { className: `why-row ${stage}${rank === null ? " absent" : ""}` },
    el("dt", {}, STAGES[stage] ?? stage),
    el(
      "dd", {},
      el("span", { className: "bar", "aria-hidden": "true" }, fill),
      el("span", { className: "why-figures" }, rank === null ? NOWHERE[stage] ?? "not found this way" : `No. ${count(rank)} · ${score(value)}`),
    ),
  );
}

/** One feature: which way it pulls is told by side, sign and pattern, not by color alone. */
function reason({ feature, value, contribution }, most) {
  const fill = el("span", { className: "signed-fill" });
  fill.style.width = `${Math.max(1, (Math.abs(contribution) / most) * 50)}%`;
  const known = value === null ? "unknown" : score(value);
  return el(
    "div", { className: `reason ${contribution < 0 ? "against" : "for"}` },
    el("dt", {}, feature.replaceAll("_", " "), el("span", { className: "quiet" }, ` ${known}`)),
    el("dd", {}, el("span", { className: "signed-bar", "aria-hidden": "true" }, fill), el("span", { className: "why-figures" }, signed(contribution))),
  );
}

/**
 * The features that count most, the greatest first; nothing where a model did not look. What is the
 * same for all products of the query is no reason to stand above another: its sum is one line.
 */
function weighed(reasons) {
  const counted = (reasons?.features ?? []).filter(({ contribution, shared }) => contribution && !shared);
  if (!counted.length) return [];
  const shown = counted.slice(0, MOST);
  const most = Math.abs(shown[0].contribution);
  const others = counted.length - shown.length;
  return [
    el("p", { className: "reasons-title" }, `What the model weighed: ${score(reasons.score)} in all`),
    el("dl", { className: "reasons" }, shown.map((each) => reason(each, most))),
    el("p", { className: "quiet" }, `Bars to the right count for it, striped ones to the left against it.${others > 0 ? ` ${count(others)} more count less.` : ""}`),
    ...(reasons.query ? [el("p", { className: "quiet" }, `The query itself, whatever the product: ${signed(reasons.query)}.`)] : []),
  ];
}

function sentence(why, sort) {
  if (ORDERS[sort]) return ORDERS[sort];
  const found = why.filter(({ stage, rank }) => SOURCES[stage] && rank !== null).map(({ stage }) => SOURCES[stage]);
  return found.length ? `Found by ${found.join(" and ")}.` : "";
}

const MOVES = {
  stock: "Moved down because it is sold out", pin: "Placed here by the shop", boost: "Moved up by the shop", bury: "Moved down by the shop", sponsored: "A paid place",
};

/** What the shop's rules did, a line each. */
function moved(moves) {
  return moves.map(({ rule, kind }) => el("p", { className: "moved" }, kind === "stock" ? MOVES.stock : `${MOVES[kind] ?? kind} (${rule})`));
}

/** What is told about one hit of a page. */
function told({ hit, hits }, sort) {
  const why = hit.why ?? [], best = bestScores(hits);
  const stages = why.toSorted((a, b) => ORDER.indexOf(a.stage) - ORDER.indexOf(b.stage));
  const rows = sort === "relevance" ? stages.map((row) => bar(row, best[row.stage])) : [];
  return [
    el("p", {}, sentence(why, sort) || "It is no longer among the results; search again."),
    ...moved(hit.moves ?? []),
    ...(rows.length ? [el("dl", {}, rows), el("p", { className: "quiet" }, "A full bar is the best score on this page.")] : []),
    ...(sort === "relevance" ? weighed(hit.reasons) : []),
  ];
}

/** A small disclosure, filled when it is first opened. */
export function whyHere(hit, sort) {
  const panel = el("div", { className: "why-panel", "aria-live": "polite" });
  const details = el("details", { className: "why", name: "why" }, el("summary", {}, "Why here", el("span", { className: "hidden" }, `: ${hit.title}`)), panel);
  const tell = async () => {
    if (!details.open || panel.childElementCount) return;
    panel.replaceChildren(el("p", { className: "quiet" }, "Asking…"));
    try {
      panel.replaceChildren(...told(await hit.explained(), sort));
    } catch (problem) {
      panel.replaceChildren(el("p", {}, problem.message));
      details.addEventListener("toggle", () => panel.replaceChildren(), { once: true });
    }
  };
  details.addEventListener("toggle", tell);
  return details;
}

/** Closes an open disclosure on Escape (giving the focus back) and on a click elsewhere. */
export function closeWhyOnLeave() {
  const open = () => document.querySelector("details.why[open]");
  document.addEventListener("keydown", (event) => {
    const why = open();
    if (event.key !== "Escape" || !why) return;
    event.preventDefault();
    why.open = false;
    why.querySelector("summary").focus();
  });
  document.addEventListener("click", (event) => {
    const why = open();
    if (why && !why.contains(event.target)) why.open = false;
  });
}
