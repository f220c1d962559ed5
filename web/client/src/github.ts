/** A repository's issues and comments, as the client needs them. */

import { Api, PAGE } from "./api.js";
import type { Comment, Issue, Rename, Rules, Verdict } from "./records.js";
import type { Entry } from "./entries.js";
import { counts, type Questions } from "./trust.js";

const MOST_RENAMES = 20;
const WRITERS = ["admin", "write"];

interface User { login: string }
interface RawIssue {
  number: number; title: string; body: string | null; user: User | null; labels: (string | { name: string })[];
  created_at: string; updated_at: string; comments: number; html_url: string; pull_request?: unknown;
}
interface RawComment {
  id: number; user: User | null; body: string; created_at: string; updated_at: string; reactions?: Record<string, number>;
}

export class Repository implements Questions {
  readonly #path: string;
  readonly #renames = new Map<string, Promise<Rename[]>>();
  readonly #rights = new Map<string, Promise<boolean | null>>();

  constructor(readonly api: Api, name: string, private readonly rules: Rules) {
    this.#path = `/repos/${name.split("/").map(encodeURIComponent).join("/")}`;
  }

  /** Issues with a label, in whatever state; with `since` those that GitHub calls updated at that time or later. */
  async issues(label: string, since?: string): Promise<Issue[]> {
    const query = new URLSearchParams({ labels: label, state: "all", per_page: String(PAGE), direction: "asc" });
    if (since) {
      query.set("since", since);
      query.set("sort", "updated");
    }
    const found = await this.api.all(`${this.#path}/issues?${query}`) as RawIssue[];
    const issues = found.filter((one) => !one.pull_request).map(issueFrom);
    return [...new Map(issues.map((one) => [one.number, one])).values()];
  }

  async issue(number: number): Promise<Issue> {
    return issueFrom(await this.api.get(`${this.#path}/issues/${number}`) as RawIssue);
  }

  async comments(number: number): Promise<Comment[]> {
    const found = await this.api.all(`${this.#path}/issues/${number}/comments?per_page=${PAGE}`) as RawComment[];
    return found.map(commentFrom).sort((a, b) => a.id - b.id);
  }

  renames(issue: Issue): Promise<Rename[]> {
    return once(this.#renames, `${issue.number} ${issue.updated_at}`, async () => {
      const path = `${this.#path}/issues/${issue.number}/events?per_page=${PAGE}`;
      const events = await this.api.newest(path, (items) => items.filter(isRename).length >= MOST_RENAMES);
      return events.filter(isRename).map(renameFrom).reverse().slice(0, MOST_RENAMES);
    });
  }

  /** Asks the permission API, which takes a token with push access. */
  mayWrite(login: string): Promise<boolean | null> {
    return once(this.#rights, login, async () => {
      if (!this.api.hasToken) return null;
      try {
        const path = `${this.#path}/collaborators/${encodeURIComponent(login)}/permission`;
        return WRITERS.includes((await this.api.get(path) as { permission: string }).permission);
      } catch (error) {
        const status = (error as { status?: number }).status;
        if (status === 404) return false;
        if (status === 403) return null; // this token may not ask
        throw error;
      }
    });
  }

  /** What the receipts on updates say.  Whose a reaction is, is asked only where contents contradict each other. */
  async receipts(entries: readonly Entry[], people: ReadonlySet<string>): Promise<Map<number, Verdict>> {
    const { processed, rejected, unauthorized } = this.rules.reactions;
    const meanings: [string, Verdict][] = [[processed, "applied"], [rejected, "rejected"], [unauthorized, "unauthorized"]];
    const found = new Map<number, Verdict>();
    for (const { comment, kind } of entries) {
      if (kind !== "update" && kind !== "invalid") continue;
      let said = meanings.filter(([content]) => (comment.reactions[content] ?? 0) > 0);
      if (said.length > 1) {
        const path = `${this.#path}/issues/comments/${comment.id}/reactions?per_page=${PAGE}`;
        const left = await this.api.all(path) as { content: string; user: User | null }[];
        const ours = left.filter((one) => people.has(loginOf(one.user)) || counts(loginOf(one.user), this.rules));
        said = meanings.filter(([content]) => ours.some((one) => one.content === content));
      }
      const last = said.at(-1);
      if (last) found.set(comment.id, last[1]);
    }
    return found;
  }

  async post(number: number, body: string): Promise<{ id: number; html_url: string }> {
    return await this.api.send("POST", `${this.#path}/issues/${number}/comments`, { body }) as { id: number; html_url: string };
  }

  async reopen(number: number): Promise<void> {
    await this.api.send("PATCH", `${this.#path}/issues/${number}`, { state: "open" });
  }
}

function once<T>(known: Map<string, Promise<T>>, key: string, ask: () => Promise<T>): Promise<T> {
  const before = known.get(key);
  if (before) return before;
  const asked = ask();
  known.set(key, asked);
  asked.catch(() => known.delete(key)); // whoever asks again hears it anew
  return asked;
}

function loginOf(user: User | null): string {
  return (user?.login ?? "ghost").toLowerCase();
}

function issueFrom(raw: RawIssue): Issue {
  const { number, title, created_at, updated_at, comments } = raw;
  const labels = raw.labels.map((label) => (typeof label === "string" ? label : label.name));
  const [author, body, url] = [loginOf(raw.user), raw.body ?? "", raw.html_url];
  return { number, title, body, author, labels, created_at, updated_at, comments, url };
}

function commentFrom(raw: RawComment): Comment {
  const { id, body, created_at, reactions } = raw;
  return { id, body, created_at, author: loginOf(raw.user), edited: raw.updated_at !== created_at, reactions: reactions ?? {} };
}

interface RawRename { event: string; actor: User | null; created_at: string; rename: { from: string; to: string } }

function isRename(event: unknown): event is RawRename {
  return (event as RawRename).event === "renamed";
}

function renameFrom(event: RawRename): Rename {
  return { login: loginOf(event.actor), at: event.created_at, from: event.rename.from, to: event.rename.to };
}
