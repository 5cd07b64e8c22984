/** What was made of the query: another spelling, what was recognized, pages that answer it. */

import { CROSS, el, icon, pageLink } from "./dom.js";
import { count, price, valueName } from "./format.js";
import { address } from "./state.js";

const PLUS = "M10 4.5v11M4.5 10h11";

/** "Showing results for …" with a way back to what was typed, or "Did you mean …?". */
export function spellingNotice({ understanding }, state, go) {
  const { outcome, text } = understanding.spelling;
  if (outcome === "unchanged" || !text) return null;
  const typed = { ...state, verbatim: true, product: null };
  const meant = { ...state, q: text, verbatim: false, ignored: [], product: null };
  const link = (to, words) => pageLink(address(to), () => go(to), { data: { key: `spelling:${words}` } }, words);
  if (outcome === "suggested") return el("p", { className: "spelling" }, "Did you mean ", link(meant, text), "?");
  return el("p", { className: "spelling" },
    "Showing results for ", el("strong", {}, text), ". Search instead for ", link(typed, state.q.trim()), ".");
}

/** What was understood but would have left nothing. */
export function droppedNotice({ understanding, hits }) {
  if (!understanding.dropped.length || !hits.length) return null;
  return `No product matches ${understanding.dropped.join(", ")}. Showing products without that condition.`;
}

/** Pages of the shop that answer a support query. */
export function supportLinks({ understanding }) {
  if (!understanding.links.length) return null;
  return el("nav", { className: "support", "aria-label": "Help" },
    el("h2", {}, "Looking for help?"),
    el("ul", {}, understanding.links.map(({ title, url }) => el("li", {}, el("a", { href: safe(url) }, title)))));
}

const safe = (url) => (/^(https?:|mailto:|tel:|\/(?!\/))/i.test(url) ? url : "#");

/** Chips for what was recognized and used; those the shopper took away can be brought back. */
export function understoodChips({ understanding }, state, go, currency) {
  const ignored = new Set(state.ignored);
  const without = (key) => go({ ...state, ignored: [...state.ignored, key], product: null });
  const again = (key) => go({ ...state, ignored: state.ignored.filter((one) => one !== key), product: null });
  return recognized(understanding, currency).map(({ key, label, soft }) =>
    ignored.has(key)
      ? chip(label, `Use ${label} again`, () => again(key), { key, kind: "off", sign: PLUS })
      : chip(label, `Do not use ${label}`, () => without(key), { key, kind: soft ? "soft" : "", sign: CROSS }));
}

function chip(label, describes, onclick, { key, kind, sign }) {
  const properties = { type: "button", className: `chip understood ${kind}`, onclick, "aria-label": describes, title: describes, data: { key: `understood:${key}` } };
  return el("button", properties, el("span", {}, label), icon(sign));
}

/** Everything recognized that is used, or was until the shopper took it away, in reading order. */
function recognized({ corrected, entities, price: bounds, measures, negated, ignored }, currency) {
  const gone = new Set(ignored);
  // A chip that repeats the whole query and filters nothing would tell nobody anything.
  const telling = ({ use, text }) => use === "filter" || (use === "boost" && text !== corrected);
  const used = entities.filter((entity) => telling(entity) || gone.has(entity.key));
  return [
    ...used.map(({ type, value, key, use }) => ({ key, label: `${typeName(type)}: ${valueName(type, value)}`, soft: use !== "filter" })),
    ...(bounds ? [{ key: bounds.key, label: priceName(bounds, currency), soft: bounds.preference !== null }] : []),
    ...measures.map(({ text, key }) => ({ key, label: text, soft: true })),
    ...negated.map(({ text, key }) => ({ key, label: `Without ${text}`, soft: false })),
  ];
}

const TYPES = { product_type: "Type", category: "Department" };

function typeName(type) {
  const words = type.replace(/^attributes\./, "").replaceAll("_", " ");
  return TYPES[type] ?? words.charAt(0).toUpperCase() + words.slice(1);
}

function priceName({ min, max, preference }, currency) {
  const one = (amount) => (currency ? price(amount, currency, Number.isInteger(amount) ? 0 : 2) : count(amount));
  if (preference !== null) return preference === "low" ? "Rather cheap" : "Rather luxurious";
  if (min !== null && max !== null) return `${one(min)} – ${one(max)}`;
  return min !== null ? `From ${one(min)}` : `Up to ${one(max)}`;
}
