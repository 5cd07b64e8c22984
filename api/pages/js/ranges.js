/** Numeric facets: a from–to pair, and the rating as "4 and up". */

import { el } from "./dom.js";
import { count, filterName } from "./format.js";
import { stars } from "./parts.js";
import { withFilter } from "./state.js";

const RATINGS = [4, 3, 2];

const read = (input) => (input.value.trim() === "" || !Number.isFinite(input.valueAsNumber) ? null : input.valueAsNumber);

function bound(facet, side, value, hint) {
  const label = `${filterName(facet.name)}, ${side === "low" ? "from" : "to"}`;
  return el("input", {
    type: "number", inputMode: "decimal", step: "any", value: value ?? "", placeholder: hint ?? "",
    "aria-label": label, data: { key: `${facet.name}:${side}` },
  });
}

const symbol = (currency) => {
  try {
    return new Intl.NumberFormat("en", { style: "currency", currency }).formatToParts(0).find(({ type }) => type === "currency").value;
  } catch {
    return "";
  }
};

/** Two numbers, applied on Enter, on leaving a field, or by the button. */
export function rangeBody(facet, { state, go, currency }) {
  const { low, high } = state.filters[facet.name] ?? { low: null, high: null };
  const from = bound(facet, "low", low, facet.low === null ? "" : Math.floor(facet.low));
  const to = bound(facet, "high", high, facet.high === null ? "" : Math.ceil(facet.high));
  const apply = (event) => {
    event.preventDefault();
    let [least, most] = [read(from), read(to)];
    if (least !== null && most !== null && least > most) [least, most] = [most, least];
    if (least !== low || most !== high) go(withFilter(state, facet.name, { low: least, high: most }));
  };
  const unit = facet.name === "price" && currency ? el("span", { className: "quiet", "aria-hidden": "true" }, symbol(currency)) : null;
  return el("form", { className: "range", noValidate: true, onsubmit: apply, onchange: apply },
    unit, from, el("span", { className: "quiet", "aria-hidden": "true" }, "to"), to,
    el("button", { type: "submit", className: "button small", "aria-label": `Apply ${filterName(facet.name).toLowerCase()}` }, "Go"));
}

/** Radio buttons for the least rating; the facet counts "this and up". */
export function ratingBody(facet, { state, go }) {
  const chosen = state.filters.rating?.low ?? null;
  const counted = new Map(facet.values.map(({ value, count: products }) => [Number(value), products]));
  const option = (low) =>
    el("label", { className: "check" },
      el("input", { type: "radio", name: "rating", checked: low === chosen, data: { key: `rating:${low}` }, onchange: () => go(withFilter(state, "rating", { low })) }),
      low === null ? el("span", {}, "Any") : el("span", { className: "rating-option" }, stars(low), el("span", {}, `${low} and up`)),
      counted.has(low) ? el("span", { className: "quiet" }, count(counted.get(low))) : null);
  return el("div", { className: "checks" }, [...RATINGS, null].map(option));
}
