/**
 * The cart of a demonstration shop: it is kept in this browser, and buying sells nothing. What is put
 * into it and bought is told to the search that the product came from.
 */

import { CROSS, byId, el, icon } from "./dom.js";
import { log } from "./events.js";
import { count, plural, price } from "./format.js";
import { originOf } from "./origins.js";
import { picture } from "./parts.js";

const KEY = "aisle.cart";
const MOST = 99;
const MINUS = "M5 10h10";
const PLUS = "M10 5v10M5 10h10";

let items = read();

function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY)) ?? [];
    return kept.filter(({ id, quantity }) => typeof id === "string" && quantity >= 1);
  } catch {
    return [];
  }
}

function keep() {
  try {
    localStorage.setItem(KEY, JSON.stringify(items));
  } catch {
    // then it lasts as long as the page
  }
}

const pieces = () => items.reduce((sum, { quantity }) => sum + quantity, 0);
const cost = ({ price: each, quantity }) => Math.round(each * quantity * 100) / 100;

/** Puts one of a product into the cart. */
function add(product) {
  const { id, title, price: each, currency, image } = product;
  const known = items.find((item) => item.id === id);
  const origin = originOf(id);
  if (known) known.quantity = Math.min(MOST, known.quantity + 1);
  else items.push({ id, title, price: each, currency, image, quantity: 1, origin });
  log("add_to_cart", id, origin, { value: each });
  changed();
}

function change(id, quantity) {
  items = items.flatMap((item) => (item.id !== id ? [item] : quantity < 1 ? [] : [{ ...item, quantity: Math.min(MOST, quantity) }]));
  changed();
}

function changed() {
  keep();
  drawCount();
  if (byId("cart").open) drawCart();
}

/** One event a product, with what all of it costs. */
function buy() {
  const bought = items;
  items = [];
  changed();
  for (const item of bought) log("purchase", item.id, item.origin, { value: cost(item), quantity: item.quantity, currency: item.currency });
  drawThanks(bought);
}

function drawCount() {
  const number = pieces();
  byId("cart-count").textContent = count(number);
  byId("cart-count").hidden = !number;
  byId("open-cart").setAttribute("aria-label", number ? `Cart, ${plural(number, "item")}` : "Cart, empty");
}

/** "$12.50", or one sum for each currency. */
function total() {
  const sums = new Map();
  for (const item of items) sums.set(item.currency, (sums.get(item.currency) ?? 0) + cost(item));
  return [...sums].map(([currency, sum]) => price(sum, currency)).join(" + ");
}

function stepper(item) {
  const step = (by, path, label, key) =>
    el("button", { type: "button", className: "step", "aria-label": `${label}: ${item.title}`, data: { key: `${key}:${item.id}` }, onclick: () => change(item.id, item.quantity + by) }, icon(path));
  return el("div", { className: "stepper" },
    step(-1, MINUS, item.quantity === 1 ? "Remove" : "One less", "less"),
    el("span", { "aria-label": `Quantity ${item.quantity}`, role: "status" }, count(item.quantity)),
    step(1, PLUS, "One more", "more"));
}

function row(item) {
  return el("li", { className: "cart-item" },
    picture(item),
    el("div", { className: "cart-facts" },
      el("p", { className: "cart-title" }, item.title),
      stepper(item)),
    el("div", { className: "cart-end" },
      el("p", { className: "cart-price" }, price(cost(item), item.currency)),
      el("button", { type: "button", className: "icon-button small", "aria-label": `Remove from the cart: ${item.title}`, onclick: () => change(item.id, 0) }, icon(CROSS))));
}

function fillCart(body, foot) {
  byId("cart-body").replaceChildren(...body);
  byId("cart-foot").replaceChildren(...foot);
  byId("cart-foot").hidden = !foot.length;
}

function drawCart() {
  const key = document.activeElement?.dataset?.key;
  if (!items.length) {
    fillCart([el("section", { className: "empty" }, el("h2", {}, "Your cart is empty"), el("p", {}, "Open a product and add it."))], []);
    byId("close-cart").focus();
    return;
  }
  fillCart(
    [el("ul", { "aria-label": "Products in the cart" }, items.map(row))],
    [el("p", { className: "cart-total" }, el("span", {}, "Total"), el("strong", {}, total())),
      el("button", { type: "button", className: "button primary", id: "buy", onclick: buy }, "Buy"),
      el("p", { className: "quiet" }, "This shop is a demonstration: nothing is charged or delivered.")]);
  const again = key && [...byId("cart").querySelectorAll("[data-key]")].find((node) => node.dataset.key === key);
  if (again) again.focus();
}

function drawThanks(bought) {
  const number = bought.reduce((sum, { quantity }) => sum + quantity, 0);
  fillCart([el("section", { className: "empty", role: "status" },
    el("h2", {}, "Thank you"),
    el("p", {}, `${plural(number, "item")} bought, for show only: nothing was charged, and nothing will be delivered.`))], []);
  byId("close-cart").focus();
}

export function openCart() {
  drawCart();
  byId("cart").showModal();
  byId("cart-body").scrollTop = 0;
}

/** "Add to cart" for a product; what cannot be bought has no button. */
export function cartButtons(product) {
  if (product.price === null || product.price === undefined) return null;
  if (product.stock !== null && product.stock !== undefined && product.stock <= 0)
    return el("button", { type: "button", className: "button", disabled: true }, "Sold out");
  const said = el("p", { className: "hidden", role: "status" });
  const view = el("button", { type: "button", className: "button", onclick: openCart, hidden: !items.some(({ id }) => id === product.id) }, "View cart");
  const put = () => {
    add(product);
    view.hidden = false;
    said.textContent = `Added. ${plural(pieces(), "item")} in the cart.`;
  };
  return el("div", { className: "buying" }, el("button", { type: "button", className: "button primary", onclick: put }, "Add to cart"), view, said);
}

export function connectCart() {
  const cart = byId("cart");
  drawCount();
  byId("open-cart").addEventListener("click", openCart);
  byId("close-cart").addEventListener("click", () => cart.close());
  cart.addEventListener("click", (event) => event.target === cart && cart.close());
  // Another tab may have changed it.
  addEventListener("storage", (event) => {
    if (event.key !== KEY) return;
    items = read();
    drawCount();
    if (cart.open) drawCart();
  });
}
