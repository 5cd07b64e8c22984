/**
 * "Why here": where each stage placed a hit, as bars between the lowest and the best score of the
 * page (scores of models are below 0 as often as above, and mean nothing by themselves), and what
 * the ranking model weighed, as bars to the right (for it) and to the left (against it).
 */

import { el } from "./dom.js";
import { count, score, signed } from "./format.js";

const STAGES = { words: "Words", meaning: "Meaning", boosts: "Understanding", fused: "Together", model: "Ranking model", cross_encoder: "Reading" };
const NOWHERE = { boosts: "no gain", cross_encoder: "too far down to be read" };
const MOST = 10;
const LEAST = 0.02;
const ORDERS = {
  price_asc: "Sorted by price, low to high.", price_desc: "Sorted by price, high to low.",
  rating: "Sorted by rating.", newest: "Sorted by date, newest first.",
};
const ORDER = Object.keys(STAGES);
const SOURCES = { words: "its words", meaning: "its meaning" };

/** The lowest and the highest score of each stage over the hits of a page: an empty bar, a full one. */
function scoreRanges(hits) {
  const ranges = { boosts: { low: 0, high: 0 } };
  for (const hit of hits)
    for (const { stage, score: value } of hit.why ?? []) {
      if (value === null) continue;
      const { low, high } = (ranges[stage] ??= { low: value, high: value });
      ranges[stage] = { low: Math.min(low, value), high: Math.max(high, value) };
    }
  return ranges;
}

/** How long a bar is, 0 to 1; even the lowest score shows that there is one. */
function share(value, { low, high }) {
  return high > low ? Math.max(LEAST, (value - low) / (high - low)) : 1;
}

/** Where a stage has a hit; of reading, also from where to where it moved it. */
function bar({ stage, rank, score: value }, range, reading) {
  const told = stage === "cross_encoder" && reading ? readingMoved(reading) : "";
  const fill = el("span", { className: "bar-fill" });
  fill.style.width = `${value === null ? 0 : share(value, range) * 100}%`;
  return el(
    "div", { className: `why-row ${stage}${rank === null ? " absent" : ""}` },
    el("dt", {}, STAGES[stage] ?? stage),
    el(
      "dd", {},
      el("span", { className: "bar", "aria-hidden": "true" }, fill),
      el("span", { className: "why-figures" }, rank === null ? NOWHERE[stage] ?? "not found this way" : `No. ${count(rank)} · ${score(value)}${told}`),
    ),
  );
}

function readingMoved({ weight, added, before, after }) {
  const counts = ` (adds ${signed(added)} at a weight of ${score(weight)})`;
  if (before === null || after === null) return counts;
  return `${counts}, ${before === after ? "left where it was" : `moved from No. ${count(before)} to No. ${count(after)}`}`;
}

/** One feature: which way it pulls is told by side, sign and pattern, not by color alone. */
function reason({ feature, label, text, contribution }, most) {
  const fill = el("span", { className: "signed-fill" });
  fill.style.width = `${Math.max(1, (Math.abs(contribution) / most) * 50)}%`;
  return el(
    "div", { className: `reason ${contribution < 0 ? "against" : "for"}` },
    el("dt", { title: feature }, label, el("span", { className: "quiet" }, ` ${text}`)),
    el("dd", {}, el("span", { className: "signed-bar", "aria-hidden": "true" }, fill), el("span", { className: "why-figures" }, signed(contribution))),
  );
}

/**
 * The features that count most, the greatest first; nothing where a model did not look. What is the
 * same for all products of the query is no reason to stand above another: its sum is one line.
 */
function weighed(reasons) {
  const counted = (reasons?.features ?? []).filter(({ contribution, shared }) => !shared && signed(contribution ?? 0) !== "0");
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
  stock: () => "Moved down because it is sold out.",
  chance: () => "Put here by chance, so that clicks tell more.",
  boost: ({ rule }) => `Moved up by the shop (${rule}).`,
  bury: ({ rule }) => `Moved down by the shop (${rule}).`,
  pin: ({ rule, before }) => `Placed here by the shop (${rule}), not by its score. ${otherwise(before)}`,
  sponsored: ({ rule, before }) => `A paid place (${rule}), not by its score. ${otherwise(before)}`,
};

function otherwise(before) {
  return before === null ? "Without that it is not among the results." : `Without pins and paid places it is No. ${count(before)}.`;
}

/** What stock, variety and the shop's rules did, a line each. */
function moved({ moves, before, behind, position }) {
  const lines = (moves ?? []).map((move) => MOVES[move.kind]?.(move) ?? `${move.kind} (${move.rule})`);
  const placed = (moves ?? []).some(({ kind }) => kind === "pin" || kind === "sponsored");
  if (behind && !placed) lines.push(`Before it ${behind === 1 ? "stands 1 product" : `stand ${count(behind)} products`} that the shop put there.`);
  if (before && before !== position) lines.unshift(`Before stock, age, variety and the shop’s rules it is No. ${count(before)}.`);
  return lines.map((line) => el("p", { className: "moved" }, line));
}

/** What is told about one hit of a page. */
function told({ hit, hits }, sort) {
  const why = hit.why ?? [], ranges = scoreRanges(hits);
  const versions = hits.some(({ variants }) => variants > 0) ? " These places count every version of a product." : "";
  const found = why.length ? sentence(why, sort) : "It is no longer among the results; search again.";
  const stages = why.toSorted((a, b) => ORDER.indexOf(a.stage) - ORDER.indexOf(b.stage));
  const rows = sort === "relevance" ? stages.map((row) => bar(row, ranges[row.stage], hit.reading)) : [];
  return [
    ...(found ? [el("p", {}, found)] : []),
    ...moved(hit),
    ...(rows.length ? [el("dl", {}, rows), el("p", { className: "quiet" }, `A full bar is the best score on this page, an empty one the lowest.${versions}`)] : []),
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
