/** The page: reads its configuration and the store, and shows what the address names. */

import "./style.css";
import { Store, type Refreshed, type Rules } from "gh-store-client";
import { chartView } from "./chart.js";
import { away, h, moment } from "./dom.js";
import { leftOutPart, listView } from "./list.js";
import { Model } from "./model.js";
import { objectView } from "./object.js";
import { problem } from "./problem.js";
import { readRoute, unsettle } from "./route.js";

/** What `gh-store site` writes beside the page. */
interface Configuration {
  repository: string;
  api: string;
  server: string;
  /** Relative to the page, or whole; null where there is none. */
  snapshot: string | null;
  rules: Partial<Rules>;
}

const AGAIN = 60_000; // milliseconds between looks for what is newer; a token's conditional requests cost nothing
const AGAIN_WITHOUT_TOKEN = 300_000; // 24 of the 60 requests an hour

const top = document.getElementById("top")!;
const main = document.getElementById("main")!;

class Page {
  /** In memory only: it is gone with the page. */
  #token = "";
  #store: Store;
  #model: Model | null = null;
  #endView = (): void => undefined;
  #shown = 0;
  readonly #state = h("span", { role: "status", class: "state" });
  readonly #key = h("button", { type: "button", onclick: () => this.#askToken() });

  constructor(private readonly configuration: Configuration) {
    this.#store = this.#open();
    document.title = configuration.repository;
    const home = `${configuration.server}/${configuration.repository}`;
    top.replaceChildren(h("div", { class: "inner" },
      h("p", { class: "brand" }, away(home, configuration.repository)),
      h("nav", { "aria-label": "Views" }, h("a", { href: "#/" }, "Objects"), h("a", { href: "#/chart" }, "Chart")),
      this.#state, this.#key));
    addEventListener("hashchange", () => void this.show());
  }

  #open(snapshot = this.configuration.snapshot): Store {
    const { repository, api, server, rules } = this.configuration;
    this.#key.textContent = this.#token ? "Forget the token" : "Use a token";
    return new Store({ repository, api, server, rules, token: this.#token, ...(snapshot === null ? {} : { snapshot }) });
  }

  /** Reads the store, shows it, then looks for what is newer as long as somebody looks at the page. */
  async start(): Promise<void> {
    try {
      this.#model = new Model(await this.#store.list());
    } catch (error) {
      this.#say("Not read");
      main.replaceChildren(h("h1", {}, "This store cannot be read"), problem(error), this.#instead());
      return;
    }
    await this.show();
    await this.refresh();
  }

  /** What to do where the store cannot be read: most often it is private. */
  #instead(): HTMLElement {
    return h("div", { class: "card instead" }, h("p", {}, "If this store is private, read it from GitHub with a token that may read its issues."),
      h("p", { class: "bar" }, h("button", { type: "button", class: "primary", onclick: () => this.#askToken() }, "Use a token"),
        h("button", { type: "button", onclick: () => location.reload() }, "Reload")));
  }

  async refresh(): Promise<void> {
    const store = this.#store;
    this.#say("Looking for what is newer …");
    try {
      const before = JSON.stringify(store.leftOut);
      const found = await store.refresh();
      if (store !== this.#store) return;
      if (found.changed.length || found.removed.length || JSON.stringify(store.leftOut) !== before) await this.#changed(found);
      this.#say("Up to date");
    } catch (error) {
      if (store !== this.#store) return;
      this.#state.replaceChildren("As of ", moment(store.snapshotTime || new Date().toISOString()));
      this.#state.title = (error as Error).message;
      this.#state.classList.add("stale");
    }
    setTimeout(() => void this.#again(store), this.#token ? AGAIN : AGAIN_WITHOUT_TOKEN);
  }

  async #again(store: Store): Promise<void> {
    if (store !== this.#store) return;
    if (document.visibilityState === "visible") await this.refresh();
    else addEventListener("visibilitychange", () => void this.#again(store), { once: true });
  }

  async #changed({ changed, removed }: Refreshed): Promise<void> {
    this.#model = new Model(await this.#store.list());
    const { view, id } = readRoute(location.hash);
    if (view !== "object" || changed.includes(id) || removed.includes(id)) await this.show(false);
  }

  #say(text: string): void {
    this.#state.textContent = text;
    this.#state.title = "";
    this.#state.classList.remove("stale");
  }

  /** Shows what the address names. */
  async show(moves = true): Promise<void> {
    if (!this.#model) return;
    unsettle();
    const { view, id, query } = readRoute(location.hash);
    const number = ++this.#shown;
    const found = view === "list" ? listView(this.#model, query, leftOutPart(this.#store.leftOut, (one) => this.#store.issueUrl(one)))
      : view === "chart" ? await chartView(this.#store, query)
      : { element: await objectView(this.#store, id, query, this.#token !== ""), end: () => undefined };
    if (number !== this.#shown) return found.end();
    this.#endView();
    this.#endView = found.end;
    const focused = document.activeElement instanceof HTMLInputElement && main.contains(document.activeElement);
    main.replaceChildren(found.element);
    if (focused) main.querySelector("input")?.focus();
    document.title = view === "object" ? `${id} · ${this.configuration.repository}` : this.configuration.repository;
    for (const link of top.querySelectorAll("nav a")) {
      const current = link.getAttribute("href") === "#/chart" ? view === "chart" : view !== "chart";
      if (current) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    if (moves && number > 1) {
      scrollTo(0, 0);
      if (!focused) main.focus({ preventScroll: true });
    }
  }

  #askToken(): void {
    if (this.#token) return this.#use("");
    const field = h("input", { type: "password", autocomplete: "off", spellcheck: "false", "aria-label": "Token", required: true });
    const dialog = h("dialog", { "aria-labelledby": "token-title" },
      h("form", { method: "dialog", onsubmit: () => {
        dialog.close();
        this.#use(field.value.trim());
      } }, h("h2", { id: "token-title" }, "Use a token"),
      h("p", {}, "A token reads a private store, allows more requests, and can post updates. It stays in this page's memory, goes to ",
        h("code", {}, new URL(this.configuration.api).host), " alone, and is gone when the page is."),
      field, h("p", { class: "bar" }, h("button", { class: "primary" }, "Use it"),
        h("button", { type: "button", onclick: () => dialog.close() }, "Cancel"))));
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  }

  #use(token: string): void {
    this.#token = token;
    // Where the snapshot could not be read, the store is read from the API.
    this.#store = this.#open(this.#model || !token ? undefined : null);
    main.replaceChildren(h("p", { class: "quiet" }, "Loading …"));
    this.#model = null;
    void this.start();
  }
}

async function boot(): Promise<void> {
  const answer = await fetch("./config.json", { cache: "no-cache" });
  if (!answer.ok) throw new Error(`The page's config.json cannot be read: the server answered ${answer.status}. Write the page again with gh-store site.`);
  await new Page(await answer.json() as Configuration).start();
}

boot().catch((error: unknown) => main.replaceChildren(h("h1", {}, "This page cannot be shown"), problem(error)));
