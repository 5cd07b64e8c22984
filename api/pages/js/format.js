/** Numbers, prices, names and marked words, for people. */

const LANGUAGE = document.documentElement.lang || "en";
const COUNT = new Intl.NumberFormat(LANGUAGE);
const COMPACT = new Intl.NumberFormat(LANGUAGE, { notation: "compact", maximumFractionDigits: 1 });
const ENTITIES = { "&lt;": "<", "&gt;": ">", "&amp;": "&", "&quot;": '"', "&#x27;": "'", "&#39;": "'" };
const NAMES = { in_stock: "Availability", color: "Color", category: "Department", rating: "Rating", price: "Price" };

export const count = (number) => COUNT.format(number);
export const compact = (number) => COMPACT.format(number);
export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

/** A price in its currency; the plain number when the currency is unknown. */
export function price(amount, currency, digits = 2) {
  try {
    const style = { style: "currency", currency, minimumFractionDigits: digits, maximumFractionDigits: 2 };
    return new Intl.NumberFormat(LANGUAGE, style).format(amount);
  } catch {
    return `${COUNT.format(amount)}${currency ? ` ${currency}` : ""}`;
  }
}

/** A score with as many digits as tell two hits apart. */
export const score = (value) => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3));

/** What a shopper calls a filter: "attributes.screen_size" becomes "Screen size". */
export function filterName(name) {
  const words = name.replace(/^attributes\./, "").replace(/_/g, " ");
  return NAMES[name] ?? words.charAt(0).toUpperCase() + words.slice(1);
}

/** What a shopper calls a filter's value. */
export function valueName(name, value) {
  if (name === "in_stock") return value === "true" ? "In stock" : "Out of stock";
  if (name === "category") return value.split(" > ").at(-1);
  return { true: "Yes", false: "No" }[value] ?? value;
}

/** A chosen range: "$10 – $50", "4 and up". */
export function rangeName(name, { low, high }, currency) {
  const one = (value) => (name === "price" ? price(value, currency, 0) : count(value));
  if (low !== null && high !== null) return `${one(low)} – ${one(high)}`;
  return low !== null ? `${one(low)} and up` : `up to ${one(high)}`;
}

/**
 * Highlighted text from the API (escaped HTML with <mark>) as nodes. Only <mark> becomes an
 * element; whatever else the text holds stays text.
 */
export function marked(html) {
  return html.split(/(<mark>.*?<\/mark>)/s).filter(Boolean).map((part) => {
    const inside = /^<mark>(.*)<\/mark>$/s.exec(part);
    if (!inside) return document.createTextNode(decoded(part));
    const mark = document.createElement("mark");
    mark.textContent = decoded(inside[1]);
    return mark;
  });
}

const decoded = (text) => text.replace(/&(?:lt|gt|amp|quot|#x27|#39);/g, (entity) => ENTITIES[entity]);
