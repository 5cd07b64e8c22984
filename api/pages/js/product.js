/** The product dialog: description, attributes, other versions and similar products. */

import * as api from "./api.js";
import { cartButtons } from "./cart.js";
import { CROSS, byId, el, icon, pageLink } from "./dom.js";
import { crumbs } from "./categories.js";
import { beginView, endView } from "./dwell.js";
import { filterName, valueName } from "./format.js";
import { picture, priceTag, ratingLine, stockLine } from "./parts.js";
import { START, SEPARATOR, address, withFilter } from "./state.js";

let loading = null;

/** Opens the dialog for `id`; `known` (the hit) is shown at once while the rest loads. */
export async function openProduct(id, known, context) {
  loading?.abort();
  loading = new AbortController();
  const { signal } = loading;
  const dialog = byId("product");
  draw(known ?? null, id, context);
  if (!dialog.open) dialog.showModal();
  beginView(id);
  dialog.scrollTop = 0;
  try {
    const product = await api.product(id, signal);
    draw(product, id, context);
    const others = product.group ? api.versions(product, signal) : [];
    const near = api.similar(id, signal).then(({ hits }) => hits);
    await addShelf("Other versions", others, signal, context);
    await addShelf("Similar products", near, signal, context);
  } catch (problem) {
    if (problem.name !== "AbortError") drawFailure(problem, () => openProduct(id, known, context));
  }
}

/** Shelves are extras: an index without vectors has none, and that is no error. */
async function addShelf(title, coming, signal, context) {
  const hits = await Promise.resolve(coming).catch(() => []);
  if (!signal.aborted && hits.length) byId("product").querySelector(".detail").append(shelf(title, hits, context));
}

export function closeProduct() {
  loading?.abort();
  endView();
  if (byId("product").open) byId("product").close();
}

function closeButton() {
  return el("button", { type: "button", className: "icon-button close", "aria-label": "Close product", onclick: () => byId("product").close() }, icon(CROSS));
}

function draw(product, id, context) {
  const body = product ? detail(product, context) : el("div", { className: "detail loading", "aria-busy": "true" }, el("h2", { id: "product-title" }, "Loading…"));
  byId("product").replaceChildren(closeButton(), body);
  if (product) document.title = `${product.title} – Aisle`;
}

function drawFailure(problem, retry) {
  byId("product").replaceChildren(closeButton(),
    el("div", { className: "detail" }, el("section", { className: "empty", role: "alert" },
      el("h2", { id: "product-title" }, problem.status === 404 ? "This product is no longer sold" : problem.title),
      el("p", {}, problem.message),
      problem.status === 404 ? null : el("div", { className: "actions" }, el("button", { type: "button", className: "button primary", onclick: retry }, "Try again")))));
}

function detail(product, context) {
  return el("div", { className: "detail" },
    el("div", { className: "detail-top" },
      picture(product, { lazy: false }),
      el("div", { className: "detail-facts" },
        breadcrumb(product, context),
        product.brand ? brandLink(product.brand, context) : null,
        el("h2", { id: "product-title" }, product.title),
        ratingLine(product, { exact: true }), priceTag(product), stockLine(product),
        cartButtons(product),
        product.description ? el("p", { className: "description" }, product.description) : null)),
    attributes(product));
}

function brandLink(brand, { go }) {
  const target = withFilter(START, "brand", { values: [brand] });
  return pageLink(address(target), () => go(target), { className: "brand" }, brand);
}

function breadcrumb(product, { go }) {
  if (!product.category?.length) return null;
  const steps = crumbs(product.category.join(SEPARATOR)).map(({ name, path }) => {
    const target = withFilter(START, "category", { values: [path] });
    return el("li", {}, pageLink(address(target), () => go(target), {}, name));
  });
  return el("nav", { "aria-label": "Department" }, el("ol", { className: "path" }, steps));
}

function attributes(product) {
  const shown = (value) => (Array.isArray(value) ? value.join(", ") : valueName("", String(value)));
  const rows = Object.entries(product.attributes ?? {}).map(([name, value]) => [filterName(`attributes.${name}`), shown(value)]);
  if (product.color) rows.unshift(["Color", valueName("", product.color)]);
  if (!rows.length) return null;
  return el("section", { className: "attributes" },
    el("h3", {}, "Details"),
    el("table", {}, el("tbody", {}, rows.map(([name, value]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, value))))));
}

function shelf(title, hits, { state, openAnother }) {
  const item = (hit) => el("li", { className: "shelf-item" }, picture(hit),
    pageLink(address({ ...state(), product: hit.id }), () => openAnother(hit), {}, hit.title), priceTag(hit));
  return el("section", { className: "shelf" }, el("h3", {}, title), el("ul", {}, hits.map(item)));
}
