/** A repository's issues and comments, as the client needs them. */

import { Api, PAGE } from "./api.js";
import { RULES, type Comment, type Issue, type Rename, type Rules, type Verdict } from "./records.js";
import type { Entry } from "./entries.js";
import { same } from "./titles.js";
import { counts, type Questions } from "./trust.js";

const NEWEST = 20; // changes of a title, and so many of the oldest
const OLDEST = 5;
const LEVELS = ["none", "read", "triage", "write", "maintain", "admin"]; // ascending

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
  readonly #rights = new Map<string, Promise<number | null>>();

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
      const ends = await this.api.ends(path, (items) => items.filter(isRename).length >= NEWEST);
      const [oldest, newest] = [ends.oldest, ends.newest].map((events) => events.filter(isRename).map(renameFrom).reverse());
      return [...newest!.slice(0, NEWEST), ...oldest!.slice(-OLDEST)];
    });
  }

  /** By the first rule that fits; owners in CODEOWNERS and members of teams are not asked for. */
  async mayWrite(login: string, id: string): Promise<boolean | null> {
    const rule = this.rules.access.find((one) => matches(one.match, id, login)) ?? RULES.access[0]!;
    if (rule.permission === "anyone" || (login !== "ghost" && rule.users.some((one) => same(one, login)))) return true;
    const level = await this.#level(login);
    return level === null ? null : level >= LEVELS.indexOf(rule.permission);
  }

  /** The rank of somebody's permission: that takes a token with push access. */
  #level(login: string): Promise<number | null> {
    return once(this.#rights, login, async () => {
      if (!this.api.hasToken) return null;
      try {
        const path = `${this.#path}/collaborators/${encodeURIComponent(login)}/permission`;
        const { permission, role_name } = await this.api.get(path) as { permission: string; role_name?: string };
        // Maintain is told as write, and triage as read; the name of the role tells them apart.
        const role = `${permission}/${role_name}`;
        return LEVELS.indexOf(role === "write/maintain" || role === "read/triage" ? role_name! : permission);
      } catch (error) {
        const status = (error as { status?: number }).status;
        if (status === 404) return 0;
        if (status === 403) return null; // this token may not ask
        throw error;
      }
    });
  }

  /** What the receipts on updates say.  Whose a reaction is, is asked only where contents contradict each other. */
  async receipts(entries: readonly Entry[], people: ReadonlyMap<string, string>): Promise<Map<number, Verdict>> {
    const { processed, rejected, unauthorized } = this.rules.reactions;
    const meanings: [string, Verdict][] = [[processed, "applied"], [rejected, "rejected"], [unauthorized, "unauthorized"]];
    const found = new Map<number, Verdict>();
    for (const { comment, kind } of entries) {
      if (kind !== "update" && kind !== "invalid") continue;
      let said = meanings.filter(([content]) => (comment.reactions[content] ?? 0) > 0);
      if (said.length > 1) {
        const ours = (await this.#reactions(comment)).filter(({ login }) => people.has(login) || counts(login, this.rules));
        said = meanings.filter(([content]) => ours.some((one) => one.content === content));
      }
      const last = said.at(-1);
      if (last) found.set(comment.id, last[1]);
    }
    return found;
  }

  /** Whether a processor has left the receipt that lets a person's state or reply count. */
  async isSigned(comment: Comment): Promise<boolean> {
    const { initialState } = this.rules.reactions;
    if (!comment.reactions[initialState]) return false;
    return (await this.#reactions(comment)).some((one) => one.content === initialState && counts(one.login, this.rules));
  }

  async #reactions(comment: Comment): Promise<{ content: string; login: string }[]> {
    const path = `${this.#path}/issues/comments/${comment.id}/reactions?per_page=${PAGE}`;
    const left = await this.api.all(path) as { content: string; user: User | null }[];
    return left.map((one) => ({ content: one.content, login: loginOf(one.user) }));
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
  asked.catch(() => known.delete(key)); // asking again asks GitHub again
  return asked;
}

/** Whether an id fits a glob: `*`, `?` and `[…]` as Python's fnmatch has them, and `{login}`; case does not count. */
export function matches(glob: string, id: string, login: string): boolean {
  const filled = glob.replaceAll("{login}", login.replace(/[*?[]/g, "[$&]"));
  const pattern = filled.toLowerCase().replace(/\[(!?)([^\]]+)\]|[*?]|[.+^${}()|[\]\\/]/gu, (one, not: string | undefined, set: string | undefined) =>
    set !== undefined ? `[${not ? "^" : ""}${set.replace(/[\\^\]]/g, "\\$&")}]` : one === "*" ? ".*" : one === "?" ? "." : `\\${one}`);
  return new RegExp(`^(?:${pattern})$`, "su").test(id.toLowerCase());
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
  const { id, body, created_at, updated_at, reactions } = raw;
  return { id, body, created_at, updated_at, author: loginOf(raw.user), edited: updated_at !== created_at, reactions: reactions ?? {} };
}

interface RawRename { event: string; actor: User | null; created_at: string; rename: { from: string; to: string } }

function isRename(event: unknown): event is RawRename {
  return (event as RawRename).event === "renamed";
}

function renameFrom(event: RawRename): Rename {
  return { login: loginOf(event.actor), at: event.created_at, from: event.rename.from, to: event.rename.to };
}
