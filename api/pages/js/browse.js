/** The first visit: a greeting and the departments. */

import { byId, el, fill, pageLink } from "./dom.js";
import { plural } from "./format.js";
import { START, address, isStart, withFilter } from "./state.js";
import { categoryTree } from "./categories.js";

const DEPARTMENTS = 12;

/** Departments as tiles while nothing is asked; gone as soon as something is. */
export function drawBrowse(response, state, go) {
  const hero = byId("hero");
  if (!isStart(state)) return fill(hero);
  const facet = response.facets.find(({ name }) => name === "category");
  const top = facet ? [...categoryTree(facet).children.values()].sort((a, b) => b.count - a.count) : [];
  const tile = (node) => {
    const target = withFilter(START, "category", { values: [node.path] });
    return el("li", {}, pageLink(address(target), () => go(target), { className: "tile" },
      el("span", { className: "tile-name" }, node.name), el("span", { className: "quiet" }, plural(node.count, "product"))));
  };
  return fill(hero,
    el("h1", { className: "greeting" }, "What are you looking for?"),
    el("p", { className: "lead" }, `${plural(response.total, "product")}. Say it in your own words; we match words and meaning.`),
    top.length ? el("ul", { className: "tiles", "aria-label": "Departments" }, top.slice(0, DEPARTMENTS).map(tile)) : null);
}
