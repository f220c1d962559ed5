/** A store: read from its snapshot, then what is newer from the public API; updated with a token. */

import { Api, ApiError, Unreachable, type Limits } from "./api.js";
import { readEntry, type Entry } from "./entries.js";
import { Repository } from "./github.js";
import { check, dump, type Json } from "./json.js";
import { historyOf, withStates, type Log } from "./log.js";
import type { Mode } from "./modes.js";
import { RULES, type HistoryEntry, type Issue, type Rules, type StoredObject, type Verdict } from "./records.js";
import { BrokenSnapshot, fileName, formatOf, isIntact, readSnapshot, type Format } from "./snapshot.js";
import { idKey, markerIn, objectId, same, uidLabel, unmoved } from "./titles.js";
import { counts, isObject, signers, storedObject, type LeftOut } from "./trust.js";

export const VERSION = "0.0.0";
const TEXT_LIMIT = 65_000;
const OVERLAP = 2_000; // milliseconds; GitHub's times have whole seconds

export interface StoreOptions {
  /** `owner/name`. */
  repository: string;
  /** Address of the snapshot; in a browser it may be relative.  Without one everything comes from the API. */
  snapshot?: string;
  /** Its format, where the address does not show it: a directory's ends in `/` or `/index.json`. */
  format?: Format;
  /** Address of the folder with a history's file for each object; `history/` beside the snapshot unless given. */
  history?: string;
  token?: string;
  api?: string;
  server?: string;
  rules?: Partial<Rules>;
  fetch?: typeof fetch;
}

export interface UpdateOptions {
  mode?: Mode;
  /** The idempotency key: the same author's second update with it counts once. */
  updateId?: string;
  ifRevision?: number;
  ifDigest?: string;
}

/** What became of the attempt to read what is newer than the snapshot. */
export interface Refreshed {
  /** Ids that are new or another revision now. */
  changed: string[];
  /** Ids that are gone. */
  removed: string[];
  leftOut: LeftOut[];
}

/** There is no such object, or no such revision. */
export class NotFound extends Error {
  override name = "NotFound";
}

/**
 * A store, read and updated.
 *
 * @typeParam T what the objects' data is.
 */
export class Store<T = Json> {
  readonly repository: string;
  readonly rules: Rules;
  /** The time of the newest revision in the snapshot, empty before it is read. */
  snapshotTime = "";
  readonly #options: StoreOptions;
  readonly #fetch: typeof fetch;
  readonly #github: Repository;
  readonly #leftOut = new Map<number, string>();
  #objects: Map<string, Held<T>> | null = null;

  constructor(options: StoreOptions) {
    this.repository = options.repository;
    this.rules = { ...RULES, ...options.rules };
    this.#options = options;
    this.#fetch = options.fetch ?? ((...given) => fetch(...given));
    const base = options.api ?? "https://api.github.com";
    this.#github = new Repository(new Api({ base, token: options.token, fetch: options.fetch }), options.repository, this.rules);
  }

  /** How many requests GitHub still allows; null before the first answer. */
  get limits(): Limits | null {
    return this.#github.api.limits;
  }

  /** Requests that counted against the limit. */
  get spent(): number {
    return this.#github.api.spent;
  }

  /** Issues with the store's label that are no object in it, as far as is known; a snapshot does not say why. */
  get leftOut(): LeftOut[] {
    return [...this.#leftOut].sort(([a], [b]) => a - b).map(([issue_number, reason]) => ({ issue_number, reason }));
  }

  // -- reading -------------------------------------------------------------------------------------------------------

  /** Every object, by id: of the snapshot, or where there is none of the API; `refresh` brings what is newer. */
  async list(): Promise<StoredObject<T>[]> {
    const held = await this.#load();
    return [...held.values()].sort((a, b) => (a.meta.object_id < b.meta.object_id ? -1 : 1));
  }

  /** One object as it is known.  @throws NotFound */
  async get(id: string): Promise<StoredObject<T>> {
    const found = (await this.#load()).get(this.#key(id));
    if (!found) throw new NotFound(`There is no object ${JSON.stringify(id)}.`);
    return found;
  }

  /** Reads what is newer than what is known: two requests, which with a token cost nothing where nothing is. */
  async refresh(): Promise<Refreshed> {
    const held = await this.#load();
    const since = this.snapshotTime ? new Date(Date.parse(this.snapshotTime) - OVERLAP).toISOString().replace(".000", "") : undefined;
    const live = await this.#github.issues(this.rules.baseLabel, since);
    const gone = this.#options.snapshot === undefined ? [] : await this.#github.issues(this.rules.archivedLabel, since);
    return this.#put(held, [...live, ...gone.filter((one) => !live.some((other) => other.number === one.number))]);
  }

  /** What happened to an object, oldest first, with the state of each revision: of its file, else of the API. */
  async history(id: string): Promise<HistoryEntry<T>[]> {
    const stored = await this.#storedHistory(id);
    const now = (await this.#load()).get(this.#key(id));
    if (stored && now && stored.some((one) => one.revision !== null && one.revision >= now.meta.version)) return stored;
    try {
      return historyOf(await this.#logs(id)) as HistoryEntry<T>[];
    } catch (error) {
      if (stored && error instanceof ApiError) return stored; // older than the object, and better than nothing
      throw error;
    }
  }

  /** The object as of a revision.  @throws NotFound where the log does not give that state for certain. */
  async at(id: string, revision: number): Promise<T> {
    const found = (await this.history(id)).find((one) => one.revision === revision);
    if (found?.state === undefined || found.certain === false) {
      throw new NotFound(`The log of ${JSON.stringify(id)} does not give revision ${revision}.`);
    }
    return found.state;
  }

  /** The ids of objects whose data is not what their digest says; empty for a store that is intact. */
  async verify(): Promise<string[]> {
    return (await this.list()).filter((one) => !isIntact(one)).map((one) => one.meta.object_id);
  }

  // -- writing -------------------------------------------------------------------------------------------------------

  /**
   * Posts an update and reopens the issue, so that the store's workflow applies it.  Takes a token.
   *
   * Where no answer comes the update may be there: post it again with the same `updateId`, and it counts once.
   */
  async update(id: string, data: Json | Partial<T>, options: UpdateOptions = {}): Promise<{ comment_id: number; url: string; updateId: string }> {
    const { meta } = await this.get(id);
    const updateId = options.updateId ?? crypto.randomUUID().replaceAll("-", "");
    const posted = await this.#github.post(meta.issue_number, updateText(check(data), { ...options, updateId }));
    await this.#github.reopen(meta.issue_number);
    return { comment_id: posted.id, url: posted.html_url, updateId };
  }

  // -- addresses -----------------------------------------------------------------------------------------------------

  /** The web address of an object's issue, or of one of its comments. */
  issueUrl(number: number, commentId?: number): string {
    const server = (this.#options.server ?? "https://github.com").replace(/\/+$/, "");
    return `${server}/${this.repository}/issues/${number}${commentId ? `#issuecomment-${commentId}` : ""}`;
  }

  /** The web address of an issue form, its fields filled in. */
  formUrl(template: string, fields: Record<string, string> = {}): string {
    return `${this.issueUrl(0).replace(/0$/, "new")}?${new URLSearchParams({ template, ...fields })}`;
  }

  // -- inside --------------------------------------------------------------------------------------------------------

  async #load(): Promise<Map<string, Held<T>>> {
    if (this.#objects) return this.#objects;
    if (this.#options.snapshot === undefined) {
      const held = new Map<string, Held<T>>();
      await this.#put(held, await this.#github.issues(this.rules.baseLabel));
      return this.#objects = held;
    }
    const address = this.#options.snapshot;
    const format = this.#options.format ?? formatOf(address);
    const base = format === "directory" ? folderOf(address) : address;
    const found = await readSnapshot<T>(format, (path) => this.#text(base + path));
    if (!same(found.repository || this.repository, this.repository)) {
      throw new BrokenSnapshot(`The snapshot is of the repository ${JSON.stringify(found.repository.slice(0, 80))}.`);
    }
    this.snapshotTime = found.time;
    for (const number of found.leftOut) this.#leftOut.set(number, "");
    return this.#objects = new Map(found.objects.map((one) => [this.#key(one.meta.object_id), one]));
  }

  async #put(held: Map<string, Held<T>>, issues: readonly Issue[]): Promise<Refreshed> {
    const result: Refreshed = { changed: [], removed: [], leftOut: [] };
    const numbers = new Map([...held.values()].map((one) => [one.meta.issue_number, one]));
    for (const issue of issues) {
      const before = numbers.get(issue.number);
      this.#leftOut.delete(issue.number);
      const found = await storedObject(issue, this.rules, this.#github, before?.meta);
      if (!isObject(found) && found.held && before) {
        result.leftOut.push(found);
        continue;
      }
      const key = isObject(found) ? this.#key(found.meta.object_id) : "";
      if (before && this.#key(before.meta.object_id) !== key) {
        held.delete(this.#key(before.meta.object_id));
        result.removed.push(before.meta.object_id);
      }
      if (!isObject(found)) {
        if (issue.labels.some((label) => same(label, this.rules.baseLabel))) result.leftOut.push(found);
        continue;
      }
      const holder = held.get(key);
      if (holder && holder.meta.issue_number !== issue.number) {
        const reason = `issue #${Math.min(holder.meta.issue_number, issue.number)} has the id ${found.meta.object_id} already`;
        const [now, then] = [found.first, holder.first ?? true]; // a snapshot does not say which goes first
        const wins = now === then ? issue.number < holder.meta.issue_number : now;
        result.leftOut.push({ issue_number: wins ? holder.meta.issue_number : issue.number, reason });
        if (!wins) continue;
      }
      held.set(key, found as Held<T>);
      if (!before || before.meta.version !== found.meta.version || before.meta.digest !== found.meta.digest) {
        result.changed.push(found.meta.object_id);
      }
    }
    for (const one of result.leftOut) if (!one.held) this.#leftOut.set(one.issue_number, one.reason);
    return result;
  }

  async #logs(id: string): Promise<Log[]> {
    const known = (await this.#load()).get(this.#key(id));
    const issues = known ? [await this.#github.issue(known.meta.issue_number)] : await this.#labelled(id);
    const found: { log: Log; previous: number }[] = [];
    let issue = issues.sort((a, b) => a.number - b.number)[0];
    if (!issue) throw new NotFound(`There is no object ${JSON.stringify(id)}.`);
    while (issue) {
      const { log, previous } = await this.#log(issue, id);
      found.unshift({ log, previous });
      issue = previous > 0 && previous < issue.number ? await this.#github.issue(previous) : undefined;
    }
    return found.map((one) => one.log);
  }

  async #labelled(id: string): Promise<Issue[]> {
    const found = await this.#github.issues(uidLabel(id, this.rules));
    return found.filter((one) => this.#key(objectId(one, this.rules).id) === this.#key(id));
  }

  #key(id: string): string {
    return idKey(id, this.rules);
  }

  async #log(issue: Issue, id: string): Promise<{ log: Log; previous: number }> {
    const [comments, renames] = [await this.#github.comments(issue.number), await this.#github.renames(issue)];
    const marker = markerIn(unmoved(issue.title), id);
    const copied = !comments.some((one) => one.id === marker?.comment);
    const people = signers(issue, id, renames).set(issue.author, "~"); // later than any time
    const entries = await Promise.all(comments.map(async (comment): Promise<Entry> => {
      const known = counts(comment.author, this.rules);
      const theirs = known || comment.updated_at <= (people.get(comment.author) ?? "");
      const trusted = theirs || (!comment.edited && await this.#github.isSigned(comment));
      const entry = readEntry(comment, trusted, known, this.rules.reactions.initialState);
      // A person's run names only older comments; in a copy the names are of other ids.
      if (!known && !copied && entry.after >= comment.id) return { ...entry, kind: "chat" };
      // gh-store's user opened the issue and wrote the state with one token; anybody else's is nothing.
      return entry.kind === "foreign" && comment.author !== issue.author ? { ...entry, kind: "chat" } : entry;
    }));
    const absorbed = entries.flatMap((one) => [...one.absorbed]);
    const verdicts = new Map<number, Verdict>([...absorbed, ...await this.#github.receipts(entries, people)]);
    const previous = entries.find((one) => one.previous)?.previous ?? 0;
    return { log: { issue, entries, verdicts, marker }, previous };
  }

  async #storedHistory(id: string): Promise<HistoryEntry<T>[] | null> {
    const { snapshot, history } = this.#options;
    const base = history ?? (snapshot === undefined ? undefined : `${folderOf(snapshot)}history/`);
    if (base === undefined) return null;
    const name = `${encodeURIComponent(fileName(id, uidLabel(id, this.rules)))}.jsonl`;
    const text = await this.#found(base + name) ?? await this.#foundByIndex(base, name);
    if (text === null) return null;
    const lines = text.split("\n").filter((line) => line.trim());
    return withStates(lines.map((line) => JSON.parse(line) as HistoryEntry)) as HistoryEntry<T>[];
  }

  /** Of many objects the files lie in folders, as the index says; in an address a name is encoded once more. */
  async #foundByIndex(base: string, name: string): Promise<string | null> {
    const index = await this.#found(`${base}index.json`);
    if (index === null) return null;
    const { objects } = JSON.parse(index) as { objects: Record<string, { path: string }> };
    const folders = Object.values(objects).map(({ path }) => /^((?:[0-9a-f]{1,2}\/)+)([^/]+)$/.exec(path));
    const place = folders.find((found) => found && encodeURIComponent(found[2]!) === name);
    return place ? this.#found(base + place[1] + name) : null;
  }

  async #found(address: string): Promise<string | null> {
    try {
      return await this.#text(address);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    }
  }

  async #text(address: string): Promise<string> {
    const absolute = new URL(address, globalThis.location?.href).href;
    let answer: Response;
    try {
      answer = await this.#fetch(absolute, { cache: "no-cache" });
    } catch (error) {
      throw new Unreachable(absolute, error);
    }
    if (!answer.ok) throw new ApiError(`${new URL(absolute).pathname} cannot be read: the server answered ${answer.status}.`, answer.status);
    return answer.text();
  }
}

type Held<T> = StoredObject<T> & { first?: boolean };

/** The text of an update's comment: for `update`, or for people to post. */
export function updateText(data: Json, options: UpdateOptions = {}): string {
  const { mode, updateId, ifRevision, ifDigest } = options;
  const meta = {
    client_version: VERSION,
    timestamp: new Date().toISOString().replace(/\.\d+/, ""),
    update_mode: mode ?? "append",
    ...(updateId ? { update_id: updateId } : {}),
    ...(ifRevision ? { if_revision: ifRevision } : {}),
    ...(ifDigest ? { if_digest: ifDigest } : {}),
  };
  const text = dump({ _data: data, _meta: meta });
  if (text.length > TEXT_LIMIT) throw new RangeError(`The update has more than ${TEXT_LIMIT} characters: divide it into several.`);
  return text;
}

function folderOf(address: string): string {
  return address.replace(/[?#].*$/, "").replace(/[^/]*$/, "");
}
