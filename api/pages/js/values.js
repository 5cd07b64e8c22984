/** A facet of values: checkboxes with counts, "show more", and a search inside a long one. */

import { el } from "./dom.js";
import { count, filterName, valueName } from "./format.js";
import { toggled } from "./state.js";

const SHORT = 6;
const SEARCHABLE = 10;

function swatch(value) {
  const color = value.toLowerCase().replaceAll(" ", "");
  if (!CSS.supports("color", color)) return null;
  const dot = el("span", { className: "swatch", "aria-hidden": "true" });
  dot.style.backgroundColor = color;
  return dot;
}

function check(facet, { value, count: products }, { state, go }) {
  const checked = state.filters[facet.name]?.values.includes(value) ?? false;
  return el("li", { data: { text: valueName(facet.name, value).toLowerCase() } },
    el("label", { className: `check${products ? "" : " none"}` },
      el("input", { type: "checkbox", checked, onchange: () => go(toggled(state, facet.name, value)), data: { key: `${facet.name}:${value}` } }),
      facet.name === "color" ? swatch(value) : null,
      el("span", {}, valueName(facet.name, value)),
      el("span", { className: "quiet" }, count(products))));
}

/** As the response orders them, so that nothing moves under the pointer; numbers ascending. A chosen
 * value that nothing has any more stays removable. */
function ordered(facet, state) {
  const chosen = state.filters[facet.name]?.values ?? [];
  const known = new Set(facet.values.map(({ value }) => value));
  const gone = chosen.filter((value) => !known.has(value)).map((value) => ({ value, count: 0 }));
  if (typeof facet.low === "number") return [...gone, ...facet.values].sort((a, b) => a.value - b.value);
  return [...gone, ...facet.values];
}

/** The body of a facet of values. `remembered` keeps what was typed and expanded. */
export function valuesBody(facet, context, remembered) {
  const values = ordered(facet, context.state);
  const list = el("ul", { className: "checks" }, values.map((value) => check(facet, value, context)));
  const show = () => {
    const typed = (remembered.typed.get(facet.name) ?? "").trim().toLowerCase();
    const all = remembered.expanded.has(facet.name) || typed;
    let seen = 0;
    for (const item of list.children) {
      item.hidden = !item.dataset.text.includes(typed) || (!all && seen >= SHORT && !item.querySelector("input").checked);
      if (!item.hidden) seen += 1;
    }
    none.hidden = seen > 0;
    if (more) more.hidden = Boolean(typed);
  };
  const none = el("p", { className: "quiet", hidden: true }, "Nothing by that name.");
  const more = values.length > SHORT ? moreButton(facet, values.length, remembered, () => show()) : null;
  const find = values.length > SEARCHABLE ? finder(facet, remembered, () => show()) : null;
  show();
  return el("div", {}, find, list, none, more);
}

function moreButton(facet, length, remembered, show) {
  const { name } = facet;
  const label = () => (remembered.expanded.has(name) ? "Show fewer" : `Show all ${count(length)}`);
  const button = el("button", { type: "button", className: "link", data: { key: `more:${name}` } }, label());
  button.setAttribute("aria-expanded", String(remembered.expanded.has(name)));
  button.addEventListener("click", () => {
    if (!remembered.expanded.delete(name)) remembered.expanded.add(name);
    button.textContent = label();
    button.setAttribute("aria-expanded", String(remembered.expanded.has(name)));
    show();
  });
  return button;
}

function finder(facet, remembered, show) {
  const oninput = (event) => {
    remembered.typed.set(facet.name, event.target.value);
    show();
  };
  const label = `Find in ${filterName(facet.name).toLowerCase()}`;
  return el("input", { type: "search", className: "finder", placeholder: label, "aria-label": label, value: remembered.typed.get(facet.name) ?? "", oninput, data: { key: `find:${facet.name}` } });
}
