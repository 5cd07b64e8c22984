/** What the page says when there is nothing to show, or something to explain. */

import { byId, el, fill, pageLink } from "./dom.js";
import { plural } from "./format.js";
import { START, address } from "./state.js";
import { droppedNotice, spellingNotice, supportLinks } from "./understanding.js";

const RELAXED = {
  fewer_words: "No product has all of these words. Showing products that have some of them.",
  meaning_only: "No product has these words. Showing products that are close in meaning.",
};
const FALLBACKS = [
  [/no encoder|too long/, "Searching by words alone for now: matching by meaning is not available."],
];

const banner = (text, kind = "") => el("p", { className: `notice ${kind}` }, text);

function fallbackText(fallback) {
  return FALLBACKS.find(([pattern]) => pattern.test(fallback))?.[1] ?? `Results may be incomplete: ${fallback}.`;
}

/** Spelling, help, relaxed searches, stages that fell back, a reload after the catalogue changed. */
export function drawNotices(response, state, go, { reloaded = false } = {}) {
  const relaxed = response.hits.length ? RELAXED[response.relaxation] : null;
  const dropped = droppedNotice(response);
  const fallbacks = new Set((response.fallbacks ?? []).map(fallbackText));
  fill(byId("notice"),
    spellingNotice(response, state, go),
    supportLinks(response),
    dropped ? banner(dropped) : null,
    relaxed ? banner(relaxed) : null,
    [...fallbacks].map((text) => banner(text, "warn")),
    reloaded ? banner("The catalogue changed while you were looking, so the results were brought up to date.") : null);
}

/** Nothing found: say so, and what to try. */
export function drawEmpty(state, go) {
  const filtered = Object.keys(state.filters).length > 0;
  const words = state.q.trim();
  const without = { ...state, filters: {}, product: null };
  const heading = words ? `No products found for “${words}”` : filtered ? "No products match these filters" : "The catalogue is empty";
  const tips = [
    filtered ? "Remove a filter: the words may match elsewhere." : null,
    words ? "Check the spelling." : null,
    words.includes(" ") ? "Use fewer words, or more general ones." : null,
    words && !words.includes(" ") ? "Try another word for the same thing." : null,
  ].filter(Boolean);
  fill(byId("message"),
    el("section", { className: "empty" },
      el("h2", {}, heading),
      words || filtered ? el("ul", {}, tips.map((tip) => el("li", {}, tip))) : el("p", {}, "Index a catalogue, and its products appear here."),
      el("div", { className: "actions" },
        filtered ? pageLink(address(without), () => go(without), { className: "button primary" }, "Clear all filters") : null,
        words ? pageLink("/", () => go(START), { className: "button" }, "Browse all products") : null)));
}

/** An error in the server's own words, with a way on. */
export function drawError(problem, { retry, clear = null }) {
  const wait = problem.retryAfter ? ` Wait ${plural(problem.retryAfter, "second")} before trying again.` : "";
  fill(byId("message"),
    el("section", { className: "empty", role: "alert" },
      el("h2", {}, problem.title ?? "Something went wrong"),
      el("p", {}, problem.message + wait),
      el("div", { className: "actions" },
        clear ? el("button", { type: "button", className: "button primary", onclick: clear }, "Clear all filters") : null,
        el("button", { type: "button", className: `button ${clear ? "" : "primary"}`, onclick: retry }, "Try again"))));
}
