/**
 * What the shopper does, sent to the shop in batches. An event stays in the outbox until the server
 * has said what became of it; it is sent again with the same id, so that it counts once.
 */

import { APPLICATION, ids, logged, newId } from "./visit.js";

const ADDRESS = "/v1/events";
const OUTBOX = "aisle.outbox";
const PAUSE_MS = 2000;
/** Bodies that outlive their page may have 64 KiB. */
const BATCH = 100;
const MOST = 1000;
const LONGEST_MS = 60_000;

let outbox = logged ? stored() : [];
let sending = false;
let failures = 0;
let timer = 0;
let stopped = !logged;

function stored() {
  try {
    return JSON.parse(sessionStorage.getItem(OUTBOX)) ?? [];
  } catch {
    return [];
  }
}

function store() {
  try {
    sessionStorage.setItem(OUTBOX, JSON.stringify(outbox));
  } catch {
    // then they are lost with the page, if the server is away for that long
  }
}

/**
 * Logs that something was done with a product. `origin` ({query_id, query, position}) is the search
 * that showed it, null where none did; `details` are further attributes.
 */
export function log(action, product, origin, details = {}) {
  if (stopped) return;
  const position = origin ? { position: { ordinal: origin.position } } : {};
  outbox.push({
    event_id: newId(),
    action_name: action,
    timestamp: new Date().toISOString(),
    application: APPLICATION,
    ...ids,
    ...(origin ? { query_id: origin.query_id, user_query: origin.query } : {}),
    event_attributes: { object: { object_id: product }, ...position, ...details },
  });
  outbox = outbox.slice(-MOST);
  store();
  later(PAUSE_MS);
}

function later(pause) {
  if (!timer && !stopped) timer = setTimeout(send, pause);
}

const body = (batch) => JSON.stringify({ events: batch });

async function send() {
  clearTimeout(timer);
  timer = 0;
  if (sending || stopped || !outbox.length) return;
  sending = true;
  const batch = outbox.slice(0, BATCH);
  try {
    const headers = { "Content-Type": "application/json" };
    settle(batch, await fetch(ADDRESS, { method: "POST", keepalive: true, headers, body: body(batch) }));
  } catch {
    failures += 1;
  }
  sending = false;
  if (outbox.length) later(failures ? Math.min(LONGEST_MS, PAUSE_MS * 2 ** failures) : PAUSE_MS);
}

/** What was answered is done with, even when it was refused: it would be refused again. */
function settle(batch, { status }) {
  if (status >= 500 || status === 429) {
    failures += 1;
    return;
  }
  failures = 0;
  stopped = status === 404;
  const done = new Set(batch.map(({ event_id }) => event_id));
  outbox = outbox.filter(({ event_id }) => !done.has(event_id));
  store();
}

/** The page may end now: nobody hears the answer, so what was sent stays in the outbox. */
function leave() {
  if (stopped || document.visibilityState !== "hidden") return;
  for (let start = 0; start < outbox.length; start += BATCH) {
    const batch = new Blob([body(outbox.slice(start, start + BATCH))], { type: "application/json" });
    if (!navigator.sendBeacon(ADDRESS, batch)) break;
  }
}

/** Sends what an earlier page of this tab could not, and whatever comes. */
export function connectEvents() {
  if (!logged) return;
  document.addEventListener("visibilitychange", leave);
  addEventListener("online", send);
  if (outbox.length) later(0);
}
