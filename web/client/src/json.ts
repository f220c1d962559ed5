/** JSON as the store reads and writes it: strict on the way in, harmless on the way out, one canonical form to hash. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** Characters of an object's text. */
export const BODY_LIMIT = 60_000;
/** How many arrays and objects may stand inside each other. */
export const DEPTH_LIMIT = 100;
const DIGIT_LIMIT = 1_000;
const VALUE_LIMIT = 100_000;

const LONE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPES: Record<string, string> = {
  '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t",
};
/** Mentions and references; what is invisible or reverses the reading order. */
const HARMFUL = new RegExp(
  "[@#\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ufeff\\ufff9-\\ufffb\\ufffe\\uffff]" +
    "|(?<=GH)-(?=\\d)|(?<=/issues)/(?=\\d)|(?<=/pull)/(?=\\d)|(?<=/discussions)/(?=\\d)",
  "gi",
);

/** A text or a value that is not the JSON that the store accepts. */
export class InvalidJson extends Error {
  override name = "InvalidJson";
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Sets an own member, whatever it is called: a plain assignment to `__proto__` would set the prototype. */
export function put(target: JsonObject, key: string, value: Json): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}

/** The member of that name, undefined where there is none of its own. */
export function member(value: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}

/**
 * Reads strict JSON (RFC 8259): no duplicate keys, no number that overflows, no half of a surrogate pair, no nesting
 * over the depth.
 *
 * @throws InvalidJson and nothing else, whatever the text is.
 */
export function parse(text: string, depth = DEPTH_LIMIT): Json {
  return new Reader(text.startsWith("\ufeff") ? text.slice(1) : text, depth).whole();
}

class Reader {
  private at = 0;

  constructor(private readonly text: string, private readonly most: number, private readonly exact = false) {}

  whole(): Json {
    this.space();
    if (this.at === this.text.length) this.fail("the text is empty");
    const value = this.value(0);
    this.space();
    if (this.at < this.text.length) this.fail("there is more text after the end of the JSON value");
    return value;
  }

  private fail(sentence: string): never {
    const before = this.text.slice(0, this.at);
    const line = before.split("\n").length;
    throw new InvalidJson(`line ${line}, column ${this.at - before.lastIndexOf("\n")}: ${sentence}`);
  }

  private space(): void {
    while (" \t\n\r".includes(this.text[this.at] ?? "x")) this.at += 1;
  }

  private takes(text: string): boolean {
    if (!this.text.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }

  private value(depth: number): Json {
    const first = this.text[this.at];
    if (first === "{" || first === "[") {
      if (depth >= this.most) this.fail(`arrays and objects nest deeper than ${this.most}`);
      return first === "{" ? this.object(depth + 1) : this.array(depth + 1);
    }
    if (first === '"') return this.string();
    if (this.takes("true")) return true;
    if (this.takes("false")) return false;
    if (this.takes("null")) return null;
    return this.number();
  }

  private object(depth: number): JsonObject {
    const found: JsonObject = {};
    this.at += 1;
    this.space();
    if (this.takes("}")) return found;
    for (;;) {
      if (this.text[this.at] !== '"') this.fail("a key in double quotes is missing here");
      const key = this.string();
      if (Object.hasOwn(found, key)) this.fail("a key stands twice in one object");
      this.space();
      if (!this.takes(":")) this.fail("a colon is missing here");
      this.space();
      put(found, key, this.value(depth));
      this.space();
      if (this.takes("}")) return found;
      if (!this.takes(",")) this.fail("a comma or a closing bracket is missing here");
      this.space();
    }
  }

  private array(depth: number): Json[] {
    const found: Json[] = [];
    this.at += 1;
    this.space();
    if (this.takes("]")) return found;
    for (;;) {
      found.push(this.value(depth));
      this.space();
      if (this.takes("]")) return found;
      if (!this.takes(",")) this.fail("a comma or a closing bracket is missing here");
      this.space();
    }
  }

  private string(): string {
    this.at += 1;
    let found = "";
    for (;;) {
      PLAIN.lastIndex = this.at;
      const plain = PLAIN.exec(this.text)?.[0] ?? "";
      found += plain;
      this.at += plain.length;
      const next = this.text[this.at];
      if (next === '"') break;
      if (next !== "\\") this.fail("a string has no end, or a control character in it that must be escaped");
      found += this.escape();
    }
    this.at += 1;
    if (LONE.test(found)) this.fail("half of a surrogate pair is no character");
    return found;
  }

  private escape(): string {
    const kind = this.text[this.at + 1] ?? "";
    if (kind === "u") {
      const digits = this.text.slice(this.at + 2, this.at + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) this.fail("an escape is not complete");
      this.at += 6;
      return String.fromCharCode(parseInt(digits, 16));
    }
    const found = ESCAPES[kind];
    if (found === undefined) this.fail("there is no such escape");
    this.at += 2;
    return found;
  }

  private number(): number {
    NUMBER.lastIndex = this.at;
    const found = NUMBER.exec(this.text);
    if (!found) this.fail("a value is missing here");
    const whole = found[1] === undefined && found[2] === undefined;
    if (whole && found[0].replace("-", "").length > DIGIT_LIMIT) this.fail(`the integer has more than ${DIGIT_LIMIT} digits`);
    const number = Number(found[0]);
    if (!Number.isFinite(number)) this.fail("the number is too large");
    this.at += found[0].length;
    // `canonicalText` alone reads so, and writes a BigInt as its digits.
    return this.exact && whole && !Number.isSafeInteger(number) ? (BigInt(found[0]) as unknown as number) : number;
  }
}

/**
 * Copies a value as JSON by the same rules as `parse`.
 *
 * @throws InvalidJson
 */
export function check(value: unknown, depth = DEPTH_LIMIT): Json {
  let visited = 0;
  const text = (one: string): string => {
    if (LONE.test(one)) throw new InvalidJson("half of a surrogate pair is no character");
    return one;
  };
  const copy = (one: unknown, level: number): Json => {
    visited += 1;
    if (visited > VALUE_LIMIT) throw new InvalidJson(`the data has more than ${VALUE_LIMIT} values`);
    if (one === null || typeof one === "boolean") return one;
    if (typeof one === "string") return text(one);
    if (typeof one === "number" && Number.isFinite(one)) return one;
    if (typeof one !== "object") throw new InvalidJson(`${String(one)} is not JSON`);
    if (level >= depth) throw new InvalidJson(`arrays and objects nest deeper than ${depth}`);
    if (Array.isArray(one)) return one.map((item) => copy(item, level + 1));
    const found: JsonObject = {};
    for (const [key, item] of Object.entries(one)) put(found, text(key), copy(item, level + 1));
    return found;
  };
  return copy(value, 0);
}

/** The canonical form of RFC 8785: keys by their UTF-16 code units, numbers as ECMAScript writes them. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (!isObject(value)) return typeof (value as unknown) === "bigint" ? String(value) : JSON.stringify(value);
  const members = Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key] as Json)}`);
  return `{${members.join(",")}}`;
}

/**
 * The canonical form of a JSON text.  Integers of any size keep their digits, as the store writes them; in data they are
 * doubles, which cannot tell those beyond 2^53 - 1 apart.
 *
 * @throws InvalidJson
 */
export function canonicalText(text: string): string {
  return canonical(new Reader(text.startsWith("\ufeff") ? text.slice(1) : text, DEPTH_LIMIT, true).whole());
}

/** Whether doubles tell all numbers in the data exactly, so that its digest can be checked. */
export function isExact(value: Json): boolean {
  if (typeof value === "number") return Number.isSafeInteger(value) || !Number.isInteger(value);
  return typeof value !== "object" || value === null || Object.values(value).every(isExact);
}

/** JSON equality: numbers by value; the order of keys does not matter. */
export function equal(a: Json, b: Json): boolean {
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((one, at) => equal(one, b[at] as Json));
  }
  if (!isObject(a)) return a === b;
  if (!isObject(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length
    && keys.every((key) => Object.hasOwn(b, key) && equal(a[key] as Json, b[key] as Json));
}

/** The text for a comment: what would notify people or mislead a reader is escaped, so it is the same JSON. */
export function dump(value: Json, indent = 0): string {
  return JSON.stringify(value, null, indent).replace(HARMFUL, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Unicode characters of the shortest text of a value. */
export function size(value: Json): number {
  const text = dump(value);
  let pairs = 0;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit >= 0xd800 && unit < 0xdc00) pairs += 1;
  }
  return text.length - pairs;
}
