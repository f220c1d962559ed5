/** Values as people read them. */

import type { Json } from "gh-store-client";
import { h } from "./dom.js";

const FEW = 5;
const NUMBER = new Intl.NumberFormat("en", { maximumFractionDigits: 6 });

const HIDDEN = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** The text with what is invisible, or turns the reading order round, written out. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** A value in a line. */
export function short(value: Json | undefined): string {
  if (value === undefined) return "";
  if (typeof value === "string") return visible(value);
  if (typeof value === "number") return NUMBER.format(value);
  if (Array.isArray(value) && value.length <= FEW && value.every((one) => typeof one !== "object")) return value.map(short).join(", ");
  return typeof value === "object" && value !== null ? size(value) : String(value);
}

function size(value: object): string {
  const count = Object.keys(value).length;
  const what = Array.isArray(value) ? "item" : "key";
  return count === 1 ? `1 ${what}` : `${count} ${what}s`;
}

/** A scalar as JSON writes it, in the colour of its type. */
export function scalar(value: Json): HTMLElement {
  const kind = value === null ? "null" : typeof value;
  return h("span", { class: `value ${kind}` }, visible(JSON.stringify(value)));
}

const OPEN_DEPTH = 2;
const SHOWN = 200;

/**
 * JSON as a tree that opens and closes.
 *
 * @param beside gives what stands behind a scalar, by its path.
 */
export function tree(value: Json, beside: (path: (string | number)[], value: Json) => Node | null): HTMLElement {
  return h("div", { class: "tree" }, branch(value, [], beside));
}

function branch(value: Json, path: (string | number)[], beside: Parameters<typeof tree>[1]): HTMLElement {
  if (typeof value !== "object" || value === null) return h("span", {}, scalar(value), beside(path, value));
  const entries = Object.entries(value).map(([key, one]): [string | number, Json] => [Array.isArray(value) ? Number(key) : key, one]);
  if (entries.length === 0) return h("span", { class: "value null" }, Array.isArray(value) ? "[ ]" : "{ }");
  const list = h("ul", {});
  const add = (from: number): void => {
    list.append(...entries.slice(from, from + SHOWN).map(([key, one]) => item(key, one, [...path, key], beside)));
    if (from + SHOWN < entries.length) {
      const more = h("li", {}, h("button", { type: "button", onclick: () => {
        more.remove();
        add(from + SHOWN);
      } }, `Show more of ${entries.length}`));
      list.append(more);
    }
  };
  add(0);
  return list;
}

function item(key: string | number, value: Json, path: (string | number)[], beside: Parameters<typeof tree>[1]): HTMLElement {
  const name = h("span", { class: "key" }, visible(String(key)));
  if (typeof value !== "object" || value === null || Object.keys(value).length === 0) {
    return h("li", {}, h("div", { class: "leaf" }, name, " ", branch(value, path, beside)));
  }
  const details = h("details", { open: path.length < OPEN_DEPTH }, h("summary", {}, name, " ", h("span", { class: "quiet size" }, size(value))));
  const fill = (): void => {
    if (details.open && details.children.length === 1) details.append(branch(value, path, beside));
  };
  details.addEventListener("toggle", fill);
  fill();
  return h("li", {}, details);
}
