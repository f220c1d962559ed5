/** Update operators with MongoDB's meaning, on dotted paths. */

import { canonical, DEPTH_LIMIT, equal, isObject, member, put, type Json, type JsonObject } from "./json.js";
import { Refused } from "./refused.js";

const PADDING_LIMIT = 1_000;
const INDEX = /^(?:0|[1-9][0-9]{0,8})$/;
const NOTHING = Symbol("nothing");
type Found = Json | typeof NOTHING;
type Container = JsonObject | Json[];

const OPERATORS: Record<string, (found: Found, operand: Json) => Found> = {
  $set: (_, operand) => operand,
  $unset: () => NOTHING,
  $inc: increased,
  $push: pushed,
  $addToSet: added,
  $pull: pulled,
  $min: (found, operand) => (found === NOTHING || order(operand, found) < 0 ? operand : found),
  $max: (found, operand) => (found === NOTHING || order(operand, found) > 0 ? operand : found),
};

export const OPERATOR_NAMES: readonly string[] = Object.keys(OPERATORS);

/** Applies operators to a state, which stays as it is.  @throws Refused */
export function operate(state: Json, patch: Json): Json {
  const changes = changesOf(patch);
  const root = structuredClone(state);
  if (typeof root !== "object" || root === null) throw new Refused("operators change objects and arrays");
  const padding = { left: PADDING_LIMIT };
  for (const [operator, path, operand] of changes) change(root, operator, path, operand, padding);
  return root;
}

function changesOf(patch: Json): [string, string[], Json][] {
  if (!isObject(patch) || Object.keys(patch).length === 0) throw new Refused("the update is no object of operators");
  const changes: [string, string[], Json][] = [];
  for (const [operator, operands] of Object.entries(patch)) {
    if (!Object.hasOwn(OPERATORS, operator)) throw new Refused(`there is no operator ${operator}`);
    if (!isObject(operands)) throw new Refused(`${operator} takes an object of paths`);
    for (const [dotted, operand] of Object.entries(operands)) {
      const path = dotted.split(".");
      if (path.length > DEPTH_LIMIT || path.some((part) => part === "" || part.startsWith("$"))) {
        throw new Refused(`the path ${dotted} is too long, or has a part that is empty or begins with $`);
      }
      changes.push([operator, path, operand]);
    }
  }
  const taken = new Set(changes.map(([, path]) => path.join(".")));
  const inside = changes.some(([, path]) => path.some((_, at) => at > 0 && taken.has(path.slice(0, at).join("."))));
  if (inside || taken.size < changes.length) throw new Refused("one update may change a place only once");
  return changes;
}

function change(root: Container, operator: string, path: string[], operand: Json, padding: { left: number }): void {
  const creates = operator !== "$unset" && operator !== "$pull";
  const last = path[path.length - 1] as string;
  let here: Container = root;
  for (const part of path.slice(0, -1)) {
    let below = get(here, part, creates);
    if (below === NOTHING && creates) {
      below = {};
      set(here, part, below, padding);
    }
    if (typeof below !== "object" || below === null) {
      if (creates) throw new Refused(`${operator} cannot go on below ${part}`);
      return;
    }
    here = below;
  }
  const found = get(here, last, creates);
  if (creates || found !== NOTHING) set(here, last, OPERATORS[operator]!(found, operand), padding);
}

function get(here: Container, part: string, strict: boolean): Found {
  if (!Array.isArray(here)) return member(here, part) ?? (Object.hasOwn(here, part) ? null : NOTHING);
  if (!INDEX.test(part)) {
    if (strict) throw new Refused(`an array index is needed in place of ${part}`);
    return NOTHING;
  }
  return here[Number(part)] ?? (Number(part) < here.length ? null : NOTHING);
}

function set(here: Container, part: string, value: Found, padding: { left: number }): void {
  if (!Array.isArray(here)) {
    if (value === NOTHING) delete here[part];
    else put(here, part, value);
    return;
  }
  const index = Number(part);
  const missing = index - here.length + 1;
  if (missing > 0) {
    padding.left -= missing - 1;
    if (padding.left < 0) throw new Refused(`more than ${PADDING_LIMIT} places of arrays would be filled`);
    while (here.length <= index) here.push(null);
  }
  here[index] = value === NOTHING ? null : value;
}

function increased(found: Found, operand: Json): Json {
  if (typeof operand !== "number") throw new Refused("$inc takes a number");
  if (found === NOTHING) return operand;
  if (typeof found !== "number") throw new Refused("$inc needs a number there");
  const total = found + operand;
  if (!Number.isFinite(total)) throw new Refused("$inc gives a number that is too large");
  return total;
}

function pushed(found: Found, operand: Json): Json {
  const items = array(found);
  const modifiers = modifiersOf(operand, ["$each", "$position", "$slice"]);
  for (const name of ["$position", "$slice"]) {
    if (Object.hasOwn(modifiers, name) && !Number.isInteger(modifiers[name])) {
      throw new Refused(`$push takes a whole number as ${name}`);
    }
  }
  const position = member(modifiers, "$position") as number | undefined;
  const limit = member(modifiers, "$slice") as number | undefined;
  items.splice(position ?? items.length, 0, ...(modifiers["$each"] as Json[]));
  if (limit === undefined) return items;
  return limit >= 0 ? items.slice(0, limit) : items.slice(limit);
}

function added(found: Found, operand: Json): Json {
  const items = array(found);
  const present = new Set(items.map(canonical));
  for (const item of modifiersOf(operand, ["$each"])["$each"] as Json[]) {
    const text = canonical(item);
    if (present.has(text)) continue;
    present.add(text);
    items.push(item);
  }
  return items;
}

function pulled(found: Found, operand: Json): Json {
  const fits = condition(operand);
  return array(found).filter((item) => !fits(item));
}

function array(found: Found): Json[] {
  if (found === NOTHING) return [];
  if (!Array.isArray(found)) throw new Refused("an array is needed there");
  return [...found];
}

function modifiersOf(operand: Json, allowed: string[]): JsonObject {
  if (!isObject(operand) || !Object.keys(operand).some((key) => key.startsWith("$"))) return { $each: [operand] };
  const unknown = Object.keys(operand).find((key) => !allowed.includes(key));
  if (unknown !== undefined) throw new Refused(`${unknown} is not known; allowed are ${allowed.join(", ")}`);
  if (!Array.isArray(operand["$each"])) throw new Refused("$each takes an array");
  return operand;
}

type Test = (item: Json) => boolean;

function condition(operand: Json): Test {
  if (!isObject(operand)) return (item) => equal(item, operand);
  const entries = Object.entries(operand);
  if (entries.some(([key]) => key.startsWith("$"))) {
    const tests = entries.map(([key, value]) => comparison(key, value));
    return (item) => tests.every((test) => test(item));
  }
  const members = entries.map(([key, value]): [string, Test] => [key, condition(value)]);
  return (item) => isObject(item) && members.every(([key, fits]) => Object.hasOwn(item, key) && fits(item[key] as Json));
}

const ORDERS: Record<string, number[]> = { $gt: [1], $gte: [0, 1], $lt: [-1], $lte: [-1, 0] };

function comparison(name: string, operand: Json): Test {
  if (name === "$in" || name === "$nin") {
    if (!Array.isArray(operand)) throw new Refused(`${name} takes an array`);
    const listed = new Set(operand.map(canonical));
    return (item) => listed.has(canonical(item)) === (name === "$in");
  }
  if (name === "$eq" || name === "$ne") return (item) => equal(item, operand) === (name === "$eq");
  const allowed = Object.hasOwn(ORDERS, name) ? ORDERS[name] : undefined;
  if (!allowed) throw new Refused(`the condition ${name} is not known`);
  return (item) => comparable(item, operand) && allowed.includes(order(item, operand));
}

function comparable(a: Json, b: Json): boolean {
  return (typeof a === "number" && typeof b === "number") || (typeof a === "string" && typeof b === "string");
}

/** -1, 0 or 1 for two numbers, or two strings by code point. */
function order(a: Json, b: Json): number {
  if (!comparable(a, b)) throw new Refused("numbers are compared with numbers and strings with strings");
  if (typeof a === "number") return Math.sign(a - (b as number));
  const [one, other] = [[...(a as string)], [...(b as string)]];
  const at = one.findIndex((character, place) => character !== other[place]);
  if (at < 0) return Math.sign(one.length - other.length);
  return other[at] === undefined || one[at]!.codePointAt(0)! > other[at]!.codePointAt(0)! ? 1 : -1;
}
