/**
 * Who visits, as far as the shop may know: a random number for this browser and one for this tab.
 * A browser that asks not to be tracked (Global Privacy Control, Do Not Track) has no number of its
 * own, and one that it had is removed.
 */

import { byId } from "./dom.js";

const CLIENT = "aisle.client";
const SESSION = "aisle.session";
export const APPLICATION = "storefront";

/** Whether this shop logs searches and events. */
export const logged = document.body.dataset.events === "on";
const untracked = navigator.globalPrivacyControl === true || navigator.doNotTrack === "1";

/** A UUID; `crypto.randomUUID` is there on secure pages only. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** Browsers may refuse to store anything; then an id lasts as long as the page. */
function kept(storage, name) {
  try {
    const id = window[storage].getItem(name) ?? newId();
    window[storage].setItem(name, id);
    return id;
  } catch {
    return newId();
  }
}

function forget() {
  try {
    localStorage.removeItem(CLIENT);
  } catch {
    // nothing is stored, then
  }
}

function visit() {
  if (!logged) return {};
  const session_id = kept("sessionStorage", SESSION);
  if (!untracked) return { client_id: kept("localStorage", CLIENT), session_id };
  forget();
  return { session_id };
}

/** The ids that go with searches and events. */
export const ids = Object.freeze(visit());

/** Says in the page's footer what is logged. */
export function sayWhatIsLogged() {
  if (!logged) return;
  const who = untracked
    ? "Your browser asks not to be tracked, so nothing tells your visits apart."
    : "They are kept under a random number of this browser, not under your name.";
  byId("logged").textContent = `To improve its results, this shop logs searches and which products are seen, opened and bought. ${who}`;
  byId("logged").hidden = false;
}
