/** Snapshots as files: `json`, `jsonl` (an object a line, also called NDJSON) and a directory with an index. */

import { digest, sha256 } from "./digest.js";
import { isExact, isObject, member, type Json, type JsonObject } from "./json.js";
import type { Meta, StoredObject } from "./records.js";

export type Format = "json" | "jsonl" | "directory";

/** All objects as of one moment. */
export interface Snapshot<T = Json> {
  /** The time of the newest revision in it; what changed later is newer. */
  time: string;
  repository: string;
  objects: StoredObject<T>[];
  /** Numbers of issues with the store's label that are not in. */
  leftOut: number[];
}

/** A file that is no snapshot; `message` says why. */
export class BrokenSnapshot extends Error {
  override name = "BrokenSnapshot";
}

const NO_TIME = "1970-01-01T00:00:00Z";
const META: (keyof Meta)[] = ["object_id", "label", "issue_number", "created_at", "updated_at", "version", "digest"];
const SHARDED = /^objects\/(?:[0-9a-f]{1,2}\/)+/; // of more objects than GitHub lists in a folder
const RESERVED = /^(?:con|prn|aux|nul|com[1-9]|lpt[1-9])$/;

/** What an address holds, by its name. */
export function formatOf(address: string): Format {
  const path = address.replace(/[?#].*$/, "");
  if (/\.(?:jsonl|ndjson)$/.test(path)) return "jsonl";
  return path.endsWith("/") || path.endsWith("/index.json") ? "directory" : "json";
}

/** An object's file in a directory, without its suffix: safe on every file system.  Where its label has a hash, so has it. */
export function fileName(id: string, label: string): string {
  if (!label.toLowerCase().endsWith(id.toLowerCase())) return `=${sha256(id)}`;
  let name = encodeURIComponent(id)
    .replace(/[!'()*~]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%40", "@").replaceAll("%2B", "+");
  if (name.startsWith(".")) name = `%2E${name.slice(1)}`;
  if (RESERVED.test(name.split(".", 1)[0]!.toLowerCase())) {
    name = `%${name.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}${name.slice(1)}`;
  }
  return name;
}

/**
 * Reads a snapshot.
 *
 * @param load gives a file's text; its argument is what follows the snapshot's address, empty for the one file.
 * @throws BrokenSnapshot
 */
export async function readSnapshot<T = Json>(
  format: Format, load: (path: string) => Promise<string>,
): Promise<Snapshot<T>> {
  if (format === "jsonl") return lines<T>(await load(""));
  const head = object(json(await load(format === "json" ? "" : "index.json")), "the snapshot");
  const listed = object(member(head, "objects"), "its objects");
  const found = format === "json"
    ? Object.entries(listed).map(([id, one]) => stored<T>(one, id))
    : await folder<T>(listed, load);
  return { ...known(head), objects: found };
}

async function folder<T>(listed: JsonObject, load: (path: string) => Promise<string>): Promise<StoredObject<T>[]> {
  const ids = Object.keys(listed);
  const found: StoredObject<T>[] = new Array(ids.length);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < ids.length) {
      const at = next++;
      const id = ids[at]!;
      const entry = object(listed[id], `the entry ${id}`);
      const name = fileName(id, String(member(entry, "label")));
      const folders = SHARDED.exec(String(member(entry, "path")))?.[0] ?? "objects/";
      // A percent sign of the file's name is one of its characters, so the address escapes it.
      found[at] = stored<T>(json(await load(`${folders}${encodeURIComponent(name)}.json`)), id);
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return found;
}

function lines<T>(text: string): Snapshot<T> {
  const objects: StoredObject<T>[] = [];
  let head: JsonObject = {};
  for (const line of text.split("\n")) {
    if (!line.trim()) continue;
    const value = object(json(line), "a line");
    if (!Object.hasOwn(value, "object_id")) {
      head = { ...head, ...value };
      continue;
    }
    head = { ...head, repository: value["repository"] ?? null };
    objects.push(stored<T>(value, String(value["object_id"])));
  }
  const time = objects.reduce((latest, one) => (one.meta.updated_at > latest ? one.meta.updated_at : latest), NO_TIME);
  return { ...known({ ...head, snapshot_time: time }), objects };
}

function known(head: JsonObject): Omit<Snapshot, "objects"> {
  const left = member(head, "left_out");
  return {
    time: String(member(head, "snapshot_time") ?? NO_TIME),
    repository: String(member(head, "repository") ?? ""),
    leftOut: Array.isArray(left) ? left.map(Number) : [],
  };
}

function stored<T>(value: Json | undefined, id: string): StoredObject<T> {
  const found = object(value, `the entry ${id}`);
  const meta = object(member(found, "meta"), `the entry ${id}`);
  if (meta["object_id"] !== id || !META.every((name) => Object.hasOwn(meta, name)) || !isContainer(member(found, "data"))) {
    throw new BrokenSnapshot(`The entry ${JSON.stringify(id.slice(0, 80))} of the snapshot is not an object's.`);
  }
  return { data: found["data"] as T, meta: meta as unknown as Meta };
}

function isContainer(value: Json | undefined): boolean {
  return typeof value === "object" && value !== null;
}

function object(value: Json | undefined, what: string): JsonObject {
  if (!isObject(value)) throw new BrokenSnapshot(`${what[0]!.toUpperCase()}${what.slice(1)} is no JSON object.`);
  return value;
}

function json(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new BrokenSnapshot(`The snapshot cannot be read: ${(error as Error).message}`);
  }
}

/** Whether an object's data is what its digest says, or holds integers that no double can check. */
export function isIntact(one: StoredObject<unknown>): boolean {
  return digest(one.data as Json) === one.meta.digest || !isExact(one.data as Json);
}
