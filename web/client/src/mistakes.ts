/** Updates that would store what was meant otherwise, found by their exact form: the processor refuses them. */

import { isObject, member, type Json, type JsonObject } from "./json.js";
import { isMode } from "./modes.js";
import { OPERATOR_NAMES } from "./operators.js";
import { stripped } from "./written.js";

const META_KEYS = ["if_digest", "if_revision", "update_id", "update_mode"];
const OTHER_NAMES = ["mode", "ifrev", "ifversion", "idempotencykey"];
const NEAR = 0.85;
const WORDS = ["updated", "revision", "digest", "if_region", "update_uid", "update_uuid", "update_code"];
const MOST_FOREIGN = 50;
const OTHERS = "$rename $mul $pop $pullall $setoninsert $currentdate $bit $each "
  + "$add $append $remove $delete $increment $decrement $splice $toggle $unshift";
const OPERATORS = new Set([...OPERATOR_NAMES.map(lower), ...OTHERS.split(" ")]);
const ANY_OPERATOR = /^\$(?!defs$|vocabulary$)[a-z]+$/;
const NO_DATA = ["$min", "$max"];
const PRINTED = [
  "data", "object_id", "label", "issue_number", "created_at", "updated_at", "version", "digest", "created_by", "updated_by",
  "issue_url", "pending",
];
const HISTORY = ["timestamp", "type", "data", "comment_id", "metadata"];
const OPERATIONS: (Json | undefined)[] = ["add", "remove", "replace", "move", "copy", "test"];

function lower(text: string): string {
  return text.toLowerCase();
}

/** Whether bare JSON is likely no update that adds these keys. */
export function isMistaken(value: JsonObject | Json[]): boolean {
  if (isPatch(value)) return true;
  if (Array.isArray(value)) return false;
  for (const [key, inner] of Object.entries(value)) {
    if (OPERATORS.has(nameOf(key)) || (isObject(inner) && ANY_OPERATOR.test(nameOf(key)))) return true;
    if (["_data", "_meta"].includes(lower(key))) return true;
  }
  if (hasOperatorsBelow(value)) return true;
  const names = new Set(Object.keys(value).map(lower));
  const within = (allowed: string[]): boolean => [...names].every((one) => allowed.includes(one));
  const hasMode = Object.entries(value).some(([key, one]) => lower(key) === "mode" && isMode(one));
  const options = [...META_KEYS, ...(hasMode ? ["mode"] : [])];
  if (names.has("data") && names.size > 1 && within(["data", "meta", ...options])) return true;
  if (names.has("changes") && options.some((one) => names.has(one)) && within(["changes", "object_id", ...options])) return true;
  return (["data", "object_id", "version"].every((one) => names.has(one)) && within(PRINTED))
    || (names.size === HISTORY.length && within(HISTORY));
}

function isPatch(value: JsonObject | Json[]): boolean {
  if (Array.isArray(value)) {
    return value.length > 0 && value.every((one) => isObject(one) && Object.hasOwn(one, "op") && Object.hasOwn(one, "path"));
  }
  return Object.keys(value).every((key) => ["op", "path", "from", "value"].includes(key))
    && OPERATIONS.includes(member(value, "op")) && typeof member(value, "path") === "string";
}

/** Whether an object below the top has operators alone as keys. */
function hasOperatorsBelow(value: JsonObject): boolean {
  return Object.values(value).filter(isObject).some((inner) => {
    const names = Object.keys(inner).map(nameOf);
    return (names.length > 0 && names.every((one) => OPERATORS.has(one) && !NO_DATA.includes(one))) || hasOperatorsBelow(inner);
  });
}

/** The key without case, and without what nobody sees around it. */
function nameOf(key: string): string {
  return lower(stripped(key));
}

/** Whether a key of `_meta` stands for one of the store's: nobody would heed the condition in it. */
export function isMisspelled(meta: JsonObject): boolean {
  const foreign = Object.keys(meta).filter((key) => !META_KEYS.includes(key) && [...key].length <= 20).sort();
  return foreign.slice(0, MOST_FOREIGN).some((key) => {
    const letters = lettersOf(key);
    if (OTHER_NAMES.includes(letters)) return true;
    return META_KEYS.some((known) =>
      letters[0] === known[0] && !WORDS.includes(lower(key)) && likeness([...letters], [...lettersOf(known)]) >= NEAR);
  });
}

function lettersOf(key: string): string {
  return lower(key).replace(/[^\p{L}\p{N}]/gu, "");
}

/** The ratio of Ratcliff and Obershelp, as Python's difflib has it: twice the matching characters by all of them. */
function likeness(one: string[], other: string[]): number {
  return (2 * matching(one, other)) / (one.length + other.length);
}

function matching(one: string[], other: string[]): number {
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
