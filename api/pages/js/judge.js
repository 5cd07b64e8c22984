/** The judging page: a query, its products in the rater's own order, a grade each. The server holds
 * the truth: every answer is sent at once, and sent again until the server says that it is kept. */

import { byId, el } from "./dom.js";
import { filterName, plural, price, valueName } from "./format.js";
import { Outbox } from "./outbox.js";

const TASK = document.body.dataset.task;
const PATH = `/lab/judge/${encodeURIComponent(TASK)}`;
const NAME = "aisle.rater";
const GRADE_KEYS = { Backquote: 0, Digit0: 0, Digit1: 1, Digit2: 2, Digit3: 3, Numpad0: 0, Numpad1: 1, Numpad2: 2, Numpad3: 3 };
const MEANINGS = [
  "answers another query",
  "has to do with it, but is not what is looked for",
  "could be what is looked for, though not quite",
  "is what is looked for",
];

let rater = "";
let outbox = null;
let task = null;
let query = null;
let at = 0;
let skippedQuery = null;
let turn = 0;
let leaving = false;

const current = () => query?.products[at] ?? null;

/** Asks who judges, unless it is known, and shows where they stopped. */
async function begin() {
  rater = localStorage.getItem(NAME) ?? "";
  task = query = null;
  byId("welcome").hidden = true;
  byId("work").hidden = byId("end").hidden = byId("keys").hidden = byId("asked").hidden = true;
  byId("who").hidden = !rater;
  byId("who").textContent = rater;
  byId("who").title = "Judge under another name";
  if (!rater) {
    byId("saved").textContent = "";
    return welcome();
  }
  outbox?.stop();
  outbox = new Outbox(`${PATH}/answers`, `aisle.judge.${TASK}.${rater}`, { kept, refused, changed: showSaved });
  await outbox.empty();
  await load();
  // The server takes no such name, or has no such task: it said so.
  if (!task) welcome();
}

function welcome() {
  localStorage.removeItem(NAME);
  byId("welcome").hidden = false;
  byId("who").hidden = true;
  byId("name").focus();
}

/** Shows a query by its number; without one, the first that is not all answered. */
async function load(number = null, product = null) {
  const mine = (turn += 1);
  const asked = new URLSearchParams({ rater, ...(number === null ? {} : { query: number }) });
  const found = await outbox.get(`${PATH}/work?${asked}`);
  if (mine !== turn) return;
  leaving = false;
  if (!found) return;
  task = found.task;
  skippedQuery = found.skipped_query;
  query = found.query;
  fault("");
  showProgress(found.progress, found.undo);
  if (!query) return showEnd(found.progress);
  const open = query.products.findIndex((each) => each.answer === null);
  const named = query.products.findIndex((each) => each.id === product);
  at = named >= 0 ? named : Math.max(0, open);
  showQuery();
}

function showQuery() {
  byId("end").hidden = true;
  byId("work").hidden = byId("keys").hidden = byId("asked").hidden = byId("skip").hidden = false;
  byId("which").textContent = `Query ${query.number + 1} of ${task.queries}`;
  byId("query").textContent = `“${query.text}”`;
  byId("products").replaceChildren(...query.products.map(card));
  showGrades();
  move(at);
}

function showGrades() {
  const buttons = task.grades.map((name, grade) =>
    el("button", { className: "button grade", type: "button", onclick: () => answer(grade), "aria-keyshortcuts": String(grade) }, el("kbd", {}, String(grade)), ` ${name}`),
  );
  byId("grades").replaceChildren(...buttons);
  const told = task.grades.map((name, grade) => el("div", {}, el("dt", {}, `${grade} ${name}`), el("dd", {}, MEANINGS[grade] ?? "")));
  byId("meanings").replaceChildren(...told);
}

function card(product, index) {
  const facts = [product.brand, product.price === null ? null : price(product.price, product.currency)].filter(Boolean);
  return el(
    "li",
    { className: "product", tabIndex: -1, id: `p${index}`, onclick: () => move(index) },
    picture(product),
    el(
      "div",
      { className: "about" },
      el("h2", {}, product.title),
      facts.length ? el("p", {}, facts.join(" · ")) : null,
      product.category.length ? el("p", { className: "quiet" }, product.category.join(" › ")) : null,
      attributes(product),
    ),
    el("p", { className: "given", id: `g${index}` }, given(product)),
  );
}

function picture(product) {
  if (!product.image) return el("div", { className: "picture" });
  const image = el("img", { src: product.image, alt: "", loading: "lazy" });
  image.addEventListener("error", () => image.remove());
  return el("div", { className: "picture" }, image);
}

function attributes(product) {
  const rows = Object.entries(product.attributes);
  if (!rows.length) return null;
  const told = rows.map(([name, value]) => el("div", {}, el("dt", {}, filterName(`attributes.${name}`)), el("dd", {}, valueName(name, value))));
  return el("dl", {}, ...told);
}

const given = ({ answer: value }) => (value === null ? "" : value === "skip" ? "skipped" : String(value));

/** Makes a product the current one, and brings it into sight. */
function move(index) {
  at = Math.min(Math.max(index, 0), query.products.length - 1);
  for (const [number, node] of [...byId("products").children].entries()) {
    if (number === at) node.setAttribute("aria-current", "true");
    else node.removeAttribute("aria-current");
  }
  const node = byId(`p${at}`);
  node.focus({ preventScroll: true });
  node.scrollIntoView({ block: at ? "center" : "end", behavior: "auto" });
  for (const [grade, button] of [...byId("grades").children].entries())
    button.setAttribute("aria-pressed", String(current().answer === grade));
}

/** Grades the current product, or skips it, and goes on to the next without an answer. */
function answer(value) {
  const product = current();
  // A key pressed a moment late is meant for the next query.
  if (!product || leaving || byId("work").hidden) return;
  const before = product.answer;
  product.answer = value;
  const sent = { rater, query: query.number, product: product.id };
  outbox.send(value === "skip" ? { ...sent, action: "skip" } : { ...sent, action: "grade", grade: value });
  byId(`g${at}`).textContent = given(product);
  if (before === null || (before === "skip" && value !== "skip")) goOn(before);
  else move(at + 1);
}

/** On to the next product that stands as this one did (without an answer, or skipped); beyond the
 * query once all is kept, for the server says where that is. */
async function goOn(state) {
  const left = (each) => each.answer === state;
  const after = query.products.findIndex((each, index) => index > at && left(each));
  const next = after >= 0 ? after : query.products.findIndex(left);
  move(next >= 0 ? next : at);
  if (next >= 0) return;
  leaving = true;
  const here = query;
  await outbox.empty();
  if (query !== here || !leaving) return;
  await load();
  if (state === "skip" && skippedQuery !== null) await revisit();
}

function undo() {
  if (!byId("undo").disabled) outbox.send({ rater, action: "undo" });
}

/** The server has kept an answer: another window may have changed others of the query, too. */
function kept(sent, found) {
  showProgress(found.progress, found.undo);
  if (sent.action === "undo") {
    if (found.query === null) return;
    if (!query || found.query !== query.number || byId("work").hidden) return void load(found.query, found.product);
    leaving = false;
    catchUp(found.answers);
    move(query.products.findIndex((each) => each.id === found.product));
  } else if (query && found.query === query.number && !outbox.size) catchUp(found.answers);
}

function catchUp(answers) {
  for (const [index, product] of query.products.entries()) {
    product.answer = answers[product.id] ?? null;
    byId(`g${index}`).textContent = given(product);
  }
}

/** The server will never keep it: say why, and show what it has. */
async function refused(problem) {
  const number = query?.number ?? null;
  await load(number, current()?.id);
  fault(`An answer was refused: ${problem}`);
}

function fault(text) {
  byId("fault").textContent = text;
  byId("fault").hidden = !text;
}

function showSaved(waiting, problem) {
  const told = waiting && problem ? `${plural(waiting, "answer")} not saved yet, trying again: ${problem}` : "";
  byId("saved").textContent = problem && !waiting ? problem : told || (waiting ? "Saving …" : "All saved");
  byId("saved").classList.toggle("bad", Boolean(problem));
}

function showProgress({ total, graded, skipped }, undoable) {
  byId("bar").max = Math.max(1, total);
  byId("bar").value = graded + skipped;
  byId("far").textContent = `${graded + skipped} of ${total}`;
  byId("undo").disabled = !undoable;
}

function showEnd({ total, graded, skipped }) {
  byId("work").hidden = byId("asked").hidden = byId("skip").hidden = true;
  byId("keys").hidden = byId("end").hidden = false;
  byId("grades").replaceChildren();
  byId("sum").textContent = `${graded} of ${plural(total, "product")} graded${skipped ? `, ${skipped} skipped` : ""}.`;
  byId("again").hidden = skippedQuery === null;
  byId("results").href = `${PATH}/results?${new URLSearchParams({ rater })}`;
  byId("main").focus({ preventScroll: true });
}

/** The skipped products, first of the first query that has any. */
async function revisit() {
  await load(skippedQuery);
  if (query) move(query.products.findIndex((each) => each.answer === "skip"));
}

function turnTo(step) {
  const number = query ? query.number + step : task.queries - 1;
  if (task && number >= 0 && number < task.queries) load(number);
}

const KEYS = {
  j: () => move(at + 1), ArrowDown: () => move(at + 1),
  k: () => move(at - 1), ArrowUp: () => move(at - 1),
  ArrowRight: () => turnTo(1), ArrowLeft: () => turnTo(-1),
  s: () => answer("skip"), u: undo,
};

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || byId("how").open) return;
  if (event.target.closest?.("input") || byId("keys").hidden) return;
  if (event.key === "?") return void byId("how").showModal();
  const judging = !byId("work").hidden;
  const grade = /^[0-3]$/.test(event.key) ? Number(event.key) : GRADE_KEYS[event.code];
  const act = grade !== undefined && !event.shiftKey ? () => answer(grade) : KEYS[event.key];
  if (!act || (!judging && act !== undo && !event.key.startsWith("ArrowLeft"))) return;
  event.preventDefault();
  // A key held down must not grade a whole list.
  if (!event.repeat || event.key.startsWith("Arrow") || "jk".includes(event.key)) act();
}

byId("welcome").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = byId("name").value.trim().replace(/\s+/g, " ");
  if (!name) return;
  localStorage.setItem(NAME, name);
  begin();
});
byId("who").addEventListener("click", () => {
  if (outbox?.size) return;
  byId("name").value = rater;
  localStorage.removeItem(NAME);
  begin();
});
byId("skip").addEventListener("click", () => answer("skip"));
byId("undo").addEventListener("click", undo);
byId("help").addEventListener("click", () => byId("how").showModal());
byId("again").addEventListener("click", revisit);
byId("back").addEventListener("click", () => load(0));
document.addEventListener("keydown", pressed);
document.addEventListener("visibilitychange", () => {
  // Another window of the same rater may have gone on meanwhile.
  if (!document.hidden && query && outbox && !outbox.size) load(query.number, current()?.id);
});

begin();
