/** An object's log as the states that it went through. */

import { digest } from "./digest.js";
import type { Entry } from "./entries.js";
import type { Json } from "./json.js";
import { apply, isMode } from "./modes.js";
import type { HistoryEntry, Issue, Verdict } from "./records.js";
import { Refused } from "./refused.js";
import type { Marker } from "./titles.js";

const REPEAT_WINDOW = 50;
const CHANGED = "the log was changed after the fact";
const BASIS = /^([0-9]{1,15})-[0-9]{1,18}-[0-9a-f]{16}$/;

/** One issue's log, read whole. */
export interface Log {
  issue: Issue;
  entries: readonly Entry[];
  marker: Marker | null;
  /** By comment id, what the receipts say. */
  verdicts: ReadonlyMap<number, Verdict>;
}

export interface Point {
  revision: number;
  data: Json;
  time: string;
  commentId: number;
  certain: boolean;
}

export interface State {
  revision: number;
  data: Json;
}

export interface Folded extends State {
  points: Point[];
  verdicts: ReadonlyMap<number, Verdict>;
  /** Whether each update with the verdict applied could be applied. */
  whole: boolean;
}

/** The history of an object over the issues that it was kept in, oldest first. */
export function historyOf(logs: readonly Log[]): HistoryEntry[] {
  const found: HistoryEntry[] = [];
  let newest = 0;
  for (const log of logs) {
    const made = new Map(pointsOf(log).filter((one) => one.revision > newest).map((one) => [one.commentId, one]));
    for (const entry of [...log.entries].sort(byPlace)) {
      if (entry.kind === "reply" || entry.kind === "chat") continue;
      const point = made.get(entry.comment.id);
      found.push({
        revision: point?.revision ?? null,
        time: point?.time ?? entry.comment.created_at,
        author: entry.comment.author,
        comment_id: entry.comment.id,
        mode: asks(entry) ? entry.mode : "initial",
        patch: entry.patch,
        verdict: !asks(entry) ? "applied" : log.verdicts.get(entry.comment.id) ?? "pending",
        digest: point ? digest(point.data) : null,
        ...(point ? { state: point.data, certain: point.certain } : {}),
      });
      newest = Math.max(newest, point?.revision ?? 0);
    }
  }
  return found;
}

/** In the order of effect: a state that the store enters late says what was before the comments after it. */
function byPlace(a: Entry, b: Entry): number {
  const stated = (one: Entry) => one.kind === "checkpoint" && one.updateId !== "";
  const place = (one: Entry) => (stated(one) ? one.after : one.comment.id);
  return place(a) - place(b) || Number(stated(a)) - Number(stated(b));
}

/** The states, in segments from a checkpoint to the place of the next one, the last to the marker. */
function pointsOf(log: Log): Point[] {
  const bases = checkpointsOf(log.entries);
  const found: Point[] = [];
  bases.forEach((base, at) => {
    const initial = !base.after && !base.previous;
    const time = initial ? log.issue.created_at : base.comment.created_at;
    found.push({ revision: base.revision, data: base.patch, time, commentId: base.comment.id, certain: true });
    found.push(...segment(log, base, bases[at + 1]));
  });
  let latest = "";
  for (const point of found) {
    latest = point.time > latest ? point.time : latest;
    point.time = latest;
  }
  return found;
}

/** The checkpoints in their places; of two with the same key the first one counts. */
function checkpointsOf(entries: readonly Entry[]): Entry[] {
  const seen = new Map<string, Entry>();
  for (const entry of entries) {
    if (entry.kind === "checkpoint" && entry.updateId && !seen.has(entry.updateId)) seen.set(entry.updateId, entry);
  }
  return [...seen.values()].sort((a, b) => a.after - b.after || a.comment.id - b.comment.id);
}

function segment(log: Log, base: Entry, following: Entry | undefined): Point[] {
  const until = following?.after ?? log.marker?.comment ?? Math.max(0, ...log.verdicts.keys());
  const updates = log.entries.filter(
    (one) => asks(one) && base.after < one.comment.id && one.comment.id <= until,
  );
  const doubtful = new Set(
    following ? following.absorbed.keys() : updates.map((one) => one.comment.id).filter((id) => !log.verdicts.has(id)),
  );
  const everything = fold(stateOf(base), updates, log.verdicts, log.entries);
  let found = everything;
  if (!leadsOn(log, found, following)) found = fold(stateOf(base), updates.filter((one) => !doubtful.has(one.comment.id)), log.verdicts, log.entries);
  const fits = leadsOn(log, found, following);
  const certain = fits && following?.reason !== CHANGED;
  return (fits ? found : everything).points.map((point) => ({ ...point, certain }));
}

function stateOf(base: Entry): State {
  return { revision: base.revision, data: base.patch };
}

/** Whether somebody wants a change. */
function asks(entry: Entry): boolean {
  return entry.kind === "update" || entry.kind === "invalid";
}

/**
 * Folds updates, ascending by id, onto a state.
 *
 * @param recorded verdicts that bind, by comment id.
 * @param log all that stands in the log: an idempotency key counts among the comments before it.
 */
export function fold(
  from: State, updates: readonly Entry[], recorded: ReadonlyMap<number, Verdict>, log: readonly Entry[],
): Folded {
  const earlier = repeatsIn(log);
  const verdicts = new Map<number, Verdict>();
  const folded: Folded = { points: [], ...from, whole: true, verdicts };
  for (const entry of updates) {
    const id = entry.comment.id;
    const bound = recorded.get(id);
    const first = earlier.get(id);
    const same = first === undefined ? undefined : verdicts.get(first) ?? recorded.get(first);
    if (same !== undefined && (bound === undefined || bound === same)) {
      verdicts.set(id, same);
      continue;
    }
    if (bound !== undefined && bound !== "applied") {
      verdicts.set(id, bound);
      continue;
    }
    const data = attempt(folded, entry, bound === "applied");
    verdicts.set(id, bound ?? (data === undefined ? "rejected" : "applied"));
    if (data === undefined) {
      folded.whole &&= bound !== "applied";
      continue;
    }
    folded.revision += 1;
    folded.data = data;
    folded.points.push({
      revision: folded.revision, data, time: entry.comment.created_at, commentId: id, certain: true,
    });
  }
  return folded;
}

/** What was applied once is taken as it says, whatever is refused today; its conditions were met then. */
function attempt(state: State, entry: Entry, taken: boolean): Json | undefined {
  if (taken) return entry.kind === "update" || entry.isJson ? applied(entry.mode, state.data, entry.patch) : undefined;
  if (entry.kind !== "update") return undefined;
  if (entry.ifRevision !== null && entry.ifRevision !== state.revision) return undefined;
  if (entry.ifDigest && !digest(state.data).startsWith(entry.ifDigest)) return undefined;
  return applied(entry.mode, state.data, entry.patch);
}

function applied(mode: HistoryEntry["mode"], state: Json, patch: Json): Json | undefined {
  if (!isMode(mode)) return undefined;
  try {
    return apply(mode, state, patch);
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
}

function leadsOn(log: Log, folded: Folded, following: Entry | undefined): boolean {
  if (!folded.whole) return false;
  if (following) return following.adopted || Number(BASIS.exec(following.updateId)?.[1] ?? -1) === folded.revision;
  if (!log.marker) return true;
  return folded.revision === log.marker.revision && digest(folded.data).startsWith(log.marker.digest);
}

/** By comment id, the update before it by the same author with the same idempotency key. */
function repeatsIn(entries: readonly Entry[]): Map<number, number> {
  const found = new Map<number, number>();
  const latest = new Map<string, [place: number, id: number]>();
  entries.forEach((entry, place) => {
    if (entry.kind !== "update" || !entry.updateId) return;
    const key = JSON.stringify([entry.comment.author, entry.updateId]);
    const before = latest.get(key);
    if (before && place - before[0] <= REPEAT_WINDOW) found.set(entry.comment.id, before[1]);
    latest.set(key, [place, entry.comment.id]);
  });
  return found;
}

/** A history's file with the state of every revision, folded from the states that it holds. */
export function withStates(entries: readonly HistoryEntry[]): HistoryEntry[] {
  let state: Json | undefined;
  return entries.map((entry) => {
    if (entry.revision === null) return entry;
    state = entry.state ?? (state === undefined ? undefined : applied(entry.mode, state, entry.patch));
    if (state === undefined) return { ...entry, certain: false };
    const certain = entry.certain !== false && (entry.digest === null || digest(state).startsWith(entry.digest));
    return { ...entry, state, certain };
  });
}

