/** Suggestions under the search box: words, categories and products, while one types. */

import * as api from "./api.js";
import { connectCombobox } from "./combobox.js";
import { byId, el, icon } from "./dom.js";
import { marked, plural } from "./format.js";
import { picture, priceTag } from "./parts.js";
import { SEPARATOR, START } from "./state.js";

const PAUSE_MS = 80;
const RECENT = "aisle.recent";
const REMEMBERED = 5;
const ICONS = {
  query: "M8.5 2.75a5.75 5.75 0 1 0 0 11.5 5.75 5.75 0 0 0 0-11.5ZM13 13l4.5 4.5",
  brand: "M3 10.5V4a1 1 0 0 1 1-1h6.5l7 7-7.5 7.5zM6.75 6.75h.01",
  category: "M3.5 3.5h5v5h-5zm8 0h5v5h-5zm-8 8h5v5h-5zm8 0h5v5h-5z",
  product: "M3 6.5 10 3l7 3.5v7L10 17l-7-3.5zm0 0L10 10l7-3.5M10 10v7",
};

/** The shopper's last searches in this tab, the last one last. */
function recent() {
  try {
    return JSON.parse(sessionStorage.getItem(RECENT) ?? "[]");
  } catch {
    return [];
  }
}

function remember(words) {
  if (!words) return;
  const kept = [...recent().filter((one) => one !== words), words].slice(-REMEMBERED);
  try {
    sessionStorage.setItem(RECENT, JSON.stringify(kept));
  } catch {
    // A browser that keeps nothing still suggests.
  }
}

/** Where a suggestion leads within: "in Kitchen", of a category the one above it. */
function place({ kind, category }) {
  if (!category) return null;
  const path = category.split(SEPARATOR);
  if (kind !== "category") return `in ${path.at(-1)}`;
  return path.length > 1 ? `in ${path.at(-2)}` : "Department";
}

const option = (number, className, ...children) =>
  el("div", { role: "option", id: `suggestion-${number}`, className: `suggestion ${className}`, "aria-selected": "false" }, ...children);

function wordsOption(suggestion, number) {
  const scope = place(suggestion);
  return option(number, `kind-${suggestion.kind}`,
    icon(ICONS[suggestion.kind] ?? ICONS.query),
    el("span", { className: "suggestion-text" }, marked(suggestion.highlight), scope ? el("span", { className: "quiet" }, ` ${scope}`) : null));
}

const productOption = (product, number) =>
  option(number, "with-picture", picture(product), el("span", { className: "suggestion-text" }, product.title), priceTag(product));

/** What a suggestion leads to: its words within its category, or the category itself. */
function chosenState({ text, kind, category }) {
  const filters = category ? { category: { values: [category], low: null, high: null } } : {};
  return { ...START, q: kind === "category" ? "" : text, filters };
}

/** Connects the suggestions with the search box. */
export function connectSuggest({ go, state }) {
  const input = byId("q");
  const list = byId("suggestions");
  let timer = 0;
  let asking = null;
  let shown = { suggestions: [], products: [] };

  const stop = () => {
    clearTimeout(timer);
    asking?.abort();
    asking = null;
  };

  const take = (next) => {
    box.close();
    input.value = next.q;
    remember(next.q.trim() || next.filters.category?.values[0]);
    go(next);
  };

  const choose = (number) => {
    const { suggestions, products } = shown;
    if (number < suggestions.length) take(chosenState(suggestions[number]));
    else take({ ...state(), q: state().q, product: products[number - suggestions.length].id });
  };

  const ask = async () => {
    stop();
    const q = input.value;
    if (!q.trim()) return box.close();
    const mine = (asking = new AbortController());
    const visited = state().filters.category?.values ?? [];
    try {
      const answer = await api.suggest(q, [...recent(), ...visited], mine.signal);
      if (asking === mine && document.activeElement === input) draw(answer);
    } catch {
      // Without suggestions the box still searches; the search itself says what is wrong.
      if (asking === mine) box.close();
    }
    return undefined;
  };

  const draw = (answer) => {
    shown = answer;
    const { suggestions, products } = answer;
    const words = suggestions.map(wordsOption);
    const rows = products.map((product, i) => productOption(product, suggestions.length + i));
    const group = (label, children) =>
      children.length ? el("div", { role: "group", className: "suggest-group", "aria-label": label }, children) : null;
    list.replaceChildren(...[group("Searches", words), group("Products", rows)].filter(Boolean));
    const count = plural(words.length, "suggestion") + (rows.length ? `, ${plural(rows.length, "product")}` : "");
    byId("suggest-status").textContent = words.length + rows.length ? count : "";
    if (words.length + rows.length) box.show();
    else box.close();
  };

  const closed = () => {
    stop();
    byId("suggest-status").textContent = "";
  };
  const box = connectCombobox(input, list, { choose, open: ask, closed });

  input.addEventListener("input", (event) => {
    stop();
    if (!event.isComposing) timer = setTimeout(ask, PAUSE_MS);
  });
  byId("search").addEventListener("submit", () => {
    remember(input.value.trim());
    box.close();
  });
  byId("clear").addEventListener("click", () => box.close());
  addEventListener("popstate", () => box.close());
}
