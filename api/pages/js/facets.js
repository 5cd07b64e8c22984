/** The filters: one collapsible group per facet of the response. */

import { byId, el, fill, keepingFocus } from "./dom.js";
import { categoryBody } from "./categories.js";
import { filterName } from "./format.js";
import { rangeBody, ratingBody } from "./ranges.js";
import { isStart, withFilter } from "./state.js";
import { valuesBody } from "./values.js";

const OPEN_GROUPS = 6;
const FEW_NUMBERS = 8;
const ORDER = ["category", "price", "rating", "in_stock", "brand", "color"];

/** What the shopper opened and typed inside the filters; survives redrawing. */
const remembered = { open: new Map(), expanded: new Set(), typed: new Map() };

const place = ({ name }) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);

function body(facet, context) {
  if (facet.name === "category") return categoryBody(facet, context.state, context.go);
  if (facet.name === "rating") return ratingBody(facet, context);
  if (facet.name === "in_stock") return stockBody(facet, context);
  return isRange(facet, context.state) ? rangeBody(facet, context) : valuesBody(facet, context, remembered);
}

/** A number with few values is chosen by value, others by range; what is chosen already decides. */
function isRange(facet, state) {
  const chosen = state.filters[facet.name];
  if (chosen) return !chosen.values.length;
  return !facet.values.length || (typeof facet.low === "number" && facet.values.length > FEW_NUMBERS);
}

function stockBody(facet, { state, go }) {
  const available = facet.values.find(({ value }) => value === "true");
  const checked = state.filters.in_stock?.values.includes("true") ?? false;
  const change = () => go(withFilter(state, "in_stock", { values: checked ? [] : ["true"] }));
  return el("label", { className: "check" },
    el("input", { type: "checkbox", checked, onchange: change, data: { key: "in_stock" } }),
    el("span", {}, "In stock only"),
    available ? el("span", { className: "quiet" }, available.count.toLocaleString()) : null);
}

function useful(facet, state) {
  if (state.filters[facet.name]) return true;
  if (facet.values.length) return facet.values.length > 1 || facet.name === "category";
  return facet.low !== null && facet.low !== undefined && facet.high > facet.low;
}

function group(facet, index, context) {
  const { name } = facet;
  const open = remembered.open.get(name) ?? (index < OPEN_GROUPS || Boolean(context.state.filters[name]));
  const ontoggle = (event) => remembered.open.set(name, event.target.open);
  return el("details", { className: "group", open, ontoggle },
    el("summary", { data: { key: `group:${name}` } }, filterName(name)),
    el("div", { className: "group-body", role: "group", "aria-label": filterName(name) }, body(facet, context)));
}

/** Draws the filters of a response; none on the first visit, where departments are shown. */
export function drawFacets(response, state, go) {
  const currency = response.hits.find((hit) => hit.currency)?.currency ?? null;
  const context = { state, go, currency };
  const facets = response.facets.filter((facet) => useful(facet, state)).sort((a, b) => place(a) - place(b));
  const chosen = Object.values(state.filters).reduce((sum, { values }) => sum + Math.max(1, values.length), 0);
  const shown = facets.length > 0 && (!isStart(state) || byId("drawer").open);
  showSide(shown);
  byId("open-filters").hidden = !facets.length;
  byId("filter-count").textContent = chosen;
  byId("filter-count").hidden = !chosen;
  keepingFocus(() => fill(panel, facets.map((facet, i) => group(facet, i, context))));
}

/** Makes room for the filters, or gives it to the results. */
export function showSide(shown) {
  byId("side").hidden = !shown;
  byId("frame").classList.toggle("with-side", shown);
}

/** Keeps the place of the filters while the first answer is on its way. */
export function drawFacetSkeleton() {
  const bone = (i) => el("span", { className: `bone ${["short", "long", "half", "long"][i % 4]}` });
  fill(panel, el("div", { className: "bones skeleton", "aria-hidden": "true" }, Array.from({ length: 12 }, (_, i) => bone(i))));
  showSide(true);
}

/** The filters live in one panel that sits beside the results or, on a phone, in the drawer. */
export const panel = el("div", { className: "facets", id: "facets" });
