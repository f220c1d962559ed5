// Runs the vectors that fit into a page of JavaScript, with nothing but Node: the format as docs/format.md tells it.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (!isObject(value)) return JSON.stringify(value); // numbers and strings: RFC 8785 has them from ECMAScript
  return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
}
const hash = (text) => createHash("sha256").update(text).digest("hex");
const sha256 = (value) => hash(canonical(value));
const modes = {
  append: (data, update) => (isObject(data) && isObject(update) ? merged(data, update) : undefined),
  replace: (data, update) => update,
  "merge-patch": mergePatch,
};
function merged(data, update) {
  const both = (key, value) => (isObject(data[key]) && isObject(value) ? merged(data[key], value) : value);
  return { ...data, ...Object.fromEntries(Object.entries(update).map(([key, value]) => [key, both(key, value)])) };
}
function mergePatch(data, update) {
  if (!isObject(update)) return update;
  const result = isObject(data) ? { ...data } : {};
  for (const [key, value] of Object.entries(update))
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  return result;
}
const stored = (value) => (value !== null && typeof value === "object" ? value : undefined);
const isId = (id) => /^\S(.*\S)?$/u.test(id) && [...id].length <= 150 && id.normalize() === id && !CONTROL.test(id);
const [PLAIN, CONTROL] = [/^[\w.~:@+/-]{1,46}$/, /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u];
const TITLE = /^Stored Object: (".+"|\S+) \[r(\d{1,15}) c(\d{1,18}) n(\d{1,10}) ([0-9a-f]{8})\](?: \(((?:[0-9A-Za-z]{2}){1,10})\))?$/;
function readTitle(text) {
  const [, title, arrow, number] = text.match(/^(.*?)(?: ([=-])> #(\d{1,10}))?$/s);
  const [, id, r, c, n, digest, recent = ""] = title.match(TITLE) ?? [, title.match(/^Stored Object: (".+"|[^ ]+)/)?.[1]];
  const marker = r && { revision: +r, comment: +c, count: +n, digest, recent: recent.match(/../g) ?? [] };
  return id && { id: id.match(/^"(.+)"$/)?.[1] ?? id, marker: marker ?? null, moves_to: +(number ?? 0), moved: arrow === "-" };
}
const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const shortId = (id) => DIGITS[Math.floor(id / 62) % 62] + DIGITS[id % 62];
function writeTitle({ id, revision, data, comments }) {
  const marker = `[r${revision} c${comments.at(-1) ?? 0} n${comments.length} ${sha256(data).slice(0, 8)}]`;
  const recent = comments.slice(-10).map(shortId).join("");
  return `Stored Object: ${PLAIN.test(id) ? id : `"${id}"`} ${marker}${recent && ` (${recent})`}`;
}
run("canonical", (text) => ({ canonical: canonical(JSON.parse(text)), sha256: sha256(JSON.parse(text)) }));
run("folds", ({ mode, data, update }) => stored(modes[mode](data, update)), ({ mode }) => mode in modes);
run("ids", (id) => (isId(id) ? `UID:${PLAIN.test(id) ? id : `=${hash(id).slice(0, 32)}`}` : undefined), undefined, (out) => out?.label);
run("titles-read", (text) => readTitle(text) ?? null);
run("titles-written", writeTitle);

function run(kind, result, takes = () => true, part = (out) => out) {
  const { cases } = JSON.parse(readFileSync(new URL(`${kind}.json`, import.meta.url), "utf8"));
  const wrong = cases.filter((one) => takes(one.in) && !isDeepStrictEqual(result(one.in), part(one.out)));
  console.log(kind, cases.filter((one) => takes(one.in)).length);
  for (const one of wrong) console.error(kind, one.name, result(one.in));
  if (wrong.length) process.exitCode = 1;
}
