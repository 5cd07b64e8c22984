/** The results: cards, their count, "show more", and the skeleton while the first page loads. */

import { byId, el, fill, pageLink } from "./dom.js";
import { unwatchAll, watch } from "./exposure.js";
import { count, marked, plural } from "./format.js";
import { picture, priceTag, ratingLine, stockLine } from "./parts.js";
import { address, isStart } from "./state.js";
import { whyHere } from "./why.js";

const SKELETONS = 12;

function card(hit, state, open) {
  const target = { ...state, product: hit.id };
  const title = hit.highlights?.title ? marked(hit.highlights.title) : [hit.title];
  return el(
    "li", { className: "card" },
    picture(hit),
    hit.sponsored ? el("p", { className: "sponsored" }, "Sponsored") : null,
    el(
      "div", { className: "card-body" },
      el("p", { className: "brand" }, hit.brand ?? ""),
      el("h2", { className: "title" }, pageLink(address(target), () => open(hit), { data: { key: `hit:${hit.id}` } }, title)),
      ratingLine(hit),
      priceTag(hit),
      el("div", { className: "facts" }, stockLine(hit), hit.variants > 0 ? el("p", {}, plural(hit.variants, "more version")) : null),
    ),
    state.q.trim() ? whyHere(hit, state.sort) : null,
  );
}

function cardsOf(hits, state, open) {
  return hits.map((hit) => {
    const made = card(hit, state, open);
    watch(made, hit);
    return made;
  });
}

/** Draws all hits. */
export function drawHits(hits, state, open) {
  unwatchAll();
  byId("grid").replaceChildren(...cardsOf(hits, state, open));
}

/** Adds a page's hits below, and moves the focus to the first of them. */
export function appendHits(hits, state, open) {
  const cards = cardsOf(hits, state, open);
  byId("grid").append(...cards);
  cards[0]?.querySelector("a").focus({ preventScroll: true });
}

export function drawSkeleton() {
  const line = (width) => el("span", { className: `bone ${width}` });
  const bones = () =>
    el("li", { className: "card skeleton", "aria-hidden": "true" },
      el("div", { className: "picture" }),
      el("div", { className: "card-body" }, line("short"), line("long"), line("long"), line("half")));
  byId("grid").replaceChildren(...Array.from({ length: SKELETONS }, bones));
}

/** The words that were searched: as typed, or as corrected. */
function searched({ understanding }, state) {
  const { outcome, text } = understanding.spelling;
  return outcome === "corrected" && text ? text : state.q.trim();
}

/** "About 1,200 products for “kettle”". */
export function countText(response, state) {
  const words = searched(response, state);
  if (response.relaxation === "meaning_only") return `Closest matches for “${words}”`;
  const products = response.total === 1 ? "product" : "products";
  const total = `${response.total_exact ? "" : "About "}${count(response.total)} ${products}`;
  return words ? `${total} for “${words}”` : total;
}

export function drawCount(response, state) {
  byId("heading").hidden = !response.hits.length;
  byId("sort").options[0].textContent = state.q.trim() ? "Best match" : "Most popular";
  byId("count").textContent = isStart(state) ? "Popular now" : countText(response, state);
  byId("announce").textContent = response.total ? countText(response, state) : `No products found for “${state.q.trim()}”`;
  if (!state.product) document.title = state.q.trim() ? `${state.q.trim()} – Aisle` : "Aisle";
}

/** The button below the grid, or why there is none though not everything was shown. */
export function drawMore({ cursor, shown, total, busy }, more) {
  if (cursor) {
    const label = busy ? "Loading…" : "Show more";
    fill(byId("more"),
      el("p", { className: "quiet" }, `Showing ${count(shown)} of ${count(total)}`),
      el("button", { type: "button", className: "button", onclick: more, "aria-disabled": String(busy), data: { key: "more" } }, label));
  } else if (shown >= 500 && shown < total)
    fill(byId("more"), el("p", { className: "quiet" }, "These are the best matches. Add a filter or a word to see others."));
  else fill(byId("more"));
}
