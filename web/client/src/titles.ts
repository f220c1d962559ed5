/** What makes an issue an object: its id, labels, title and the marker in the title. */

import { sha256 } from "./digest.js";
import { RULES, type Issue, type Rename, type Rules } from "./records.js";

/** How far a body is folded. */
export interface Marker {
  revision: number;
  comment: number;
  count: number;
  digest: string;
  recent: string[];
}

const ID_LIMIT = 150;
const LABEL_LIMIT = 50;
const HASH = "="; // begins a label's text that stands for an id
const HASH_DIGITS = 32;
const TITLE_LIMIT = 256;
const KEPT_FREE = 15; // characters, for where the object moves to
const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const PLAIN = /^[A-Za-z0-9._~:@+/-]+$/;
const CONTROL = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;
const BLANK = /^\p{Zs}|\p{Zs}$/u;
const TITLE = /^Stored Object: (?:"(?<quoted>[^\n]+)"|(?<bare>\S+))(?<behind> [^"]*)?$/;
const MARKER = new RegExp(
  "^ \\[r(?<r>[0-9]{1,15}) c(?<c>[0-9]{1,18}) n(?<n>[0-9]{1,10}) (?<d>[0-9a-f]{8})\\]" +
    "(?: \\((?<recent>(?:[0-9A-Za-z]{2}){1,10})\\))?$",
);
/** How labels of gh-store 0.8 to 0.11 begin, and what they say of their issue. */
const RETIRED: readonly [string, string][] = [
  ["alias-to:", "made it an alias of"], ["merged-into:", "merged it into"],
  ["deprecated-by:", "put another issue in its place:"], ["deprecated-object", "deprecated it"],
];
const MOVED = /^([^]*) ([-=])> #([0-9]{1,10})$/; // => while it moves, -> for good

/** Labels and logins do not tell cases apart. */
export function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** Whether the label carries the id itself; it carries a hash of any other. */
function isPlain(id: string, rules: Rules): boolean {
  return PLAIN.test(id) && [...rules.uidPrefix].length + id.length <= LABEL_LIMIT;
}

/** What tells ids apart: one that a label carries has no case, all others are exact. */
export function idKey(id: string, rules: Rules): string {
  return isPlain(id, rules) ? id.toLowerCase() : id;
}

/** The label that finds the object, and with a hash in it perhaps others: the title says the whole id. */
export function uidLabel(id: string, rules: Rules): string {
  return rules.uidPrefix + (isPlain(id, rules) ? id : HASH + sha256(id).slice(0, HASH_DIGITS));
}

/** The id and the marker of a title; the id is empty where it is no object's title. */
export function readTitle(text: string): { id: string; marker: Marker | null } {
  const { quoted, bare, behind = "" } = TITLE.exec(text)?.groups ?? {};
  return { id: quoted ?? bare ?? "", marker: readMarker(behind) };
}

/** The title that carries the marker, with as many of the newest comments as fit. */
export function writeTitle(id: string, marker: Marker, rules: Rules = RULES): string {
  const { revision, comment, count, digest, recent } = marker;
  const text = `Stored Object: ${isPlain(id, rules) ? id : `"${id}"`} [r${revision} c${comment} n${count} ${digest}]`;
  const room = TITLE_LIMIT - KEPT_FREE - [...text].length - "0 ()".length;
  const known = recent.slice(-Math.floor(room / 2)).join("");
  return known ? `${text} (${known})` : text;
}

/** What a marker names a comment by: the last two digits of its id in base 62. */
export function shortId(comment: number): string {
  return DIGITS[Math.floor(comment / 62) % 62]! + DIGITS[comment % 62]!;
}

function readMarker(text: string): Marker | null {
  const found = MARKER.exec(text)?.groups;
  if (!found) return null;
  const { r, c, n, d, recent } = found as Record<string, string>;
  return { revision: Number(r), comment: Number(c), count: Number(n), digest: d as string, recent: recent?.match(/../g) ?? [] };
}

/** Whether a title, moved or not, names the object: an id in quotes is exact, a bare one has no case. */
export function names(title: string, id: string): boolean {
  const found = TITLE.exec(unmoved(title))?.groups;
  if (!found) return false;
  return found["quoted"] !== undefined ? found["quoted"] === id : same(found["bare"] as string, id) || unquoted(found) === id;
}

/** An id with blanks as gh-store writes it: all of the title behind its beginning, where no marker is in it. */
function unquoted({ bare = "", behind = "" }: Record<string, string | undefined>): string {
  return bare + (readMarker(behind) ? "" : behind);
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
  return names(title, id) ? readTitle(unmoved(title)).marker : null;
}

/** Why an id cannot be one, empty where it can. */
export function idProblem(id: string, rules: Rules): string {
  const what = `the id ${JSON.stringify(id.slice(0, 80))}`;
  if (!id || CONTROL.test(id)) return `${what} is empty or holds a control character`;
  if (BLANK.test(id)) return `${what} begins or ends with a blank`;
  if ([...id].length > ID_LIMIT) return `${what} has more than ${ID_LIMIT} characters`;
  if (id.normalize() !== id) return `${what} is not in Unicode's normal form C`;
  return [...uidLabel(id, rules)].length > LABEL_LIMIT ? `${what} does not fit into a label` : "";
}

export function hasLabel(issue: Issue, name: string): boolean {
  return issue.labels.some((label) => same(label, name));
}

/** The labels that say an id. */
export function uidLabels(issue: Issue, rules: Rules): string[] {
  const prefix = rules.uidPrefix.toLowerCase();
  return issue.labels.filter((label) => label.toLowerCase().startsWith(prefix) && label.length > prefix.length);
}

/** What gh-store made of the issue in favour of another one, by its labels; empty where it is one of its own. */
export function retired(issue: Issue): string {
  for (const [sign, deed] of RETIRED) {
    const label = issue.labels.find((one) => one.toLowerCase().startsWith(sign));
    if (label !== undefined) return `gh-store ${deed} ${label.slice(sign.length)}`.trimEnd();
  }
  return "";
}

/**
 * The id of the object that an issue is by its labels, else why there is none.
 *
 * A hash decides nothing: it stands for the id that a title of the issue says and that has this hash.
 *
 * @param renames changes of the title, newest first; what anybody but the author has set goes first.
 */
export function objectId(issue: Issue, rules: Rules, renames: readonly Rename[] = []): { id: string; problem: string } {
  const titles = [
    ...renames.filter((one) => one.login !== issue.author).map((one) => one.to), issue.title,
    ...renames.flatMap((one) => [one.to, one.from]),
  ];
  const all = uidLabels(issue, rules).map((label) => ({ label, id: idOf(label, titles, rules) }));
  const titled = titles.map((title) => all.find((one) => names(title, one.id))).find(Boolean);
  const [claimed, ...others] = titled ? [titled] : all;
  if (!claimed) return { id: "", problem: "no label says which object it is" };
  if (others.length) return { id: "", problem: "its labels claim more than one id" };
  const { id, label } = claimed;
  if (!id) return { id, problem: `its label ${label} stands for an id that no title names` };
  const right = uidLabel(id, rules);
  return { id, problem: idProblem(id, rules) || (same(label, right) ? "" : `its label is ${label}, and should be ${right}`) };
}

function idOf(label: string, titles: readonly string[], rules: Rules): string {
  const text = label.slice(rules.uidPrefix.length);
  if (!text.startsWith(HASH)) return text;
  const said = titles.map((title) => TITLE.exec(unmoved(title))?.groups).map((found) => found?.["quoted"] ?? (found ? unquoted(found) : ""));
  return said.find((id) => id && same(uidLabel(id, rules), label)) ?? "";
}
