/** An object's log as the states that it went through. */

import { digest } from "./digest.js";
import type { Entry } from "./entries.js";
import type { Json } from "./json.js";
import { apply, isMode } from "./modes.js";
import type { HistoryEntry, Issue, Verdict } from "./records.js";
import { Refused } from "./refused.js";
import type { Marker } from "./titles.js";

const REPEAT_WINDOW = 50;
/** Updates that may or may not have repeated a key, of which each is tried alone. */
const MOST_OPEN = 20;
/** The login that GitHub shows for every deleted account. */
const GHOST = "ghost";
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
  const rest = updates.filter((one) => !doubtful.has(one.comment.id));
  const usual = repeatsIn(log.entries);
  const by = (some: readonly Entry[], repeats: Repeats) => foldBy(stateOf(base), some, log.verdicts, repeats);
  for (const repeats of [usual, ...otherRepeatsIn(log.entries, updates, usual)]) {
    for (const some of [updates, rest]) {
      const found = by(some, repeats);
      if (!leadsOn(log, found, following)) continue;
      // Of several keys that may have been repeated only the marker's digest says which were.
      const certain = !following || (repeats === usual && following.reason !== CHANGED);
      return found.points.map((point) => ({ ...point, certain }));
    }
  }
  return by(updates, usual).points.map((point) => ({ ...point, certain: false }));
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
  return foldBy(from, updates, recorded, repeatsIn(log));
}

function foldBy(
  from: State, updates: readonly Entry[], recorded: ReadonlyMap<number, Verdict>, earlier: Repeats,
): Folded {
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
type Repeats = ReadonlyMap<number, number>;

const keyOf = ({ comment, behalf, updateId }: Entry) => [comment.author, behalf, updateId];

/** Deleted accounts have one login, so theirs is the same key only with the same text. */
function repeatsIn(entries: readonly Entry[]): Repeats {
  const found = new Map<number, number>();
  const latest = new Map<string, [place: number, id: number]>();
  entries.forEach((entry, place) => {
    if (entry.kind !== "update" || !entry.updateId) return;
    const text = entry.comment.author === GHOST ? [entry.mode, digest(entry.patch)] : [];
    const key = JSON.stringify([...keyOf(entry), ...text]);
    const before = latest.get(key);
    if (before && place - before[0] <= REPEAT_WINDOW) found.set(entry.comment.id, before[1]);
    latest.set(key, [place, entry.comment.id]);
  });
  return found;
}

/**
 * What else may have been repeats when these updates were folded: a receipt does not say whether its update counted on
 * its own.  Each of the newest few is taken the other way, then all of one author.
 */
function otherRepeatsIn(entries: readonly Entry[], folded: readonly Entry[], usual: Repeats): Repeats[] {
  const ids = new Set(folded.map((one) => one.comment.id));
  const latest = new Map<string, number>();
  const openBy = new Map<string, Map<number, number>>();
  for (const entry of entries) {
    if (entry.kind !== "update" || !entry.updateId) continue;
    const [key, author, id] = [JSON.stringify(keyOf(entry)), JSON.stringify(keyOf(entry).slice(0, 2)), entry.comment.id];
    const before = latest.get(key);
    if (before !== undefined && ids.has(id)) openBy.set(author, (openBy.get(author) ?? new Map()).set(id, before));
    latest.set(key, id);
  }
  const alone = [...openBy.values()].flatMap((pairs) => [...pairs]).sort((a, b) => b[0] - a[0]).slice(0, MOST_OPEN);
  return [...alone.map((pair) => new Map([pair])), ...openBy.values()].map((pairs) => new Map([
    ...[...usual].filter(([repeat]) => !pairs.has(repeat)), ...[...pairs].filter(([repeat]) => !usual.has(repeat)),
  ]));
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

