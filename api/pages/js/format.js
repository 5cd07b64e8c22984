/** Numbers, prices, names and marked words, for people. */

const LANGUAGE = document.documentElement.lang || "en";
const COUNT = new Intl.NumberFormat(LANGUAGE);
const COMPACT = new Intl.NumberFormat(LANGUAGE, { notation: "compact", maximumFractionDigits: 1 });
const ENTITIES = { "&lt;": "<", "&gt;": ">", "&amp;": "&", "&quot;": '"', "&#x27;": "'", "&#39;": "'" };
const NAMES = { in_stock: "Availability", color: "Color", category: "Department", rating: "Rating", price: "Price" };
const ACRONYMS = new Set(["usb", "uv", "led", "hd", "hdmi", "spf", "cd", "tv", "id"]);
const UNITS = {
  cm: "cm", mm: "mm", m: "m", km: "km", in: "in", inch: "in", inches: "in", g: "g", kg: "kg", oz: "oz", lb: "lb",
  ml: "ml", l: "l", w: "W", kw: "kW", v: "V", mah: "mAh", h: "h", hours: "hours", min: "min", gb: "GB", tb: "TB", hz: "Hz",
  nm: "Nm", dpi: "dpi", cups: "cups", pieces: "pieces", lumens: "lm", lm: "lm",
};

export const count = (number) => COUNT.format(number);
export const compact = (number) => COMPACT.format(number);
export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

/** A price in its currency; the plain number when the currency is unknown. */
export function price(amount, currency, digits = 2) {
  const style = { minimumFractionDigits: digits, maximumFractionDigits: 2 };
  try {
    return new Intl.NumberFormat(LANGUAGE, { ...style, style: "currency", currency }).format(amount);
  } catch {
    return `${new Intl.NumberFormat(LANGUAGE, style).format(amount)}${currency ? ` ${currency}` : ""}`;
  }
}

const NOTHING = 0.0005;

/** A score with as many digits as tell two hits apart; what is as good as nothing is 0. */
export function score(value) {
  if (Math.abs(value) < NOTHING) return "0";
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** What something adds, with its sign: "+0.420", "−1.30", "0". */
export function signed(value) {
  const size = score(Math.abs(value));
  return size === "0" ? size : `${value < 0 ? "−" : "+"}${size}`;
}

const capitalized = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** What a shopper calls a filter: "attributes.height_cm" becomes "Height (cm)". */
export function filterName(name) {
  if (NAMES[name]) return NAMES[name];
  const words = name.replace(/^attributes\./, "").split(/[_ ]+/);
  const unit = words.length > 1 ? UNITS[words.at(-1)] : undefined;
  const text = words.slice(0, unit ? -1 : undefined).map((word) => (ACRONYMS.has(word) ? word.toUpperCase() : word)).join(" ");
  return capitalized(text) + (unit ? ` (${unit})` : "");
}

/** What a shopper calls a filter's value. */
export function valueName(name, value) {
  if (name === "in_stock") return value === "true" ? "In stock" : "Out of stock";
  if (name === "category") return value.split(" > ").at(-1);
  const plain = /^[a-z][a-z &-]+$/.test(value);
  return { true: "Yes", false: "No" }[value] ?? (plain ? capitalized(value) : value);
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
