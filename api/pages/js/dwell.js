/** How long a product was looked at: its dialog open, and the page in front. */

import { log } from "./events.js";
import { originOf } from "./origins.js";

const LEAST_SECONDS = 0.5;

let product = null;
let since = 0;

/** Tells the time so far; times of one product add up. */
function tell() {
  const seconds = (performance.now() - since) / 1000;
  if (product && since && seconds >= LEAST_SECONDS) log("view", product, originOf(product), { dwell_time: Math.round(seconds * 10) / 10 });
  since = 0;
}

export function beginView(id) {
  if (id === product) return;
  tell();
  product = id;
  since = performance.now();
}

export function endView() {
  tell();
  product = null;
}

export function connectDwell() {
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") tell();
    else if (product) since = performance.now();
  });
}
