/** The storefront: the address says what is asked; this module asks it and draws the answer. */

import * as api from "./api.js";
import { drawBrowse } from "./browse.js";
import { connectCart } from "./cart.js";
import { drawChips } from "./chips.js";
import { byId, fill, keepingFocus } from "./dom.js";
import { connectDrawer } from "./drawer.js";
import { connectDwell, endView } from "./dwell.js";
import { connectEvents } from "./events.js";
import { connectExposure } from "./exposure.js";
import { plural } from "./format.js";
import { drawFacetSkeleton, drawFacets, showSide } from "./facets.js";
import { drawEmpty, drawError, drawNotices } from "./messages.js";
import { closeProduct, openProduct } from "./product.js";
import { appendHits, drawCount, drawHits, drawMore, drawSkeleton } from "./results.js";
import { connectBox, showWords } from "./box.js";
import { connectSuggest } from "./suggest.js";
import { address, isStart, parseState, searchParameters, START } from "./state.js";
import { sayWhatIsLogged } from "./visit.js";
import { closeWhyOnLeave } from "./why.js";

const MOST_AT_ONCE = 96;
const KEPT = 20;

/** Answers already seen, by search parameters: going back shows them at once, as they were. */
const seen = new Map();

let state = parseState(location.search);
let answer = null;
let asking = null;
/** Whether the last word may be half typed. */
let unfinished = false;

const keyOf = (one) => searchParameters(one).toString();

/** Goes to a new state: a new step in the history, or in place of the present one. */
function go(next, { replace = false, marks = {} } = {}) {
  // What was said about other words is not said about these.
  if (next.q.trim() !== state.q.trim()) next = { ...next, verbatim: false, ignored: [] };
  const url = address(next);
  if (url === location.pathname + location.search) return;
  if (!replace) keepPlace();
  unfinished = Boolean(marks.typing);
  history[replace ? "replaceState" : "pushState"](marks, "", url);
  follow(next);
}

/** Writes into the history how much is shown and how far down, for a reload. */
const keepPlace = () => history.replaceState({ ...history.state, shown: answer?.hits.length, scroll: scrollY }, "");

/** Makes the page show `next`. */
function follow(next, { fresh = true } = {}) {
  const same = answer && keyOf(next) === keyOf(state);
  state = next;
  showWords(state.q);
  byId("sort").value = state.sort;
  if (!same) {
    if (fresh) scrollTo({ top: Math.min(scrollY, 0) });
    ask({ cached: !fresh });
  }
  if (state.product) openProduct(state.product, knownHit(state.product), productContext);
  else closeProduct();
}

const knownHit = (id) => answer?.hits.find((hit) => hit.id === id);

const openHit = (hit) => go({ ...state, product: hit.id }, { marks: { inside: true } });
const productContext = {
  state: () => state,
  go,
  openAnother: (hit) => go({ ...state, product: hit.id }, { replace: true, marks: history.state }),
};

/** Asks for the first page. An answer to an earlier question never overwrites a later one's. */
async function ask({ cached = false, size = api.PAGE_SIZE, reloaded = false } = {}) {
  asking?.abort();
  const mine = (asking = new AbortController());
  const asked = state;
  const kept = cached && seen.get(keyOf(asked));
  if (kept) return show(kept);
  busy(true);
  if (!answer) drawWaiting();
  try {
    const typing = unfinished;
    const spelled = typing ? { ...asked, verbatim: true } : asked;
    const response = { ...(await api.search(spelled, { size, signal: mine.signal })), asked: spelled };
    if (asking !== mine) return undefined;
    if (!typing && sentElsewhere(response)) return undefined;
    if (!typing) remember(asked, response);
    return show(response, { reloaded });
  } catch (problem) {
    if (asking === mine && problem.name !== "AbortError") fail(problem);
    return undefined;
  } finally {
    if (asking === mine) busy(false);
  }
}

/** Follows the shop's rule that sends this search to a page. Going back skips the search. */
function sentElsewhere({ redirect }) {
  if (!redirect) return false;
  const target = new URL(redirect, location.href);
  if (!/^https?:$/.test(target.protocol) || target.href === location.href) return false;
  location.replace(target);
  return true;
}

/** The words are all there: asks again, with their spelling looked at. */
function settle() {
  if (!unfinished) return;
  unfinished = false;
  ask();
}

/** The page's outline while there is nothing to show yet, so that nothing jumps afterwards. */
function drawWaiting() {
  fill(byId("message"));
  drawSkeleton();
  if (isStart(state)) return;
  drawFacetSkeleton();
  byId("heading").hidden = false;
  byId("count").textContent = "Searching…";
}

function remember(asked, response) {
  seen.delete(keyOf(asked));
  seen.set(keyOf(asked), response);
  if (seen.size > KEPT) seen.delete(seen.keys().next().value);
}

function busy(on) {
  byId("progress").classList.toggle("on", on);
  byId("grid").setAttribute("aria-busy", String(on));
}

function show(response, { reloaded = false } = {}) {
  answer = response;
  const currency = response.hits.find((hit) => hit.currency)?.currency;
  busy(false);
  drawBrowse(response, state, go);
  drawCount(response, state);
  keepingFocus(() => {
    drawChips(response, state, go, currency);
    drawHits(response.hits, state, openHit);
  });
  drawFacets(response, state, go);
  drawNotices(response, state, go, { reloaded });
  more(response);
  drawModel(response);
  byId("apply-filters").textContent = `Show ${plural(response.total, "product")}`;
  if (response.hits.length) fill(byId("message"));
  else drawEmpty(state, go);
}

/** Says in the page's footer which ranking model chose this order, if one did. */
function drawModel({ model }) {
  byId("ranked").textContent = model ? `Ordered by the ranking model ${model.name}, version ${model.version}.` : "";
  byId("ranked").hidden = !model;
}

function more({ cursor, total, hits }, waiting = false) {
  drawMore({ cursor, total, shown: hits.length, busy: waiting }, showMore);
}

/** Fetches the next page. When the catalogue has changed since, all shown pages are fetched anew. */
async function showMore() {
  const before = answer;
  if (asking && !asking.signal.aborted && byId("grid").getAttribute("aria-busy") === "true") return;
  const mine = (asking = new AbortController());
  busy(true);
  more(before, true);
  try {
    const page = await api.search(before.asked, { cursor: before.cursor, signal: mine.signal });
    if (asking !== mine) return;
    answer = { ...before, hits: [...before.hits, ...page.hits], cursor: page.cursor };
    if (!unfinished) remember(state, answer);
    appendHits(page.hits, state, openHit);
    more(answer);
    keepPlace();
    byId("announce").textContent = `Showing ${answer.hits.length} of ${answer.total} products`;
  } catch (problem) {
    if (asking !== mine || problem.name === "AbortError") return;
    if (problem.status >= 400 && problem.status < 500 && problem.status !== 429)
      await ask({ size: Math.min(MOST_AT_ONCE, before.hits.length + api.PAGE_SIZE), reloaded: true });
    else {
      more(before);
      drawError(problem, { retry: showMore });
    }
  } finally {
    if (asking === mine) busy(false);
  }
}

function fail(problem) {
  answer = null;
  for (const id of ["hero", "notice", "more", "chips"]) fill(byId(id));
  byId("grid").replaceChildren();
  byId("heading").hidden = true;
  showSide(false);
  byId("announce").textContent = "";
  const refused = problem.status >= 400 && problem.status < 500 && Object.keys(state.filters).length > 0;
  drawError(problem, { retry: () => ask(), clear: refused ? () => go({ ...state, filters: {} }) : null });
}

function connect() {
  connectBox({ go, state: () => state, settle });
  connectSuggest({ go, state: () => state });
  connectDrawer();
  connectCart();
  connectExposure(byId("grid"));
  // In this order: what is left to tell is told before it is sent.
  connectDwell();
  connectEvents();
  sayWhatIsLogged();
  closeWhyOnLeave();
  byId("sort").addEventListener("change", (event) => go({ ...state, sort: event.target.value, product: null }));
  byId("home").addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    go(START);
  });
  const dialog = byId("product");
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", leaveProduct);
  addEventListener("popstate", () => {
    unfinished = false;
    follow(parseState(location.search), { fresh: false });
  });
  addEventListener("online", () => !answer && ask());
  addEventListener("scrollend", keepPlace);
}

/** The dialog was closed by the shopper: the address follows. */
function leaveProduct() {
  endView();
  document.title = state.q.trim() ? `${state.q.trim()} – Aisle` : "Aisle";
  if (!state.product) return;
  if (history.state?.inside) history.back();
  else go({ ...state, product: null }, { replace: true });
}

/** Shows what the address asks; after a reload, as many products and as far down as before. */
async function start() {
  connect();
  const { shown = 0, scroll = 0 } = history.state ?? {};
  showWords(state.q);
  byId("sort").value = state.sort;
  if (state.product) openProduct(state.product, null, productContext);
  await ask({ size: Math.min(MOST_AT_ONCE, Math.max(api.PAGE_SIZE, shown)) });
  if (scroll) scrollTo({ top: scroll });
}

start();
