/** The search API, as this page uses it. */

import { searchParameters } from "./state.js";
import { APPLICATION, ids } from "./visit.js";

export const PAGE_SIZE = 24;

/** An error the server explained (problem details), or the network's. */
export class Problem extends Error {
  constructor(message, { title = "Something went wrong", status = 0, retryAfter = null } = {}) {
    super(message);
    Object.assign(this, { title, status, retryAfter });
  }
}

async function get(path, signal) {
  let response;
  try {
    response = await fetch(path, { signal, headers: { Accept: "application/json" } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw unreachable();
  }
  if (!response.ok) throw await explained(response);
  return response.json();
}

function unreachable() {
  if (!navigator.onLine)
    return new Problem("Check your connection. The search runs again as soon as you are back online.", { title: "You are offline" });
  return new Problem("The shop’s server did not answer. It may be restarting; try again in a moment.", { title: "The shop cannot be reached" });
}

async function explained(response) {
  const body = await response.json().catch(() => ({}));
  const retryAfter = Number(response.headers.get("Retry-After")) || null;
  const fallback = `The server answered with status ${response.status}. Try again in a moment.`;
  return new Problem(body.detail || fallback, { title: body.title, status: response.status, retryAfter });
}

/**
 * One page of results. `cursor` continues an earlier page. Why a hit is where it is costs more than
 * finding it: `hit.explained()` asks for it, once for the whole page.
 */
export async function search(state, { cursor = null, size = PAGE_SIZE, signal } = {}) {
  const parameters = searchParameters(state);
  parameters.set("size", size);
  parameters.set("group", "true");
  parameters.set("highlight", "true");
  const why = new URLSearchParams(parameters);
  for (const [name, id] of Object.entries({ ...ids, application: APPLICATION })) parameters.set(name, id);
  if (cursor) parameters.set("cursor", cursor);
  else parameters.set("facets", "default");
  const page = await get(`/v1/search?${parameters}`, signal);
  const { query_id } = page;
  // The same search once more, which nobody is shown.
  for (const [name, value] of Object.entries({ explain: true, log: false, query_id })) why.set(name, value);
  if (cursor) why.set("cursor", cursor);
  let asked = null;
  const explain = () => (asked ??= get(`/v1/search?${why}`).catch((problem) => ((asked = null), Promise.reject(problem))));
  for (const hit of page.hits) hit.origin = { query_id, query: state.q.trim(), position: hit.position };
  for (const hit of page.hits) hit.explained = async () => {
    const { hits } = await explain();
    return { hit: hits.find(({ id }) => id === hit.id) ?? hit, hits };
  };
  return page;
}

export const product = (id, signal) => get(`/v1/products/${encodeURIComponent(id)}`, signal);

/**
 * The other products of a variant group. Their words differ (a color, a size) while their meaning
 * hardly does, so they are among the nearest.
 */
export async function versions({ id, title, group }, signal) {
  const parameters = new URLSearchParams({ q: title.slice(0, 500), system: "dense", size: "50", log: "false" });
  const { hits } = await get(`/v1/search?${parameters}`, signal);
  return hits.filter((hit) => hit.group === group && hit.id !== id);
}

export const similar = (id, signal) => get(`/v1/products/${encodeURIComponent(id)}/similar?size=8`, signal);

/** What the words being typed may become, and the first products of the best of that. */
export function suggest(q, recent, signal) {
  const parameters = new URLSearchParams({ q, size: "8", products: "true" });
  for (const text of recent) parameters.append("recent", text);
  return get(`/v1/suggest?${parameters}`, signal);
}
