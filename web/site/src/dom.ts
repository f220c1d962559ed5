/** Elements from values.  Text is only ever text: nothing here, or anywhere on the page, reads HTML. */

type Child = Node | string | number | null | undefined | false | Child[];
type Attributes = Record<string, string | number | boolean | null | undefined | ((event: never) => void)>;

/** An element; attributes that begin with `on` are listeners, false and null leave an attribute out. */
export function h<K extends keyof HTMLElementTagNameMap>(
  name: K, attributes: Attributes = {}, ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key.slice(2), value as (event: Event) => void);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

function append(parent: Node, children: Child[]): void {
  for (const child of children) {
    if (Array.isArray(child)) append(parent, child);
    else if (child instanceof Node) parent.appendChild(child);
    else if (child !== null && child !== undefined && child !== false) parent.appendChild(document.createTextNode(String(child)));
  }
}

/** A link to another place of the web: opened without telling it where from. */
export function away(address: string, ...children: Child[]): HTMLAnchorElement {
  return h("a", { href: address, rel: "noreferrer" }, ...children);
}

/** A moment: for people how long ago, or the day; the moment itself for machines and in the tip. */
export function moment(text: string): HTMLElement {
  const time = Date.parse(text);
  if (Number.isNaN(time)) return h("span", {}, text);
  return h("time", { datetime: text, title: text }, told(time));
}

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [["day", 86_400], ["hour", 3_600], ["minute", 60]];
const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const DAY = new Intl.DateTimeFormat("en", { dateStyle: "medium" });
const FAR = 7 * 86_400;

function told(time: number): string {
  const seconds = (time - Date.now()) / 1000;
  if (Math.abs(seconds) >= FAR) return DAY.format(time);
  const [unit, size] = UNITS.find(([, one]) => Math.abs(seconds) >= one) ?? ["second", 1];
  return unit === "second" ? "just now" : RELATIVE.format(Math.round(seconds / size), unit);
}

/** Puts text into the clipboard, and says so on the button. */
export function copyButton(label: string, text: () => string): HTMLButtonElement {
  const button = h("button", { type: "button", onclick: async () => {
    await navigator.clipboard.writeText(text());
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = label; }, 1500);
  } }, label);
  return button;
}

/** Gives the reader a file. */
export function download(name: string, type: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = h("a", { href: address, download: name });
  link.click();
  URL.revokeObjectURL(address);
}
