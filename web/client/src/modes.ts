/** The ways an update changes an object, and the limits that hold after each. */

import { BODY_LIMIT, check, DEPTH_LIMIT, equal, InvalidJson, isObject, member, put, size, type Json, type JsonObject } from "./json.js";
import { operate } from "./operators.js";
import { Refused } from "./refused.js";

export type Mode = "append" | "replace" | "merge-patch" | "json-patch" | "operators";

const COPY_LIMIT = 10 * BODY_LIMIT;
const MODES: Record<Mode, (state: Json, patch: Json) => Json> = {
  append,
  replace: (_, patch) => patch,
  "merge-patch": mergePatch,
  "json-patch": jsonPatch,
  operators: operate,
};

export function isMode(name: unknown): name is Mode {
  return typeof name === "string" && Object.hasOwn(MODES, name);
}

/** The state after an update; neither argument is changed.  @throws Refused */
export function apply(mode: Mode, state: Json, patch: Json): Json {
  let result: Json;
  try {
    result = check(MODES[mode](state, patch));
  } catch (error) {
    if (error instanceof InvalidJson) throw new Refused(`the result cannot be stored: ${error.message}`);
    throw error;
  }
  if (typeof result !== "object" || result === null) throw new Refused("the data must be an object or an array");
  if (size(result) > BODY_LIMIT) throw new Refused(`the result would have more than ${BODY_LIMIT} characters`);
  return result;
}

function append(state: Json, patch: Json): Json {
  if (!isObject(state) || !isObject(patch)) throw new Refused("append merges objects; use replace");
  const result = { ...state };
  for (const [key, value] of Object.entries(patch)) {
    const old = member(result, key);
    put(result, key, isObject(old) && isObject(value) ? append(old, value) : value);
  }
  return result;
}

/** RFC 7396. */
function mergePatch(state: Json, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const result: JsonObject = isObject(state) ? { ...state } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else put(result, key, mergePatch(member(result, key) ?? null, value));
  }
  return result;
}

const MEMBERS: Record<string, string[]> = {
  add: ["value"], remove: [], replace: ["value"], move: ["from"], copy: ["from"], test: ["value"],
};

/** RFC 6902: all operations or none. */
function jsonPatch(state: Json, patch: Json): Json {
  if (!Array.isArray(patch)) throw new Refused("a JSON Patch is an array of operations");
  let document = structuredClone(state);
  let handled = 0;
  for (const operation of patch) {
    const kind = isObject(operation) ? member(operation, "op") : undefined;
    const needed = typeof kind === "string" && Object.hasOwn(MEMBERS, kind) ? MEMBERS[kind] : undefined;
    if (!isObject(operation) || !needed) throw new Refused("an operation is an object with a known `op`");
    for (const name of ["path", ...needed]) {
      const value = member(operation, name);
      if (value === undefined || (name !== "value" && typeof value !== "string")) throw new Refused(`\`${name}\` is missing`);
    }
    const path = pointer(operation["path"] as string);
    let value = structuredClone(member(operation, "value") ?? null);
    if (needed[0] === "from") {
      const from = pointer(operation["from"] as string);
      value = structuredClone(valueAt(document, from));
      handled += size(value);
      if (handled > COPY_LIMIT) throw new Refused("the patch copies and moves too much");
      if (path.length + depthOf(value) > DEPTH_LIMIT) throw new Refused(`the result nests deeper than ${DEPTH_LIMIT}`);
      if (kind === "move") {
        if (path.length === from.length && from.every((part, at) => part === path[at])) continue;
        if (from.every((part, at) => part === path[at])) throw new Refused("a value cannot move into itself");
        document = removed(document, from);
      }
    }
    if (kind === "test") {
      if (!equal(valueAt(document, path), value)) throw new Refused("the test failed");
    } else if (kind === "remove") {
      document = removed(document, path);
    } else {
      if (kind === "replace") valueAt(document, path);
      document = placed(document, path, value, kind !== "replace");
    }
  }
  return document;
}

function pointer(text: string): string[] {
  if (text !== "" && !text.startsWith("/")) throw new Refused("a path begins with /");
  if (/~(?![01])/.test(text)) throw new Refused("in a path ~ stands before 0 or 1");
  const parts = text.split("/").slice(1).map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  if (parts.length > DEPTH_LIMIT) throw new Refused(`the path has more than ${DEPTH_LIMIT} parts`);
  return parts;
}

function valueAt(document: Json, path: string[]): Json {
  let here = document;
  for (const part of path) {
    const below = Array.isArray(here) ? here[index(here, part)] : isObject(here) ? member(here, part) : undefined;
    if (below === undefined) throw new Refused(`there is nothing at ${part}`);
    here = below;
  }
  return here;
}

function index(array: Json[], part: string): number {
  if (!/^(?:0|[1-9]\d*)$/.test(part)) throw new Refused(`${part} is no index of an array`);
  return Math.min(Number(part), array.length + 1);
}

function removed(document: Json, path: string[]): Json {
  valueAt(document, path);
  const part = path[path.length - 1];
  if (part === undefined) throw new Refused("the whole document cannot be removed");
  const parent = valueAt(document, path.slice(0, -1));
  if (Array.isArray(parent)) parent.splice(index(parent, part), 1);
  else delete (parent as JsonObject)[part];
  return document;
}

function placed(document: Json, path: string[], value: Json, inserts: boolean): Json {
  const part = path[path.length - 1];
  if (part === undefined) return value;
  const parent = valueAt(document, path.slice(0, -1));
  if (Array.isArray(parent)) {
    const at = part === "-" ? parent.length : index(parent, part);
    if (at > parent.length) throw new Refused(`there is nothing before ${part}`);
    parent.splice(at, inserts ? 0 : 1, value);
  } else if (isObject(parent)) put(parent, part, value);
  else throw new Refused(`nothing can stand at ${part}`);
  return document;
}

function depthOf(value: Json): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}
