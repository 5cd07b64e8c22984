/** Answers on their way: sent one after another, each again until the server has it. What is not
 * kept yet survives a reload of the page. */

const LONGEST_MS = 15_000;
const TIMEOUT_MS = 10_000;
const AGAIN = new Set([408, 425, 429]);

export class Outbox {
  /** `kept(sent, answer)`, `refused(reason)` for what will never be kept, and `changed(waiting, problem)`
   * are told what happens. */
  constructor(path, key, { kept, refused, changed }) {
    Object.assign(this, { path, key, kept, refused, changed, running: false, stopped: false, wake: null, idle: [] });
    this.waiting = this.#restored();
    this.online = () => this.wake?.();
    this.leaving = (event) => this.size && event.preventDefault();
    addEventListener("online", this.online);
    addEventListener("beforeunload", this.leaving);
    this.#run();
  }

  get size() {
    return this.waiting.length;
  }

  send(body) {
    this.waiting.push({ id: identifier(), ...body });
    this.#store();
    this.#run();
  }

  /** Resolves once everything is kept or refused. */
  empty() {
    return this.size ? new Promise((resolve) => this.idle.push(resolve)) : Promise.resolve();
  }

  /** The answer to a GET, tried until there is one; null when the server refuses. */
  async get(path) {
    for (let tries = 0; !this.stopped; tries += 1) {
      const { response, problem, again } = await ask(path);
      if (response) {
        this.changed(this.size, "");
        return response;
      }
      this.changed(this.size, problem);
      if (!again) return null;
      await this.#pause(tries);
    }
    return null;
  }

  stop() {
    this.stopped = true;
    removeEventListener("online", this.online);
    removeEventListener("beforeunload", this.leaving);
    this.wake?.();
  }

  async #run() {
    if (this.running) return;
    this.running = true;
    for (let tries = 0; this.size && !this.stopped; ) {
      const sent = this.waiting[0];
      if (!tries) this.changed(this.size, "");
      const { response, problem, again } = await ask(this.path, sent);
      if (this.stopped) break;
      if (!response && again) {
        this.changed(this.size, problem);
        await this.#pause(tries);
        tries += 1;
        continue;
      }
      tries = 0;
      this.waiting.shift();
      this.#store();
      this.changed(this.size, "");
      if (response) this.kept(sent, response);
      else await this.refused(problem);
    }
    this.running = false;
    if (!this.size) for (const done of this.idle.splice(0)) done();
  }

  /** Longer each time, but no longer than until the machine is online again. */
  #pause(tries) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.min(LONGEST_MS, 500 * 2 ** tries));
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #store() {
    try {
      sessionStorage.setItem(this.key, JSON.stringify(this.waiting));
    } catch {
      // Without storage they are kept for as long as the page is open.
    }
  }

  #restored() {
    try {
      return JSON.parse(sessionStorage.getItem(this.key)) ?? [];
    } catch {
      return [];
    }
  }
}

/** One request: what came back, or why not, and whether it is worth another try. */
async function ask(path, body = null) {
  const options = body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  try {
    const response = await fetch(path, { ...options, signal: AbortSignal.timeout(TIMEOUT_MS) });
    const found = await response.json();
    if (response.ok) return { response: found };
    const again = response.status >= 500 || AGAIN.has(response.status);
    return { problem: found.detail ?? response.statusText, again };
  } catch {
    return { problem: navigator.onLine ? "the server does not answer" : "you are offline", again: true };
  }
}

/** An id that nobody else makes; `randomUUID` is missing where the page came by plain HTTP. */
function identifier() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((each) => each.toString(16).padStart(2, "0")).join("");
}
