/** What the list of objects is made of: columns, filters, order and search over the data. */

import type { Json, StoredObject } from "gh-store-client";
import { label, places, reader } from "./paths.js";
import { short } from "./values.js";

const SAMPLE = 400;
const DEPTH = 2;
const MOST_COLUMNS = 24;
const MOST_CHOICES = 12;
const MOST_FILTERS = 4;
const CHUNK = 500;

export interface Column {
  key: string;
  title: string;
  numeric: boolean;
  /** Of the width that is there. */
  weight: number;
  value: (one: StoredObject) => Json | undefined;
}

export interface Filter {
  path: string;
  title: string;
  choices: string[];
}

const FIXED: Column[] = [
  { key: "id", title: "Object", numeric: false, weight: 2, value: (one) => one.meta.object_id },
  { key: "revision", title: "Revision", numeric: true, weight: 0.8, value: (one) => one.meta.version },
  { key: "updated", title: "Updated", numeric: false, weight: 1.1, value: (one) => one.meta.updated_at },
];

/** All objects, ready to be searched at every key. */
export class Model {
  readonly columns: Column[];
  readonly filters: Filter[];
  readonly #texts: string[] = [];
  #ordered: { key: string; order: number[] } = { key: "", order: [] };
  /** What was found last: who types on looks through no more than that. */
  #last = { search: "", rest: "", found: [] as number[] };

  constructor(readonly objects: readonly StoredObject[]) {
    const step = Math.max(1, Math.floor(objects.length / SAMPLE));
    const sample = objects.filter((_, at) => at % step === 0);
    const counts = new Map<string, number>();
    for (const one of sample) {
      for (const path of places(one.data, DEPTH, Array.isArray)) counts.set(path, (counts.get(path) ?? 0) + 1);
    }
    const common = [...counts].filter(([path]) => path).sort((a, b) => b[1] - a[1]).slice(0, MOST_COLUMNS);
    const found = common.map(([path]): Column => {
      const read = reader(path);
      const values = sample.map((one) => read(one.data));
      const numeric = values.every((value) => ["number", "undefined"].includes(typeof value));
      const longest = Math.max(...values.map((value) => short(value).length));
      const weight = numeric ? 0.9 : Math.min(2.4, Math.max(1, longest / 14));
      return { key: path, title: label(path), numeric, weight, value: (one) => read(one.data) };
    });
    this.columns = [...FIXED.slice(0, 1), ...found, ...FIXED.slice(1)];
    this.filters = this.#filters(found);
    this.#prepare(0);
  }

  /** Few choices that come again and again make a filter. */
  #filters(columns: readonly Column[]): Filter[] {
    const found: Filter[] = [];
    for (const { key, title, value } of columns) {
      const choices = new Set<string>();
      for (const one of this.objects) {
        const there = value(one);
        if (typeof there === "string" || typeof there === "boolean") choices.add(String(there));
        else if (there !== undefined && there !== null) choices.clear();
        if (choices.size > MOST_CHOICES) break;
      }
      if (choices.size > 1 && choices.size <= MOST_CHOICES && choices.size * 2 <= this.objects.length) {
        found.push({ path: key, title, choices: [...choices].sort() });
      }
    }
    return found.slice(0, MOST_FILTERS);
  }

  /** The texts that are searched, some at a time, so that no key ever waits for all. */
  #prepare(from: number): void {
    for (let at = from; at < Math.min(from + CHUNK, this.objects.length); at += 1) this.#text(at);
    if (from + CHUNK < this.objects.length) setTimeout(() => this.#prepare(from + CHUNK));
  }

  #text(at: number): string {
    const one = this.objects[at]!;
    return this.#texts[at] ??= `${one.meta.object_id} ${JSON.stringify(one.data)}`.toLowerCase();
  }

  /** The objects in which every word stands and every filter fits, in order. */
  select(search: string, filters: ReadonlyMap<string, string>, sort: string): StoredObject[] {
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = [...filters].map(([path, value]) => ({ read: reader(path), value }));
    const rest = JSON.stringify([[...filters], sort]);
    const goesOn = this.#last.rest === rest && search.startsWith(this.#last.search);
    const found = (goesOn ? this.#last.found : this.#order(sort)).filter((at) =>
      wanted.every(({ read, value }) => String(read(this.objects[at]!.data) ?? "") === value)
      && words.every((word) => this.#text(at).includes(word)));
    this.#last = { search, rest, found };
    return found.map((at) => this.objects[at]!);
  }

  #order(sort: string): number[] {
    if (this.#ordered.key === sort && this.#ordered.order.length) return this.#ordered.order;
    const order = this.objects.map((_, at) => at);
    const [key, down] = sort.startsWith("-") ? [sort.slice(1), -1] : [sort, 1];
    const column = this.columns.find((one) => one.key === key);
    if (column) {
      const values = this.objects.map(column.value);
      order.sort((a, b) => compare(values[a], values[b], down) || a - b);
    }
    this.#ordered = { key: sort, order };
    return order;
  }
}

/** Numbers before texts before all else; what is not there comes last, whichever way. */
function compare(a: Json | undefined, b: Json | undefined, down: number): number {
  const [first, second] = [rank(a), rank(b)];
  if (first === 3 || second === 3) return first - second;
  if (first !== second) return (first - second) * down;
  if (first === 0) return ((a as number) - (b as number)) * down;
  const [one, other] = first === 1 ? [a as string, b as string] : [short(a), short(b)];
  return (one < other ? -1 : one > other ? 1 : 0) * down;
}

function rank(value: Json | undefined): number {
  if (value === undefined || value === null) return 3;
  return typeof value === "number" ? 0 : typeof value === "string" ? 1 : 2;
}
