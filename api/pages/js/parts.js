/** The parts that a card and the product dialog share: picture, price, rating, stock. */

import { el, icon } from "./dom.js";
import { compact, count, price } from "./format.js";

const STAR = "m10 1.8 2.5 5.2 5.7.8-4.1 4 1 5.6-5.1-2.7-5.1 2.7 1-5.6-4.1-4 5.7-.8z";
const BOX = "M3 6.5 10 3l7 3.5v7L10 17l-7-3.5zm0 0L10 10l7-3.5M10 10v7";
const FEW = 5;

/** Where a picture is: the catalogue's own under /images/, others over https only, or in the address. */
export function imageAddress(image) {
  if (!image) return null;
  if (/^data:image\//i.test(image)) return image;
  if (/^https?:\/\//i.test(image)) return image.replace(/^http:/i, "https:");
  const path = image.replace(/^\/?(images\/)?/, "");
  return `/images/${path.split("/").map(encodeURIComponent).join("/")}`;
}

/** A square picture. Without one, or when its host cannot be reached, a quiet placeholder. */
export function picture(product, { lazy = true } = {}) {
  const frame = el("div", { className: "picture" });
  const address = imageAddress(product.image);
  const placeholder = () => frame.replaceChildren(el("div", { className: "placeholder" }, icon(BOX)));
  if (!address) placeholder();
  else
    frame.append(
      el("img", {
        alt: "", width: 400, height: 400, decoding: "async", loading: lazy ? "lazy" : "eager",
        referrerPolicy: "no-referrer", onerror: placeholder, src: address,
      }),
    );
  return frame;
}

export function priceTag(product) {
  if (product.price === null || product.price === undefined)
    return el("p", { className: "price none" }, "Price on request");
  return el("p", { className: "price" }, price(product.price, product.currency));
}

/** Five stars filled to the rating. */
export function stars(rating) {
  const row = () => [1, 2, 3, 4, 5].map(() => icon(STAR, "star"));
  const filled = el("span", { className: "stars-filled" }, row());
  filled.style.width = `${(rating / 5) * 100}%`;
  return el("span", { className: "stars", "aria-hidden": "true" }, el("span", {}, row()), filled);
}

export function ratingLine(product, { exact = false } = {}) {
  if (product.rating === null || product.rating === undefined) return el("p", { className: "rating none" }, "No ratings yet");
  const votes = product.rating_count;
  const spoken = `Rated ${product.rating.toFixed(1)} out of 5${votes ? ` by ${count(votes)}` : ""}`;
  return el(
    "p", { className: "rating" },
    stars(product.rating),
    el("span", { className: "hidden" }, spoken),
    el("span", { "aria-hidden": "true" }, product.rating.toFixed(1), votes ? el("span", { className: "quiet" }, ` (${exact ? count(votes) : compact(votes)})`) : null),
  );
}

/** Stock in words; unknown stock counts as available and says nothing. */
export function stockLine(product) {
  const { stock } = product;
  if (stock === null || stock === undefined) return null;
  if (stock <= 0) return el("p", { className: "stock out" }, "Out of stock");
  if (stock <= FEW) return el("p", { className: "stock few" }, `Only ${stock} left`);
  return el("p", { className: "stock in" }, "In stock");
}
