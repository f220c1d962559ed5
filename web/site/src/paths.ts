/** Places in JSON, named by JSON Pointers (RFC 6901): no key is ambiguous. */

import type { Json } from "gh-store-client";
import { visible } from "./values.js";

export function pointer(parts: readonly (string | number)[]): string {
  return parts.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

function partsOf(path: string): string[] {
  return path.split("/").slice(1).map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** As people read it: `owner.login`. */
export function label(path: string): string {
  return visible(partsOf(path).join(".")) || "(all)";
}

/** What reads the value at a place, of one object after another. */
export function reader(path: string): (data: Json | undefined) => Json | undefined {
  const parts = partsOf(path);
  return (data) => {
    let here = data;
    for (const part of parts) {
      if (typeof here !== "object" || here === null || !Object.hasOwn(here, part)) return undefined;
      here = (here as Record<string, Json>)[part];
    }
    return here;
  };
}

export function valueAt(data: Json | undefined, path: string): Json | undefined {
  return reader(path)(data);
}

const DEEPEST = 6;

/** The places of the numbers, in the order in which they stand. */
export function numbersIn(data: Json): string[] {
  return places(data, DEEPEST, () => false).filter((path) => typeof valueAt(data, path) === "number");
}

/** The places of what is no object, or looks like one value. */
export function places(data: Json, deepest: number, isOne: (value: Json) => boolean): string[] {
  const found: string[] = [];
  const walk = (value: Json, path: string, depth: number): void => {
    if (typeof value !== "object" || value === null || isOne(value)) {
      found.push(path);
    } else if (depth < deepest) {
      for (const [key, inner] of Object.entries(value)) walk(inner, path + pointer([key]), depth + 1);
    }
  };
  walk(data, "", 0);
  return found;
}

export interface Difference {
  path: string;
  before: Json | undefined;
  after: Json | undefined;
}

/** Where two values differ: scalars, and whole parts that only one of them has. */
export function differences(before: Json | undefined, after: Json | undefined, path = ""): Difference[] {
  const both = typeof before === "object" && before !== null && typeof after === "object" && after !== null
    && Array.isArray(before) === Array.isArray(after);
  if (!both) return before === after ? [] : [{ path, before, after }];
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  const inside = (value: Json, key: string): Json | undefined =>
    Object.hasOwn(value as object, key) ? (value as Record<string, Json>)[key] : undefined;
  return [...keys].flatMap((key) => differences(inside(before, key), inside(after, key), path + pointer([key])));
}
