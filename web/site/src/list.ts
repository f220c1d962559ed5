/** The table of all objects.  Only the rows in sight are there, so ten thousand cost what forty do. */

import type { LeftOut, StoredObject } from "gh-store-client";
import { away, h, moment } from "./dom.js";
import type { Column, Model } from "./model.js";
import { settle, toList, toObject } from "./route.js";
import { short, visible } from "./values.js";

const ROW = 41; // pixels; the style sheet says the same
const BEYOND = 8; // rows that are there above and below the ones in sight
const NARROWEST = 118; // pixels of a column

interface State {
  search: string;
  sort: string;
  filters: Map<string, string>;
  columns: string[];
}

/** The view, and how to end it. */
export function listView(model: Model, query: URLSearchParams, leftOut: Node | null): { element: HTMLElement; end: () => void } {
  const state = stateOf(query);
  const end = new AbortController();
  const rows = new Map<number, HTMLElement>();
  let shown: StoredObject[] = [];
  let columns: Column[] = [];

  const count = h("p", { role: "status", class: "quiet count" });
  const search = h("input", {
    type: "search", placeholder: "Search ids and data", "aria-label": "Search ids and data", value: state.search,
    autocomplete: "off", spellcheck: "false",
    oninput: () => {
      state.search = search.value;
      update();
    },
  });
  const head = h("div", { role: "rowgroup" });
  const body = h("div", { role: "rowgroup", class: "rows" });
  const table = h("div", { role: "table", class: "table", "aria-label": "Objects" }, head, body);
  const none = h("p", { class: "empty", hidden: true });
  const picker = h("details", { class: "picker" }, h("summary", {}, "Columns"), h("div", { class: "choices" }));
  const element = h("section", {},
    h("div", { class: "title" }, h("h1", {}, "Objects"), count),
    h("div", { class: "tools", role: "search", hidden: model.objects.length === 0 }, search, model.filters.map(filter), model.columns.length > 3 && picker),
    table, none, leftOut);

  function filter(one: Model["filters"][number]): HTMLElement {
    const chosen = state.filters.get(one.path) ?? "";
    const select = h("select", { "aria-label": `Filter by ${one.title}`, onchange: () => {
      if (select.value) state.filters.set(one.path, select.value.slice(1));
      else state.filters.delete(one.path);
      update();
    } }, h("option", { value: "" }, `${one.title}: all`), one.choices.map((choice) =>
      h("option", { value: `=${choice}`, selected: choice === chosen && state.filters.has(one.path) }, visible(choice) || "(empty)")));
    return select;
  }

  function update(): void {
    const before = shown;
    shown = model.select(state.search, state.filters, state.sort);
    const all = model.objects.length;
    count.textContent = shown.length === all ? `${all.toLocaleString("en")} in all` : `${shown.length.toLocaleString("en")} of ${all.toLocaleString("en")}`;
    table.hidden = shown.length === 0;
    none.hidden = shown.length > 0;
    none.textContent = all ? "No object fits the search." : "This store has no objects yet. Create one, and it shows here.";
    table.setAttribute("aria-rowcount", String(shown.length + 1));
    body.style.height = `${shown.length * ROW - 1}px`; // the last row needs no line below it
    clear((at) => shown[at] !== before[at]);
    draw();
    settle(toList(queryOf(state)));
  }

  function layOut(): void {
    const width = element.clientWidth || document.documentElement.clientWidth;
    const fits = Math.max(2, Math.floor(width / NARROWEST));
    const wanted = state.columns.length
      ? model.columns.filter((one) => one.key === "id" || state.columns.includes(one.key)) : usual(fits);
    columns = wanted.slice(0, fits + 1);
    table.style.setProperty("--columns", columns.map((one) => `minmax(0, ${one.weight}fr)`).join(" "));
    head.replaceChildren(h("div", { role: "row", class: "row head", "aria-rowindex": 1 }, columns.map(heading)));
    choices();
    clear(() => true);
    update();
  }

  function clear(goes: (at: number) => boolean): void {
    for (const [at, row] of rows) {
      if (!goes(at)) continue;
      row.remove();
      rows.delete(at);
    }
  }

  /** Data first, then when it changed. */
  function usual(fits: number): Column[] {
    const fixed = model.columns.filter((one) => !one.key.startsWith("/"));
    const data = model.columns.filter((one) => one.key.startsWith("/"));
    const behind = fits < 4 ? [] : fixed.slice(1);
    let width = [fixed[0]!, ...behind].reduce((sum, one) => sum + one.weight, 0);
    const first = data.filter((one) => {
      const takes = width + one.weight <= fits + 1;
      width += takes ? one.weight : 0;
      return takes;
    });
    return [fixed[0]!, ...first, ...behind];
  }

  function heading(column: Column): HTMLElement {
    const sorted = state.sort === column.key ? "ascending" : state.sort === `-${column.key}` ? "descending" : "none";
    const button = h("button", { type: "button", class: sorted, title: column.title, onclick: () => {
      state.sort = sorted === "ascending" ? `-${column.key}` : sorted === "descending" ? "" : column.key;
      layOut();
      head.querySelectorAll("button")[columns.indexOf(column)]?.focus();
    } }, column.title);
    return h("div", { role: "columnheader", "aria-sort": sorted, class: column.numeric ? "number" : null }, button);
  }

  function choices(): void {
    const there = new Set(columns.map((one) => one.key));
    picker.lastElementChild!.replaceChildren(...model.columns.slice(1).map((one) => {
      const box = h("input", { type: "checkbox", checked: there.has(one.key), onchange: () => {
        if (box.checked) there.add(one.key);
        else there.delete(one.key);
        state.columns = [...there];
        layOut();
      } });
      return h("label", {}, box, " ", one.title);
    }));
  }

  function draw(): void {
    const top = body.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(-top / ROW) - BEYOND);
    const last = Math.min(shown.length, Math.ceil((innerHeight - top) / ROW) + BEYOND);
    clear((at) => (at < first || at >= last) && !rows.get(at)!.contains(document.activeElement));
    // From the last to the first: each new row goes before the one that is there behind it.
    let behind: HTMLElement | null = null;
    for (let at = last - 1; at >= first; at -= 1) {
      const there = rows.get(at);
      const row = there ?? rowOf(shown[at]!, at);
      if (!there) {
        rows.set(at, row);
        body.insertBefore(row, behind);
      }
      behind = row;
    }
  }

  function rowOf(one: StoredObject, at: number): HTMLElement {
    const row = h("div", { role: "row", class: "row", "aria-rowindex": at + 2 }, columns.map((column) => cell(column, one)));
    row.style.top = `${at * ROW}px`;
    row.dataset["at"] = String(at);
    return row;
  }

  function cell(column: Column, one: StoredObject): HTMLElement {
    const value = column.value(one);
    const content = column.key === "id" ? h("a", { href: toObject(one.meta.object_id) }, one.meta.object_id)
      : column.key === "updated" ? moment(one.meta.updated_at) : short(value);
    const numeric = column.numeric || typeof value === "number";
    return h("div", { role: "cell", class: numeric ? "number" : null }, content);
  }

  /** Arrow keys go from row to row. */
  body.addEventListener("keydown", (event) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    const at = Number((event.target as HTMLElement).closest<HTMLElement>(".row")?.dataset["at"] ?? NaN) + step;
    if (!step || Number.isNaN(at)) return;
    event.preventDefault();
    const link = rows.get(at)?.querySelector("a");
    link?.focus();
    link?.scrollIntoView({ block: "nearest" });
  });
  addEventListener("scroll", () => requestAnimationFrame(draw), { signal: end.signal, passive: true });
  addEventListener("keydown", (event) => {
    const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    search.focus();
  }, { signal: end.signal });
  const watch = new ResizeObserver(layOut);
  watch.observe(element);
  end.signal.addEventListener("abort", () => watch.disconnect());
  return { element, end: () => end.abort() };
}

function stateOf(query: URLSearchParams): State {
  const filters = [...query].filter(([key]) => key.startsWith("f/")).map(([key, value]): [string, string] => [key.slice(1), value]);
  return {
    search: query.get("q") ?? "", sort: query.get("sort") ?? "", filters: new Map(filters), columns: query.getAll("col"),
  };
}

function queryOf(state: State): URLSearchParams {
  const query = new URLSearchParams();
  if (state.search) query.set("q", state.search);
  if (state.sort) query.set("sort", state.sort);
  for (const [path, value] of state.filters) query.set(`f${path}`, value);
  for (const key of state.columns) query.append("col", key);
  return query;
}

/** The issues that are in no list, each with its reason where it is known. */
export function leftOutPart(found: readonly LeftOut[], issueUrl: (number: number) => string): Node | null {
  if (found.length === 0) return null;
  const many = found.length === 1 ? "1 issue is" : `${found.length.toLocaleString("en")} issues are`;
  return h("details", { class: "leftout quiet" }, h("summary", {}, `${many} left out`), h("ul", {}, found.map((one) =>
    h("li", {}, away(issueUrl(one.issue_number), `#${one.issue_number}`), one.reason && `: ${visible(one.reason)}`))));
}
