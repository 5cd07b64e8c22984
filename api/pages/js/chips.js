/** Active filters and what was recognized in the query as removable chips, and "clear all". */

import { CROSS, byId, el, fill, icon } from "./dom.js";
import { filterName, rangeName, valueName } from "./format.js";
import { withFilter } from "./state.js";
import { understoodChips } from "./understanding.js";

function chip(label, remove, key) {
  return el("button", { type: "button", className: "chip", onclick: remove, "aria-label": `Remove filter ${label}`, data: { key } }, el("span", {}, label), icon(CROSS));
}

function chipsOf([name, filter], state, go, currency) {
  const values = filter.values.map((value) => {
    const plain = ["brand", "category", "color", "in_stock"].includes(name);
    const label = plain ? valueName(name, value) : `${filterName(name)}: ${valueName(name, value)}`;
    const rest = filter.values.filter((one) => one !== value);
    return chip(label, () => go(withFilter(state, name, { values: rest })), `chip:${name}:${value}`);
  });
  if (filter.low === null && filter.high === null) return values;
  const label = `${filterName(name)}: ${rangeName(name, filter, currency)}`;
  return [...values, chip(label, () => go(withFilter(state, name, {})), `chip:${name}`)];
}

export function drawChips(response, state, go, currency) {
  const chips = Object.entries(state.filters).flatMap((entry) => chipsOf(entry, state, go, currency));
  const clear = () => go({ ...state, filters: {}, product: null });
  const all = chips.length > 1 ? el("button", { type: "button", className: "link", onclick: clear }, "Clear all") : null;
  fill(byId("chips"), chips, all, understoodChips(response, state, go, currency));
}
