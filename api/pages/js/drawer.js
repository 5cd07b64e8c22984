/** On a narrow screen the filters open in a drawer; the same panel moves between the two places. */

import { byId } from "./dom.js";
import { panel } from "./facets.js";

const WIDE = matchMedia("(min-width: 60rem)");

export function connectDrawer() {
  const drawer = byId("drawer");
  byId("side").append(panel);
  byId("open-filters").addEventListener("click", () => {
    byId("drawer-body").append(panel);
    drawer.showModal();
  });
  const close = () => drawer.close();
  byId("close-filters").addEventListener("click", close);
  byId("apply-filters").addEventListener("click", close);
  drawer.addEventListener("click", (event) => event.target === drawer && close());
  drawer.addEventListener("close", () => byId("side").append(panel));
  WIDE.addEventListener("change", () => WIDE.matches && drawer.open && close());
}
