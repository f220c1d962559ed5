/** The log's entries: what a comment says. */

import { digest } from "./digest.js";
import { InvalidJson, isObject, member, type Json, type JsonObject } from "./json.js";
import { isMode, type Mode } from "./modes.js";
import { isMisspelled, isMistaken } from "./mistakes.js";
import type { Comment, Verdict } from "./records.js";
import { readWritten } from "./written.js";

/** An update, what is meant as one and is none, a state that the store or gh-store wrote, a reply, or conversation. */
export type Kind = "update" | "invalid" | "checkpoint" | "foreign" | "reply" | "chat";

export interface Entry {
  comment: Comment;
  kind: Kind;
  patch: Json;
  /** Of an invalid update: whether it is JSON that was refused for its likely meaning alone. */
  isJson: boolean;
  mode: Mode;
  updateId: string;
  /** The login that the update says it is for, empty for none. */
  behalf: string;
  ifRevision: number | null;
  ifDigest: string;
  /** A checkpoint's place: right behind that comment. */
  after: number;
  revision: number;
  /** Of a checkpoint: the verdicts of updates that it holds and that had no receipt. */
  absorbed: ReadonlyMap<number, Verdict>;
  adopted: boolean;
  reason: string;
  /** Of an initial state: the issue that the object was rolled over from, 0 for none. */
  previous: number;
}

const REPLY = "<!-- gh-store refused ";
const ENVELOPE = ["_data", "_meta", "type"];
const OUTCOMES: readonly string[] = ["applied", "rejected", "unauthorized"];

/**
 * What a comment says; never throws.
 *
 * @param counts whether the author's states count in this log.
 * @param known whether they count in every log.
 * @param initial the reaction on an initial state.
 */
export function readEntry(comment: Comment, counts: boolean, known: boolean, initial: string): Entry {
  if (counts && comment.body.startsWith(REPLY)) return entry(comment, "reply");
  let value: JsonObject | Json[] | null;
  try {
    value = readWritten(comment.body);
  } catch (error) {
    if (!(error instanceof InvalidJson)) throw error;
    return entry(comment, "invalid", { patch: comment.body });
  }
  if (value === null) return entry(comment, "chat");
  if (isObject(value) && member(value, "type") === "initial_state") {
    if (isState(value)) return state(comment, value, counts, known, initial);
  }
  if (isObject(value) && (Object.hasOwn(value, "_meta") || Object.hasOwn(value, "_data"))) return envelope(comment, value);
  return entry(comment, isMistaken(value) ? "invalid" : "update", { patch: value, isJson: true });
}

function entry(comment: Comment, kind: Kind, more: Partial<Entry> = {}): Entry {
  return {
    comment, kind, patch: null, isJson: false, mode: "append", updateId: "", behalf: "", ifRevision: null, ifDigest: "", after: 0, revision: 0,
    absorbed: new Map(), adopted: false, reason: "", previous: 0, ...more,
  };
}

function isState(value: JsonObject): boolean {
  const keys = Object.keys(value).sort().join();
  const data = Object.hasOwn(value, "_data") ? Object.keys(value).every((key) => ENVELOPE.includes(key)) && value["_data"]
    : (keys === "_meta,data,type" || keys === "data,timestamp,type") && value["data"];
  return typeof data === "object" && data !== null && isObject(member(value, "_meta") ?? {});
}

function state(comment: Comment, value: JsonObject, counts: boolean, known: boolean, initial: string): Entry {
  const meta = (member(value, "_meta") ?? {}) as JsonObject;
  const updateId = String(member(meta, "update_id") || "");
  const patch = (Object.hasOwn(value, "_data") ? value["_data"] : value["data"]) as Json;
  // REST does not say who edited a comment; the key of a state has its digest.
  const own = !comment.edited || updateId.endsWith(`-${digest(patch).slice(0, 16)}`);
  if (!counts || !own || !(known || updateId)) {
    return (comment.reactions[initial] ?? 0) > 0 ? entry(comment, "foreign", { patch }) : entry(comment, "chat");
  }
  const whole = (name: string, least: number, otherwise: number): number => {
    const found = member(meta, name);
    return typeof found === "number" && Number.isInteger(found) && found >= least ? found : otherwise;
  };
  const verdicts = member(meta, "verdicts");
  const absorbed = Object.entries(isObject(verdicts) ? verdicts : {})
    .filter(([key, outcome]) => /^[0-9]{1,18}$/.test(key) && OUTCOMES.includes(String(outcome)))
    .map(([key, outcome]): [number, Verdict] => [Number(key), outcome as Verdict]);
  const reason = String(member(meta, "reason") || "");
  return entry(comment, "checkpoint", {
    patch,
    after: whole("after", 0, 0),
    revision: whole("revision", 1, 1),
    updateId,
    absorbed: new Map(absorbed),
    adopted: reason === "adopted",
    reason,
    previous: whole("previous", 1, 0),
  });
}

function envelope(comment: Comment, value: JsonObject): Entry {
  const meta = member(value, "_meta");
  const wrong = !Object.hasOwn(value, "_data") || !isObject(meta) || (member(value, "type") ?? null) !== null
    || Object.keys(value).some((key) => !ENVELOPE.includes(key));
  if (wrong || !isObject(meta) || isMisspelled(meta)) return entry(comment, "invalid", { patch: value });
  const mode = member(meta, "update_mode") ?? "append";
  const updateId = member(meta, "update_id") ?? null;
  const revision = member(meta, "if_revision") ?? null;
  const wanted = member(meta, "if_digest") ?? null;
  const behalf = member(meta, "on_behalf_of");
  const fits = isMode(mode)
    && (updateId === null || (typeof updateId === "string" && updateId !== "" && [...updateId].length <= 200))
    && (revision === null || (typeof revision === "number" && Number.isInteger(revision) && revision >= 1))
    && (wanted === null || (typeof wanted === "string" && /^[0-9a-f]{8,64}$/.test(wanted)));
  if (!fits) return entry(comment, "invalid", { patch: value });
  return entry(comment, "update", {
    patch: value["_data"] as Json, mode, updateId: updateId ?? "", ifRevision: revision, ifDigest: wanted ?? "",
    behalf: typeof behalf === "string" ? behalf.toLowerCase() : "",
  });
}
