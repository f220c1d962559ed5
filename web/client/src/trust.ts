/** Whether an issue is an object: by what GitHub enforces, as every reader of a store decides it. */

import { digest } from "./digest.js";
import { hasLabel, markerIn, objectId, readTitle, same, unmoved, type Marker } from "./titles.js";
import type { Issue, Meta, Rename, Rules, StoredObject } from "./records.js";
import type { Json } from "./json.js";
import { readBody } from "./written.js";

/** What GitHub has to be asked about an issue; each is asked once, and only where the issue does not tell. */
export interface Questions {
  /** The changes of its title, newest first. */
  renames(issue: Issue): Promise<readonly Rename[]>;
  /** Whether somebody may write; null for no answer, which is never a yes. */
  mayWrite(login: string): Promise<boolean | null>;
}

/** An issue with the store's label that is no object, and why. */
export interface LeftOut {
  issue_number: number;
  reason: string;
}

export function counts(login: string, rules: Rules): boolean {
  return rules.processors.some((one) => same(one, login));
}

/** Who but the author has set a marker of this object: with the rights of that day. */
export function signers(issue: Issue, id: string, renames: readonly Rename[]): Set<string> {
  const found = renames.filter((one) => one.login && one.login !== issue.author && markerIn(one.to, id));
  return new Set(found.map((one) => one.login));
}

/**
 * The object that an issue is.
 *
 * @param known the snapshot's issue with that number: whoever made the snapshot has accepted it.
 */
export async function storedObject(
  issue: Issue, rules: Rules, ask: Questions, known?: Meta,
): Promise<StoredObject & { accepted: boolean } | LeftOut> {
  const out = (reason: string): LeftOut => ({ issue_number: issue.number, reason });
  if (!hasLabel(issue, rules.baseLabel)) return out(`it does not carry the label ${rules.baseLabel}`);
  if (hasLabel(issue, rules.archivedLabel)) return out("the object is deleted");
  const { id, problem } = objectId(issue, rules);
  if (problem) return out(problem);
  const ours = counts(issue.author, rules);
  let accepted = ours;
  if (!ours || !same(readTitle(unmoved(issue.title)).id, id)) {
    const renames = await ask.renames(issue);
    const other = otherId(issue, id, renames, ours);
    if (other) return out(`its label says ${id}, but the title that the store wrote says ${other}`);
    accepted = ours || signers(issue, id, renames).size > 0;
  }
  if (!accepted && !(known && same(known.object_id, id))) {
    const may = await ask.mayWrite(issue.author);
    if (may === null) return out(`it is not accepted yet: GitHub did not say whether ${issue.author} may write`);
    if (!may) return out(`it was opened by ${issue.author}, who may not write here`);
  }
  const data = readBody(issue.body);
  if (data === undefined) return out("its body cannot be read as an object");
  const marker = markerIn(issue.title, id);
  const known_digest = digest(data);
  // REST does not tell who edited a body, and the author can without the right to.
  const typed = marker !== null && !ours && !known_digest.startsWith(marker.digest);
  if (typed && (await ask.mayWrite(issue.author)) !== true) {
    return out("its body was edited, and that edit is not processed yet");
  }
  return { data, meta: metaOf(issue, id, known_digest, marker, rules, known), accepted };
}

function metaOf(
  issue: Issue, id: string, found: string, marker: Marker | null, rules: Rules, known: Meta | undefined,
): Meta {
  const version = marker?.revision ?? issue.comments + 1;
  const same_state = known && known.version === version && known.digest === found;
  return {
    object_id: id,
    label: rules.uidPrefix + id,
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
function otherId(issue: Issue, id: string, renames: readonly Rename[], ours: boolean): string {
  const titles = renames.length ? renames.map((one) => [one.login, one.to]) : [[issue.author, issue.title]];
  let other = "";
  for (const [login, title] of titles as [string, string][]) {
    const { id: named, marker } = readTitle(unmoved(title));
    if (!marker || !login || (login === issue.author && !ours)) continue;
    if (same(named, id)) return "";
    other ||= named;
  }
  return other;
}

export function isObjectOf(found: StoredObject<Json> | LeftOut): found is StoredObject & { accepted: boolean } {
  return "meta" in found;
}
