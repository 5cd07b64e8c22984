/**
 * Which products a shopper has really seen: half of the card in view, for a second, with nothing over
 * it (the Media Rating Council's viewable impression). One that is opened has been seen, however soon.
 */

import { log } from "./events.js";
import { arrive } from "./origins.js";

const SHARE = 0.5;
const LASTING_MS = 1000;

/** Cards in view, each with the timer after which it counts as seen. */
const waiting = new Map();
const hits = new WeakMap();
const noted = new Set();

const watcher = new IntersectionObserver(look, { threshold: SHARE });

const covered = () => document.visibilityState !== "visible" || document.querySelector("dialog[open]") !== null;

function look(entries) {
  for (const { target, isIntersecting, intersectionRatio } of entries) {
    clearTimeout(waiting.get(target));
    waiting.delete(target);
    if (isIntersecting && intersectionRatio >= SHARE) wait(target);
  }
}

function wait(card) {
  waiting.set(card, covered() ? 0 : setTimeout(() => note(card), LASTING_MS));
}

/** Something covers the page or has gone: the second begins again. */
function again() {
  for (const [card, timer] of waiting) {
    clearTimeout(timer);
    wait(card);
  }
}

function note(card) {
  waiting.delete(card);
  watcher.unobserve(card);
  const { id, origin } = hits.get(card);
  const key = `${origin.query_id} ${id}`;
  if (noted.has(key)) return;
  noted.add(key);
  log("impression", id, origin);
}

/** A press on a card's link, also one that opens a new tab, is a click on a product that was seen. */
function pressed(event) {
  const card = event.target.closest?.(".title a")?.closest(".card");
  if (!card || !hits.has(card) || event.button > 1) return;
  clearTimeout(waiting.get(card));
  note(card);
  const { id, origin } = hits.get(card);
  arrive(id, origin);
  log("click", id, origin);
}

/** Watches a card of a hit. */
export function watch(card, hit) {
  if (!hit.origin) return;
  hits.set(card, hit);
  watcher.observe(card);
}

/** The cards that were watched are gone. */
export function unwatchAll() {
  watcher.disconnect();
  for (const timer of waiting.values()) clearTimeout(timer);
  waiting.clear();
}

export function connectExposure(grid) {
  grid.addEventListener("click", pressed, { capture: true });
  grid.addEventListener("auxclick", pressed, { capture: true });
  document.addEventListener("visibilitychange", again);
  const dialogs = new MutationObserver(again);
  for (const dialog of document.querySelectorAll("dialog")) dialogs.observe(dialog, { attributeFilter: ["open"] });
}
