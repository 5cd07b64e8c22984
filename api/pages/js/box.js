/** The search box: searches on Enter and, shortly after the last key, as one types. */

import { byId } from "./dom.js";

const PAUSE_MS = 180;
const SETTLED_MS = 1200;

/** Shows the words of the address in the box, unless the shopper is typing there. */
export function showWords(words) {
  const input = byId("q");
  if (input.value.trim() !== words.trim()) input.value = words;
  byId("clear").hidden = !input.value;
}

/**
 * One run of typing is one step in the history: its first search is a new step, the following
 * ones replace it, so that "back" goes to what was there before. Filters hold while words change.
 * A word may be half typed, so its spelling is left alone until `settle`: on Enter, on leaving the
 * box, or when no key was pressed for a while.
 */
export function connectBox({ go, state, settle }) {
  const input = byId("q");
  let timer = 0;
  let settling = 0;
  const search = (typing) => {
    clearTimeout(timer);
    const q = input.value.trim();
    if (q === state().q.trim()) return;
    const next = { ...state(), q, product: null };
    go(next, { replace: typing && Boolean(history.state?.typing), marks: typing ? { typing: true } : {} });
  };
  input.addEventListener("input", (event) => {
    byId("clear").hidden = !input.value;
    clearTimeout(timer);
    clearTimeout(settling);
    if (event.isComposing) return;
    timer = setTimeout(() => search(true), PAUSE_MS);
    settling = setTimeout(settle, SETTLED_MS);
  });
  input.addEventListener("blur", settle);
  byId("search").addEventListener("submit", (event) => {
    event.preventDefault();
    search(false);
    clearTimeout(settling);
    settle();
    history.replaceState({ ...history.state, typing: false }, "");
  });
  byId("clear").addEventListener("click", () => {
    input.value = "";
    search(false);
    byId("clear").hidden = true;
    input.focus();
  });
  document.addEventListener("keydown", (event) => focusOnSlash(event, input));
}

function focusOnSlash(event, input) {
  const writing = event.target.closest?.("input, textarea, select, dialog");
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || writing) return;
  event.preventDefault();
  input.focus();
  input.select();
}
