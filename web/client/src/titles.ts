/** What makes an issue an object: its id, labels, title and the marker in the title. */

import type { Issue, Rules } from "./records.js";

/** How far a body is folded. */
export interface Marker {
  revision: number;
  comment: number;
  count: number;
  digest: string;
  recent: string[];
}

const PREFIX = "Stored Object: ";
const LABEL_LIMIT = 50;
const ID = /^[A-Za-z0-9._~:@+/-]+$/;
const TITLE = new RegExp(
  "^Stored Object: (?<id>\\S+) \\[r(?<r>[0-9]{1,15}) c(?<c>[0-9]{1,18}) n(?<n>[0-9]{1,10}) (?<d>[0-9a-f]{8})\\]" +
    "(?: \\((?<recent>(?:[0-9A-Za-z]{2}){1,10})\\))?$",
);
const MOVED = /^([^]*) ([-=])> #([0-9]{1,10})$/; // => while it moves, -> for good

/** Labels and ids do not tell cases apart. */
export function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** The id and the marker of a title; the id is empty where it is no object's title. */
export function readTitle(text: string): { id: string; marker: Marker | null } {
  const found = TITLE.exec(text)?.groups;
  if (found) {
    const { id, r, c, n, d, recent } = found as Record<string, string>;
    const marker = {
      revision: Number(r), comment: Number(c), count: Number(n), digest: d as string, recent: recent?.match(/../g) ?? [],
    };
    return { id: id as string, marker };
  }
  return { id: text.startsWith(PREFIX) ? text.slice(PREFIX.length).split(" ", 1)[0] as string : "", marker: null };
}

/** A title as it was before its object moved, the number of the issue that it moves to, else 0, and whether it has. */
export function readMoved(title: string): { title: string; movesTo: number; moved: boolean } {
  const found = MOVED.exec(title);
  if (!found) return { title, movesTo: 0, moved: false };
  return { title: found[1] as string, movesTo: Number(found[3]), moved: found[2] === "-" };
}

/** A title as it was before its object was moved to another issue. */
export function unmoved(title: string): string {
  return readMoved(title).title;
}

/** The marker of a title that names this object. */
export function markerIn(title: string, id: string): Marker | null {
  const found = readTitle(unmoved(title));
  return same(found.id, id) ? found.marker : null;
}

/** Why an id cannot be one, empty where it can. */
export function idProblem(id: string, rules: Rules): string {
  if (!ID.test(id)) return `the id ${JSON.stringify(id.slice(0, 80))} is empty or holds a character that it must not`;
  return id.length > LABEL_LIMIT - rules.uidPrefix.length ? `the id ${id.slice(0, 80)} is too long for a label` : "";
}

export function hasLabel(issue: Issue, name: string): boolean {
  return issue.labels.some((label) => same(label, name));
}

/** The id of the object that an issue is by its labels, else why there is none. */
export function objectId(issue: Issue, rules: Rules): { id: string; problem: string } {
  const prefix = rules.uidPrefix.toLowerCase();
  const claimed = issue.labels
    .filter((label) => label.toLowerCase().startsWith(prefix) && label.length > prefix.length)
    .map((label) => label.slice(prefix.length));
  const titled = readTitle(issue.title).id;
  const id = claimed.length === 1 ? claimed[0] : claimed.find((one) => same(one, titled));
  if (id !== undefined) return { id, problem: idProblem(id, rules) };
  return { id: "", problem: claimed.length ? "its labels claim more than one id" : "no label says which object it is" };
}
