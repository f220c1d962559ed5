/** Numbers over revisions or time, of one object or several. */

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Json, Store, StoredObject } from "gh-store-client";
import { download, h } from "./dom.js";
import { label, numbersIn, valueAt } from "./paths.js";
import { problem } from "./problem.js";
import { settle, toChart } from "./route.js";
import { short } from "./values.js";

const HEIGHT = 380;
const MOST_OBJECTS = 8;
const DASHES = [[], [6, 4], [2, 3], [10, 4, 2, 4]];

interface Series {
  name: string;
  points: Map<number, number>;
}

/** The view, and how to end it. */
export async function chartView(store: Store, query: URLSearchParams): Promise<{ element: HTMLElement; end: () => void }> {
  const objects = await store.list();
  const numeric = objects.filter((one) => numbersIn(one.data).length > 0);
  const ids = query.getAll("id").slice(0, MOST_OBJECTS);
  if (ids.length === 0 && numeric[0]) ids.push(numeric[0].meta.object_id);
  const chosen = objects.filter((one) => ids.includes(one.meta.object_id));
  const paths = [...new Set(chosen.flatMap((one) => numbersIn(one.data)))];
  const path = query.get("path") ?? paths[0] ?? "";
  if (path && !paths.includes(path)) paths.unshift(path);
  const byTime = query.get("x") === "time";

  const go = (change: (next: URLSearchParams) => void): void => {
    const next = new URLSearchParams({ path });
    for (const id of ids) next.append("id", id);
    if (byTime) next.set("x", "time");
    change(next);
    location.hash = toChart(next);
  };
  const element = h("section", {}, h("div", { class: "title" }, h("h1", {}, "Chart"), path && h("p", { class: "quiet" }, label(path))));
  if (numeric.length === 0) {
    element.append(h("p", { class: "empty" }, "No object of this store has a number in it."));
    return { element, end: () => undefined };
  }
  element.append(tools(numeric, ids, paths, path, byTime, go));
  const place = h("div", { class: "card plot" }, h("p", { class: "quiet" }, "Reading the logs …"));
  element.append(place);
  element.dataset["busy"] = "";
  const end = new AbortController();
  const ready = Promise.all(ids.map(async (id): Promise<Series> => {
    const past = await store.history(id);
    const points = past.flatMap((one): [number, number][] => {
      const value = valueAt(one.state as Json | undefined, path);
      if (one.revision === null || one.certain === false || typeof value !== "number") return [];
      return [[byTime ? Date.parse(one.time) / 1000 : one.revision, value]];
    });
    return { name: id, points: new Map(points) };
  })).then((series) => {
    place.replaceChildren(...drawn(series, path, byTime, query, place, end.signal));
  }).catch((error: unknown) => place.replaceChildren(problem(error)));
  void ready.finally(() => delete element.dataset["busy"]);
  return { element, end: () => end.abort() };
}

type Go = (change: (next: URLSearchParams) => void) => void;

function tools(numeric: StoredObject[], ids: string[], paths: string[], path: string, byTime: boolean, go: Go): HTMLElement {
  const place = h("select", { onchange: () => go((next) => next.set("path", place.value)) },
    paths.map((one) => h("option", { value: one, selected: one === path }, label(one))));
  const axis = h("select", { onchange: () => go((next) => (axis.value ? next.set("x", axis.value) : next.delete("x"))) },
    h("option", { value: "" }, "revision"), h("option", { value: "time", selected: byTime }, "time"));
  const more = h("input", { list: "ids", placeholder: "Add an object", "aria-label": "Add an object", autocomplete: "off", onchange: () => {
    const known = numeric.some((one) => one.meta.object_id === more.value);
    if (known && !ids.includes(more.value)) go((next) => next.append("id", more.value));
  } });
  const offered = numeric.filter((one) => !ids.includes(one.meta.object_id) && valueAt(one.data, path) !== undefined).slice(0, 500);
  const chips = ids.map((id, at) => h("li", {}, h("span", { class: `swatch s${at}`, "aria-hidden": "true" }), h("span", {}, id),
    ids.length > 1 && h("button", { type: "button", "aria-label": `Remove ${id}`, onclick: () => go((next) => {
      next.delete("id");
      for (const other of ids) if (other !== id) next.append("id", other);
    }) }, "×")));
  return h("div", {}, h("div", { class: "tools" }, h("label", {}, "Value ", place), h("label", {}, "over ", axis),
    ids.length < MOST_OBJECTS && offered.length > 0 && more,
    h("datalist", { id: "ids" }, offered.map((one) => h("option", { value: one.meta.object_id })))),
  h("ul", { class: "chips", "aria-label": "Objects in the chart" }, chips));
}

function drawn(
  series: Series[], path: string, byTime: boolean, query: URLSearchParams, place: HTMLElement, ended: AbortSignal,
): Node[] {
  const xs = [...new Set(series.flatMap((one) => [...one.points.keys()]))].sort((a, b) => a - b);
  if (xs.length === 0) return [h("p", { class: "empty" }, `No revision has a number at ${label(path)}.`)];
  const range = { from: Number(query.get("from") ?? NaN), to: Number(query.get("to") ?? NaN) };
  const whole: [number, number] = [xs[0]!, xs.at(-1)!];
  let [from, to] = [Number.isNaN(range.from) ? whole[0] : range.from, Number.isNaN(range.to) ? whole[1] : range.to];

  const canvas = h("div", { class: "canvas", role: "img" });
  const [start, stop] = ["From", "To"].map((name) => h("input", { type: byTime ? "datetime-local" : "number", step: "any", "aria-label": `${name} ${byTime ? "time" : "revision"}` })) as [HTMLInputElement, HTMLInputElement];
  const all = h("button", { type: "button", onclick: () => show(...whole) }, "Show all");
  const rows = h("tbody", {});
  const seen = (): number[] => xs.filter((x) => x >= from && x <= to);
  const csv = h("button", { type: "button", onclick: () => download("chart.csv", "text/csv", csvOf(series, seen(), byTime)) }, "Download CSV");

  const data = [xs, ...series.map((one) => xs.map((x) => one.points.get(x) ?? null))] as uPlot.AlignedData;
  const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  let plot: uPlot | null = null;
  const make = (): void => {
    plot?.destroy();
    const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
    plot = new uPlot({
      width: Math.max(260, place.clientWidth - 34),
      height: HEIGHT,
      legend: { show: false },
      cursor: { drag: { x: true, y: false }, points: { size: 7 } },
      scales: { x: { time: byTime, range: (_, low, high) => (low === high ? [low - 1, high + 1] : [low, high]) } },
      axes: [axis, { ...axis, size: 64, values: (_, ticks) => ticks.map((one) => short(one)) }],
      series: [{}, ...series.map((one, at): uPlot.Series => ({
        label: one.name, stroke: colour(`--s${at}`), width: 2, dash: DASHES[Math.floor(at / 4)] ?? [], spanGaps: true,
        points: { show: xs.length < 100, size: 6 },
      }))],
      hooks: { setSelect: [(self) => {
        if (self.select.width > 4) show(self.posToVal(self.select.left, "x"), self.posToVal(self.select.left + self.select.width, "x"));
        self.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
      }], setCursor: [(self) => tell(self.cursor.idx ?? null)] },
    }, data, canvas);
    plot.setScale("x", { min: from, max: to });
  };
  const readout = h("p", { class: "readout quiet" });
  const tell = (at: number | null): void => {
    const x = at === null ? undefined : xs[at];
    readout.textContent = x === undefined ? "Drag over the chart to zoom." : `${shownX(x, byTime)}: ${series.map((one) => `${one.name} ${short(one.points.get(x)) || "–"}`).join(", ")}`;
  };
  const show = (low: number, high: number): void => {
    [from, to] = [Math.min(low, high), Math.max(low, high)];
    plot?.setScale("x", { min: from, max: to });
    update();
    const next = new URLSearchParams(query);
    next.set("path", path);
    if (from === whole[0] && to === whole[1]) {
      next.delete("from");
      next.delete("to");
    } else {
      next.set("from", String(Math.round(from * 100) / 100));
      next.set("to", String(Math.round(to * 100) / 100));
    }
    if (!next.has("id")) for (const one of series) next.append("id", one.name);
    settle(toChart(next));
  };
  const update = (): void => {
    const inside = seen();
    start.value = byTime ? local(from) : String(Math.round(from * 100) / 100);
    stop.value = byTime ? local(to) : String(Math.round(to * 100) / 100);
    canvas.setAttribute("aria-label", `Line chart of ${label(path)} over ${byTime ? "time" : "revisions"}: ${summary(series, inside)}`);
    rows.replaceChildren(...inside.map((x) => h("tr", {}, h("th", { scope: "row" }, shownX(x, byTime)),
      series.map((one) => h("td", {}, short(one.points.get(x)))))));
  };
  const typed = (): void => {
    const [low, high] = [start, stop].map((one) => (byTime ? Date.parse(one.value) / 1000 : Number(one.value))) as [number, number];
    if (Number.isFinite(low) && Number.isFinite(high) && low < high) show(low, high);
  };
  start.addEventListener("change", typed);
  stop.addEventListener("change", typed);

  update();
  tell(null);
  // The element has a width once it is in the page.
  const watch = new ResizeObserver(make);
  watch.observe(place);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", make, { signal: ended });
  ended.addEventListener("abort", () => {
    watch.disconnect();
    plot?.destroy();
  });
  return [canvas, readout, h("div", { class: "bar" }, h("span", { class: "range" }, start, " to ", stop), all, csv),
    h("details", {}, h("summary", {}, "Numbers"), h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Numbers of the chart" },
      h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, byTime ? "Time" : "Revision"),
        series.map((one) => h("th", { scope: "col" }, one.name)))), rows)))];
}

function summary(series: Series[], xs: number[]): string {
  return series.map((one) => {
    const values = xs.flatMap((x) => one.points.get(x) ?? []);
    if (values.length === 0) return `${one.name} has none here`;
    return `${one.name} from ${short(values[0])} to ${short(values.at(-1))}, lowest ${short(Math.min(...values))}, highest ${short(Math.max(...values))}`;
  }).join("; ");
}

function local(seconds: number): string {
  const date = new Date(seconds * 1000);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function shownX(x: number, byTime: boolean): string {
  return byTime ? new Date(x * 1000).toLocaleString() : String(x);
}

function csvOf(series: Series[], xs: number[], byTime: boolean): string {
  const lines = xs.map((x) => [byTime ? new Date(x * 1000).toISOString() : String(x), ...series.map((one) => String(one.points.get(x) ?? ""))]);
  return [[byTime ? "time" : "revision", ...series.map((one) => one.name)], ...lines].map((line) => line.map(csvField).join(",")).join("\r\n") + "\r\n";
}

/** Quoted where RFC 4180 asks for it; what a spreadsheet would compute stays text. */
function csvField(text: string): string {
  const safe = /^[=+@\t\r]|^-(?![\d.])/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
