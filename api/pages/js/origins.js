/** The search by which a product was last reached in this tab: what is bought is told to it. */

const KEY = "aisle.origins";
const MOST = 200;

function read() {
  try {
    return new Map(JSON.parse(sessionStorage.getItem(KEY)));
  } catch {
    return new Map();
  }
}

/** A product was opened from a result. */
export function arrive(product, origin) {
  const known = read();
  known.delete(product);
  known.set(product, origin);
  try {
    sessionStorage.setItem(KEY, JSON.stringify([...known].slice(-MOST)));
  } catch {
    // then a purchase is told to no search
  }
}

/** The search it came from; null when it came from none. */
export const originOf = (product) => read().get(product) ?? null;
