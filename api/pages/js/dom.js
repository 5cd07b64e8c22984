/** Elements without a framework. Text always goes in as text, never as HTML. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Creates an element. Properties starting with "on" are listeners, `data` is a dataset, names with
 * a dash (and `role`, `for`) are attributes, all others DOM properties. Null children are left out.
 */
export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name.includes("-") || name === "role") node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** A line icon on a 20 × 20 grid, hidden from screen readers. */
export function icon(path, className = "icon") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", className);
  svg.setAttribute("aria-hidden", "true");
  const shape = document.createElementNS(SVG, "path");
  shape.setAttribute("d", path);
  svg.append(shape);
  return svg;
}

export const CROSS = "m5.5 5.5 9 9m0-9-9 9";
export const CHEVRON = "m7.5 5 5 5-5 5";
export const BACK = "m12.5 5-5 5 5 5";

export const byId = (id) => document.getElementById(id);

/** Shows an element only when it holds something. */
export function fill(node, ...children) {
  node.replaceChildren(...children.flat().filter(Boolean));
  node.hidden = !node.childNodes.length;
}

/**
 * A link that stays inside the page: `go` runs on a plain click, while a modified click (new tab)
 * and copying the address keep working.
 */
export function pageLink(href, go, properties = {}, ...children) {
  const onclick = (event) => {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go();
  };
  return el("a", { href, onclick, ...properties }, ...children);
}

/** Runs `change` and gives the focus back to the control that had it, though it was redrawn. */
export function keepingFocus(change) {
  const key = document.activeElement?.dataset?.key;
  change();
  if (!key) return;
  const again = [...document.querySelectorAll("[data-key]")].find((node) => node.dataset.key === key);
  if (again && again !== document.activeElement) again.focus({ preventScroll: true });
}
