/** Whether an issue is an object: by what GitHub enforces, as every reader of a store decides it. */

import { digest } from "./digest.js";
import {
  hasLabel, idKey, markerIn, names, objectId, readMoved, readTitle, retired, same, uidLabel, uidLabels, unmoved, type Marker,
} from "./titles.js";
import type { Issue, Meta, Rename, Rules, StoredObject } from "./records.js";
import { readBody } from "./written.js";

/** What GitHub has to be asked about an issue; each is asked once, and only where the issue does not tell. */
export interface Questions {
  /** Changes of its title, newest first: the newest ones, and the oldest, which nobody can push out of sight. */
  renames(issue: Issue): Promise<readonly Rename[]>;
  /** Whether somebody may write an object; null for no answer, which is never a yes. */
  mayWrite(login: string, id: string): Promise<boolean | null>;
}

/** An issue with the store's label that is no object, and why. */
export interface LeftOut {
  issue_number: number;
  reason: string;
  /** Whether it is the object still, and what was known of it before stays. */
  held?: boolean;
}

/** An object, and whether it goes before others with its id: the store has signed it, or opened it as this object. */
export type Read = StoredObject & { first: boolean };

export function counts(login: string, rules: Rules): boolean {
  return rules.processors.some((one) => same(one, login));
}

/** The login of all deleted accounts. */
const GHOST = "ghost";

/**
 * Who but the author has set a marker of this object, and when they did so last: what they have posted or edited later does not
 * count, for they may have lost the right.
 */
export function signers(issue: Issue, id: string, renames: readonly Rename[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const { login, at, to } of renames) {
    if (login && login !== GHOST && login !== issue.author && markerIn(to, id) && at > (found.get(login) ?? "")) found.set(login, at);
  }
  return found;
}

/**
 * The object that an issue is.
 *
 * @param known the snapshot's issue with that number: whoever made the snapshot has accepted it.
 */
export async function storedObject(issue: Issue, rules: Rules, ask: Questions, known?: Meta): Promise<Read | LeftOut> {
  const out = (reason: string): LeftOut => ({ issue_number: issue.number, reason });
  if (!hasLabel(issue, rules.baseLabel)) return out(`it does not carry the label ${rules.baseLabel}`);
  if (hasLabel(issue, rules.archivedLabel)) return out("the object is deleted");
  const gone = retired(issue);
  if (gone) return out(gone);
  const now = objectId(issue, rules);
  if (now.problem && (now.id || !uidLabels(issue, rules).length)) return out(now.problem); // which no title changes
  const ours = counts(issue.author, rules);
  // What a processor opened and titles still is signed by all titles that there can be.
  const titles = ours && !now.problem && names(issue.title, now.id) ? [] : await ask.renames(issue);
  const { id, problem } = objectId(issue, rules, titles);
  if (problem) return out(problem);
  const set = titles.length ? titles : [{ login: issue.author, at: issue.created_at, from: "", to: issue.title }];
  const trusted = set.filter((one) => ours || (one.login !== "" && one.login !== issue.author));
  const other = otherId(issue, id, trusted);
  if (other) return out(`its label says ${id}, but its title says ${other}`);
  const signed = trusted.some((one) => markerIn(one.to, id));
  const named = ours && set.some((one) => names(one.to, id));
  let may: boolean | null = null;
  if (!signed && !named) {
    may = await ask.mayWrite(issue.author, id);
    const before = known !== undefined && idKey(known.object_id, rules) === idKey(id, rules);
    if (may === null && !before) return out(`it is not accepted yet: GitHub did not say whether ${issue.author} may write`);
    if (may === false) return out(`it was opened by ${issue.author}, who may not write here`);
  }
  const title = may === true ? issue.title : trusted[0]?.to ?? "";
  const marker = markerIn(title, id);
  const { movesTo, moved } = readMoved(title);
  if (moved && marker) return out(`its object is kept in issue #${movesTo}`);
  const data = readBody(issue.body);
  if (data === undefined) return out("its body cannot be read as an object");
  const found = digest(data);
  // REST does not tell who edited a body, and the author can without the right to.
  const told = signed ? marker !== null && found.startsWith(marker.digest) : named || may === true || known?.digest === found;
  if (!told) return { ...out("its body was edited, and that edit is not processed yet"), held: true };
  return { data, meta: metaOf(issue, id, found, marker, rules, known), first: signed || named };
}

function metaOf(
  issue: Issue, id: string, found: string, marker: Marker | null, rules: Rules, known: Meta | undefined,
): Meta {
  const version = marker?.revision ?? issue.comments + 1;
  const same_state = known && known.version === version && known.digest === found;
  return {
    object_id: id,
    label: uidLabel(id, rules),
    issue_number: issue.number,
    created_at: issue.created_at,
    updated_at: same_state ? known.updated_at : issue.updated_at,
    version,
    digest: found,
    created_by: issue.author,
    ...(same_state && known.updated_by !== undefined ? { updated_by: known.updated_by } : {}),
    issue_url: issue.url,
  };
}

/** The id that the newest signed title names, where no signed title names the label's; else empty. */
function otherId(issue: Issue, id: string, signed: readonly Rename[]): string {
  let other = "";
  for (const { to } of signed) {
    const { id: named, marker } = readTitle(unmoved(to));
    if (!marker) continue;
    if (names(to, id)) return "";
    other ||= named;
  }
  return other || (names(issue.title, id) ? "" : readTitle(unmoved(issue.title)).id);
}

export function isObject(found: Read | LeftOut): found is Read {
  return "meta" in found;
}
