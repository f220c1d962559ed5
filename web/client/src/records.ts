/** What the client reads and gives out.  Objects have the shape of a snapshot's file, histories that of a history's. */

import type { Json } from "./json.js";
import type { Mode } from "./modes.js";

/** What is known of an object beside its data. */
export interface Meta {
  object_id: string;
  label: string;
  issue_number: number;
  created_at: string;
  updated_at: string;
  version: number;
  digest: string;
  created_by?: string;
  /** Who wrote the last revision down, mostly the processor; REST does not tell. */
  updated_by?: string;
  issue_url?: string;
}

/** One object of the store. */
export interface StoredObject<T = Json> {
  data: T;
  meta: Meta;
}

export type Verdict = "applied" | "rejected" | "unauthorized" | "pending";

/** One entry of an object's history: an update, or a state that the store wrote down (mode `initial`). */
export interface HistoryEntry<T = Json> {
  revision: number | null;
  time: string;
  author: string;
  comment_id: number;
  mode: Mode | "initial";
  patch: Json;
  verdict: Verdict;
  digest: string | null;
  /** The object as of this revision. */
  state?: T;
  /** False where the log no longer gives exactly this state: comments were edited or deleted after the fact. */
  certain?: boolean;
}

/** The rules of a store, as `.github/gh-store.yml` has them. */
export interface Rules {
  baseLabel: string;
  uidPrefix: string;
  archivedLabel: string;
  /** Logins whose receipts, states and markers count everywhere. */
  processors: readonly string[];
  reactions: { processed: string; rejected: string; unauthorized: string; initialState: string };
  /** Who may write which objects: the first rule whose glob fits counts. */
  access: readonly AccessRule[];
}

/** Who may write the objects whose id fits the glob `match`: the least permission, or `anyone`, and some logins. */
export interface AccessRule {
  match: string;
  permission: string;
  users: readonly string[];
}

export const RULES: Rules = {
  baseLabel: "stored-object",
  uidPrefix: "UID:",
  archivedLabel: "archived",
  processors: ["github-actions[bot]"],
  reactions: { processed: "+1", rejected: "-1", unauthorized: "confused", initialState: "rocket" },
  access: [{ match: "*", permission: "write", users: [] }],
};

/** One change of an issue's title. */
export interface Rename {
  login: string;
  at: string;
  from: string;
  to: string;
}

/** One issue as REST shows it; logins are lower-cased. */
export interface Issue {
  number: number;
  title: string;
  body: string;
  author: string;
  labels: readonly string[];
  created_at: string;
  updated_at: string;
  comments: number;
  /** Of its page. */
  url: string;
}

/** One comment as REST shows it. */
export interface Comment {
  id: number;
  author: string;
  body: string;
  created_at: string;
  updated_at: string;
  edited: boolean;
  /** How many reactions of each content; whose they are takes a request of its own. */
  reactions: Readonly<Record<string, number>>;
}
