/** What people write in a comment or a body: JSON that stands alone, a failed attempt at it, or conversation. */

import { InvalidJson, parse, type Json, type JsonObject } from "./json.js";

const INVISIBLE = "\\xad\\u061c\\u180e\\ufeff\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f";
const ALL_INVISIBLE = new RegExp(`[${INVISIBLE}]`, "g");
const WIDE = /[\uff01-\uff5e]/g;
const SPACE = "\\s\\x1c-\\x1f\\x85"; // as the processor has it
const S = `[${SPACE}]*`;
const BLANK = `${SPACE}${INVISIBLE}`;
const LEAD = new RegExp(`[${BLANK}]+|<!--(?:-?>|[^]*?-->)`, "y");
const ONE_BLANK = new RegExp(`[${BLANK}]`);
const SIGNATURE = /(?<![^\n])(?:--[ \t]*|Sent (?:from|via|with) [^\n]*|Get Outlook for [^\n]*|On [^\n]*(?:\n[^\n]*)?wrote:)(?![^\n])/;
// What stands in a lookahead is not tried again in a shorter form: anybody may write a comment, so it is read in linear time.
const FENCE = /^(?=(?<mark>`{3,}|~{3,}))\k<mark>(?!(?<=`)[^\n]*`)[ \t]*\{?\.?(?<language>[\p{L}\p{N}_./+-]*)[^\n]*(?:\n|$)/u;
const SAYS_JSON = new Set(["json", "jsonc", "json5", "jsonl", "ndjson", "hjson", "geojson", "jsonld"]);
const PERHAPS_JSON = new Set(["", "js", "javascript"]);
const QUOTE = String.raw`(?:["'“”„‟‘’‚‛«»‹›「」『』〝〞″]|\\"|&quot;|&#34;)`;
const LITERAL = String.raw`(?:-?[0-9][0-9.eE+-]*|-?Infinity|NaN|[Tt]rue|[Ff]alse|null|None|undefined)`;
const OBJECT = new RegExp(String.raw`^\{${S}(?:${QUOTE}|\}|(?:[\p{L}\p{N}_$\-]+${S}:|//|/\*)[^]*\};?$)`, "u");
const ARRAY = new RegExp(
  String.raw`^(?:(?:\[${S})+\{${S}${QUOTE}|(?:\[${S})+(?:${QUOTE}|\{|${LITERAL}${S},)[^]*\];?$` +
    String.raw`|(?:\[${S}){2,}(?:${LITERAL}${S})?\][^]*\]$|\[${S}(?:${LITERAL}${S})?\]$)`,
  "u",
);
const COMMENT = new RegExp(String.raw`${S}(?://[^\n]*(?:\n|$)|/\*[^]*?\*/)`, "y");
const SPAN = /^(?=(`+))\1(?:json[0-9A-Za-z_]?(?![0-9A-Za-z_]))?([^`\n]+)\1$/;

/** The text that stands alone, and whether a code fence says that it is JSON; null where something else stands there. */
export function unwrapped(text: string): { text: string; saysJson: boolean } | null {
  text = text.replaceAll("\r\n", "\n").replaceAll("\r", "\n");
  const rest = withoutLead(text);
  const start = text.length - rest.length;
  const indent = text.slice(text.lastIndexOf("\n", start - 1) + 1, start);
  const fence = FENCE.exec(rest);
  if (!fence) return { text: alone(rest), saysJson: false };
  const { mark, language } = fence.groups as { mark: string; language: string };
  const lines = rest.slice(fence[0].length).split("\n");
  const found = lines.findIndex((line) => closes(line, mark));
  const end = found < 0 ? lines.length : found;
  const kind = language.toLowerCase();
  const saysJson = kind.split(/[^a-z0-9]+/).some((word) => SAYS_JSON.has(word));
  const deep = /^[ \t]*$/.test(indent) && columns(indent) > 3;
  if (deep || !(saysJson || PERHAPS_JSON.has(kind)) || alone(lines.slice(end + 1).join("\n"))) return null;
  return { text: alone(lines.slice(0, end).join("\n")), saysJson };
}

/**
 * The object or array that a comment holds, null for conversation.
 *
 * @throws InvalidJson where it is meant as JSON and cannot be read.
 */
export function readWritten(text: string): JsonObject | Json[] | null {
  const found = unwrapped(text);
  if (!found) return null;
  let value: Json;
  try {
    value = parse(found.text);
  } catch (error) {
    if (!(error instanceof InvalidJson) || found.saysJson || looksLikeJson(found.text)) throw error;
    if (looksLikeJson(SPAN.exec(found.text)?.[2] ?? "")) throw error;
    return null;
  }
  if (typeof value === "string" && looksLikeJson(value)) throw new InvalidJson("the JSON is inside a string");
  return container(value) ?? null;
}

/** An issue body as an object's data, undefined where it holds none. */
export function readBody(text: string): JsonObject | Json[] | undefined {
  try {
    return container(parse(unwrapped(text)?.text ?? text));
  } catch (error) {
    if (error instanceof InvalidJson) return undefined;
    throw error;
  }
}

export function looksLikeJson(text: string): boolean {
  text = text.replace(ALL_INVISIBLE, "").replace(WIDE, (one) => String.fromCharCode(one.charCodeAt(0) - 0xfee0));
  text = stripped(after(COMMENT, text));
  return OBJECT.test(text) || ARRAY.test(text);
}

function container(value: Json): JsonObject | Json[] | undefined {
  return typeof value === "object" && value !== null ? value : undefined;
}

/** Without blank characters and HTML comments in front. */
function withoutLead(text: string): string {
  return after(LEAD, text);
}

/** What follows the longest row of matches at the beginning. */
function after(sticky: RegExp, text: string): string {
  sticky.lastIndex = 0;
  let end = 0;
  while (sticky.test(text)) end = sticky.lastIndex;
  return text.slice(end);
}

/** Without what is invisible before and after it, and without a mail's signature. */
function alone(text: string): string {
  text = withoutLead(text);
  const signature = SIGNATURE.exec(text);
  if (signature) text = text.slice(0, signature.index);
  for (;;) {
    text = trimmed(text);
    const start = text.endsWith("-->") ? text.lastIndexOf("<!--") : -1;
    if (start < 0 || text.slice(start + 4, -3).includes("-->")) return text;
    text = text.slice(0, start);
  }
}

/** Without blank characters behind. */
function trimmed(text: string): string {
  let end = text.length;
  while (end > 0 && ONE_BLANK.test(text[end - 1]!)) end -= 1;
  return text.slice(0, end);
}

/** Without blank characters before and behind. */
export function stripped(text: string): string {
  let start = 0;
  while (start < text.length && ONE_BLANK.test(text[start]!)) start += 1;
  return trimmed(text.slice(start));
}

function closes(line: string, mark: string): boolean {
  const bare = trimmed(line);
  const spaces = bare.length - bare.replace(/^ +/, "").length;
  return spaces <= 3 && bare.length - spaces >= mark.length && [...bare.slice(spaces)].every((one) => one === mark[0]);
}

function columns(indent: string): number {
  return [...indent].reduce((at, one) => (one === "\t" ? at + 4 - (at % 4) : at + 1), 0);
}
