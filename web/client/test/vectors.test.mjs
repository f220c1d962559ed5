/** The format's vectors, which every implementation runs: `tests/vectors`. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { readEntry } from "../dist/entries.js";
import { canonical, canonicalText, digest, digestText, parse } from "../dist/index.js";
import { fold } from "../dist/log.js";
import { apply, isMode } from "../dist/modes.js";
import { Refused } from "../dist/refused.js";
import { RULES } from "../dist/records.js";
import { fileName, readSnapshot } from "../dist/snapshot.js";
import { idProblem, readMoved, readTitle, shortId, uidLabel, writeTitle } from "../dist/titles.js";
import { readBody } from "../dist/written.js";

const folder = new URL(process.env.VECTORS ?? "../../../tests/vectors/", import.meta.url);

const comment = ({ id = 1, author, text, reactions = [] }) => ({
  id, author, body: text, created_at: "", edited: false, reactions: Object.fromEntries(reactions.map((one) => [one, 1])),
});
const read = (one) => readEntry(comment(one), one.author === "processor", one.author === "processor", RULES.reactions.initialState);

const isEmpty = (value) => value === "" || value === null || (typeof value === "object" && Object.keys(value).length === 0);

/** Without what a reader of states has no use for. */
const needed = ({ names, editor, ...out }) => out;

/** What is given where there is something; and the kind, in the vectors' words. */
function told(entry) {
  const kinds = { chat: "conversation", checkpoint: "state", foreign: "initial state of gh-store" };
  const { kind, mode, patch, updateId, ifRevision, ifDigest, after, revision, reason, previous, absorbed } = entry;
  const state = kind === "checkpoint" ? { after, revision, update_id: updateId, reason, previous, verdicts: Object.fromEntries(absorbed) }
    : kind === "update" ? { mode, update_id: updateId, if_revision: ifRevision, if_digest: ifDigest } : {};
  const filled = Object.entries(state).filter(([key, value]) => (key === "previous" ? value > 0 : !isEmpty(value)));
  return { kind: kinds[kind] ?? kind, ...Object.fromEntries(filled), ...(["chat", "reply"].includes(kind) ? {} : { data: patch }) };
}

const RUN = {
  json: (text) => parse(text),
  bodies: (text) => readBody(text),
  canonical: (text) => ({ canonical: canonical(parse(text)), sha256: digest(parse(text)) }),
  "canonical-integers": (text) => ({ canonical: canonicalText(text), sha256: digestText(text) }),
  comments(one) {
    const entry = read(one);
    return entry.kind === "invalid" ? undefined : told(entry);
  },
  folds: ({ mode, data, update }) => (isMode(mode) ? apply(mode, data, update) : undefined),
  ids(id) {
    const label = uidLabel(id, RULES);
    return idProblem(id, RULES) ? undefined : { label, file: `objects/${fileName(id, label)}.json` };
  },
  logs({ state, comments, may_write }) {
    const entries = comments.map(read);
    const updates = entries.filter((one) => one.kind === "update" || one.kind === "invalid");
    const refused = updates.filter((one) => !may_write.includes(one.comment.author));
    const found = fold(state, updates, new Map(refused.map((one) => [one.comment.id, "unauthorized"])), entries);
    return { data: found.data, revision: found.revision, verdicts: Object.fromEntries(found.verdicts) };
  },
  "titles-read"(text) {
    const { title, movesTo, moved } = readMoved(text);
    const { id, marker } = readTitle(title);
    return id ? { id, marker, moves_to: movesTo, moved } : null;
  },
  "titles-written"({ id, revision, data, comments }) {
    const recent = comments.slice(-10).map(shortId);
    return writeTitle(id, { revision, comment: comments.at(-1) ?? 0, count: comments.length, digest: digest(data).slice(0, 8), recent });
  },
};
const BELOW = ["snapshots"];

for (const file of readdirSync(folder).filter((name) => name.endsWith(".json"))) {
  const kind = file.replace(/\.json$/, "");
  const { cases } = JSON.parse(readFileSync(new URL(file, folder), "utf8"));
  if (BELOW.includes(kind)) continue;
  for (const one of cases) {
    test(`${kind}: ${one.name}`, () => {
      let found;
      try {
        found = RUN[kind](one.in);
      } catch (error) {
        assert.ok(error instanceof Refused || error.name === "InvalidJson", error);
      }
      assert.deepEqual(found, one.error ? undefined : kind === "comments" ? needed(one.out) : one.out);
    });
  }
}

const snapshots = JSON.parse(readFileSync(new URL("snapshots.json", folder), "utf8")).cases;
for (const one of snapshots) {
  test(`snapshots: ${one.name}`, async () => {
    const found = await readSnapshot(one.in.format, async (path) => one.out[decodeURIComponent(path)] ?? one.out[path]);
    assert.deepEqual(found.objects, [...one.in.objects].sort((a, b) => (a.meta.object_id < b.meta.object_id ? -1 : 1)));
    assert.deepEqual(found.leftOut, one.in.left_out);
  });
}
