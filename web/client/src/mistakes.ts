/** Updates that would store what was meant otherwise, found by their exact form: the processor refuses them. */

import { isObject, type Json, type JsonObject } from "./json.js";
import { OPERATOR_NAMES } from "./operators.js";

const META_KEYS = ["if_digest", "if_revision", "update_id", "update_mode"];
const OTHER_NAMES = ["mode", "ifrev", "ifversion", "idempotencykey"];
const NEAR = 0.85;
const WORDS = ["updated", "revision", "digest", "if_region", "update_uid", "update_uuid", "update_code"];
const MOST_FOREIGN = 50;
const OPERATORS = new Set(
  [...OPERATOR_NAMES, "$rename", "$mul", "$pop", "$pullAll", "$setOnInsert", "$currentDate", "$bit"].map(lower),
);
const NO_DATA = ["$min", "$max"];
const PRINTED = [
  "data", "object_id", "label", "issue_number", "created_at", "updated_at", "version", "digest", "pending",
];
const HISTORY = ["timestamp", "type", "data", "comment_id", "metadata"];

function lower(text: string): string {
  return text.toLowerCase();
}

/** Whether bare JSON is likely no update that adds these keys. */
export function isMistaken(value: JsonObject | Json[]): boolean {
  if (Array.isArray(value)) {
    return value.length > 0 && value.every((one) => isObject(one) && Object.hasOwn(one, "op") && Object.hasOwn(one, "path"));
  }
  for (const [key, inner] of Object.entries(value)) {
    if (OPERATORS.has(lower(key)) || ["_data", "_meta"].includes(lower(key))) return true;
    const names = isObject(inner) ? Object.keys(inner).map(lower) : [];
    if (names.length > 0 && names.every((one) => OPERATORS.has(one) && !NO_DATA.includes(one))) return true;
  }
  const names = new Set(Object.keys(value).map(lower));
  const within = (allowed: string[]): boolean => [...names].every((one) => allowed.includes(one));
  if (names.has("data") && names.size > 1 && within(["data", "meta", ...META_KEYS])) return true;
  return (["data", "object_id", "version"].every((one) => names.has(one)) && within(PRINTED))
    || (names.size === HISTORY.length && within(HISTORY));
}

/** Whether a key of `_meta` stands for one of the store's: nobody would heed the condition in it. */
export function isMisspelled(meta: JsonObject): boolean {
  const foreign = Object.keys(meta).filter((key) => !META_KEYS.includes(key) && [...key].length <= 20).sort();
  return foreign.slice(0, MOST_FOREIGN).some((key) => {
    const letters = lettersOf(key);
    if (OTHER_NAMES.includes(letters)) return true;
    return META_KEYS.some((known) =>
      letters[0] === known[0] && !WORDS.includes(lower(key)) && likeness(letters, lettersOf(known)) >= NEAR);
  });
}

function lettersOf(key: string): string {
  return lower(key).replace(/[^\p{L}\p{N}]/gu, "");
}

/** The ratio of Ratcliff and Obershelp, as Python's difflib has it: twice the matching characters by all of them. */
function likeness(one: string, other: string): number {
  return (2 * matching(one, other)) / (one.length + other.length);
}

function matching(one: string, other: string): number {
  let [longest, at, there] = [0, 0, 0];
  for (let i = 0; i < one.length; i += 1) {
    for (let j = 0; j < other.length; j += 1) {
      let length = 0;
      while (i + length < one.length && one[i + length] === other[j + length]) length += 1;
      if (length > longest) [longest, at, there] = [length, i, j];
    }
  }
  if (longest === 0) return 0;
  return longest + matching(one.slice(0, at), other.slice(0, there))
    + matching(one.slice(at + longest), other.slice(there + longest));
}
