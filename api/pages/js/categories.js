/** The category facet: paths with counts become a tree, shown as a breadcrumb and its children. */

import { el, pageLink } from "./dom.js";
import { count } from "./format.js";
import { SEPARATOR, address, withFilter } from "./state.js";

/**
 * A tree of {name, path, count, children}. The facet may count every level or only the leaves:
 * a level it does not count gets the sum of its children.
 */
export function categoryTree(facet) {
  const root = node("", "");
  for (const value of facet.values) {
    const names = value.value.split(SEPARATOR);
    let at = root;
    names.forEach((name, i) => {
      const path = names.slice(0, i + 1).join(SEPARATOR);
      if (!at.children.has(name)) at.children.set(name, node(name, path));
      at = at.children.get(name);
    });
    at.count = value.count;
  }
  complete(root);
  return root;
}

const node = (name, path) => ({ name, path, count: null, children: new Map() });

function complete(at) {
  let sum = 0;
  for (const child of at.children.values()) sum += complete(child);
  at.count ??= sum;
  return at.count;
}

/** The node at a path, or null. */
export function findCategory(root, path) {
  let at = root;
  for (const name of path ? path.split(SEPARATOR) : []) at = at?.children.get(name);
  return at ?? null;
}

/** The body of the department filter. */
export function categoryBody(facet, state, go) {
  const root = categoryTree(facet);
  const chosen = state.filters.category?.values[0] ?? "";
  const link = (path, name, properties, ...children) => {
    const target = withFilter(state, "category", { values: path ? [path] : [] });
    return pageLink(address(target), () => go(target), { data: { key: `category:${path}` }, ...properties }, name, ...children);
  };
  const above = chosen ? crumbs(chosen).map(({ name, path }) => el("li", {}, link(path, name, { className: "crumb" }))) : [];
  const children = [...(findCategory(root, chosen)?.children.values() ?? [])].sort((a, b) => b.count - a.count);
  return el("div", { className: "categories" },
    chosen ? el("ol", { className: "crumbs" },
      el("li", {}, link("", "All departments", { className: "crumb" })),
      above.slice(0, -1),
      el("li", { className: "current", "aria-current": "true" }, chosen.split(SEPARATOR).at(-1))) : null,
    el("ul", { className: chosen ? "children" : "" }, children.map((child) =>
      el("li", {}, link(child.path, child.name, { className: "category" }, " ", el("span", { className: "quiet" }, count(child.count)))))));
}

/** Every level of a path: [{name, path}], root first. */
export function crumbs(path) {
  const names = path.split(SEPARATOR);
  return names.map((name, i) => ({ name, path: names.slice(0, i + 1).join(SEPARATOR) }));
}
