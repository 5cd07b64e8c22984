/**
 * What the shopper asks for, as the address says it. The names are the API's own
 * (`q`, `sort`, `filter.brand`), so an address can be read, shared and bookmarked.
 *
 * State: {q, sort, filters: {name: {values, low, high}}, verbatim, ignored, product}
 */

const RANGE = /^(-?\d+(?:\.\d+)?)?\.\.(-?\d+(?:\.\d+)?)?$/;
const RANGES = new Set(["price", "rating"]);

export const SEPARATOR = " > ";
export const START = Object.freeze({ q: "", sort: "relevance", filters: {}, verbatim: false, ignored: [], product: null });

const number = (text) => (text === undefined ? null : Number(text));
const isRange = (name, text) => text !== ".." && RANGE.test(text) && (RANGES.has(name) || name.startsWith("attributes."));

/** Reads a query string. Unknown parameters are left alone. */
export function parseState(search) {
  const parameters = new URLSearchParams(search);
  const filters = {};
  for (const [key, text] of parameters) {
    if (!key.startsWith("filter.") || !text) continue;
    const name = key.slice("filter.".length);
    const filter = (filters[name] ??= { values: [], low: null, high: null });
    if (isRange(name, text)) {
      const [, low, high] = RANGE.exec(text);
      Object.assign(filter, { low: number(low), high: number(high) });
    } else if (!filter.values.includes(text)) filter.values.push(text);
  }
  return {
    q: parameters.get("q") ?? "",
    sort: parameters.get("sort") ?? "relevance",
    filters,
    verbatim: parameters.get("verbatim") === "true",
    ignored: parameters.getAll("ignored"),
    product: parameters.get("product"),
  };
}

/** The parameters of a search, without the open product. */
export function searchParameters({ q, sort, filters, verbatim, ignored }) {
  const parameters = new URLSearchParams();
  if (q.trim()) parameters.set("q", q.trim());
  if (sort !== "relevance") parameters.set("sort", sort);
  for (const [name, { values, low, high }] of Object.entries(filters)) {
    for (const value of values) parameters.append(`filter.${name}`, value);
    if (low !== null || high !== null) parameters.set(`filter.${name}`, `${low ?? ""}..${high ?? ""}`);
  }
  if (q.trim() && verbatim) parameters.set("verbatim", "true");
  for (const key of q.trim() ? ignored : []) parameters.append("ignored", key);
  return parameters;
}

/** The address of a state. */
export function address(state) {
  const parameters = searchParameters(state);
  if (state.product) parameters.set("product", state.product);
  const text = parameters.toString();
  return text ? `/?${text}` : "/";
}

/** The state with one filter replaced; an empty filter is removed. */
export function withFilter(state, name, { values = [], low = null, high = null }) {
  const filters = { ...state.filters };
  if (values.length || low !== null || high !== null) filters[name] = { values, low, high };
  else delete filters[name];
  return { ...state, filters, product: null };
}

/** The state with one value of a filter switched on or off. */
export function toggled(state, name, value) {
  const values = state.filters[name]?.values ?? [];
  const next = values.includes(value) ? values.filter((one) => one !== value) : [...values, value];
  return withFilter(state, name, { values: next });
}

export const isStart = ({ q, filters }) => !q.trim() && !Object.keys(filters).length;
