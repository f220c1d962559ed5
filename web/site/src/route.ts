/** The whole state of the page is in its address: `#/`, `#/o/<id>` and `#/chart`, each with parameters. */

export interface Route {
  view: "list" | "object" | "chart";
  id: string;
  query: URLSearchParams;
}

export function readRoute(hash: string): Route {
  const [path = "", search = ""] = hash.replace(/^#/, "").split(/\?(.*)/s);
  const query = new URLSearchParams(search);
  if (path.startsWith("/o/")) return { view: "object", id: decoded(path.slice(3)), query };
  return { view: path === "/chart" ? "chart" : "list", id: "", query };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // an address that somebody has cut
  }
}

export function toList(query = new URLSearchParams()): string {
  return `#/${suffix(query)}`;
}

export function toObject(id: string, query: Record<string, string | number> = {}): string {
  const given = Object.entries(query).map(([key, value]): [string, string] => [key, String(value)]);
  return `#/o/${encodeURIComponent(id)}${suffix(new URLSearchParams(given))}`;
}

export function toChart(query: URLSearchParams): string {
  return `#/chart${suffix(query)}`;
}

function suffix(query: URLSearchParams): string {
  const text = query.toString();
  return text ? `?${text}` : "";
}

/** Changes the address without a new entry in the browser's history; browsers slow down who does that at every key. */
export function settle(hash: string): void {
  clearTimeout(pending);
  pending = setTimeout(() => history.replaceState(null, "", hash), 250);
}

let pending: ReturnType<typeof setTimeout> | undefined;

/** Forgets an address that has not settled: another one was gone to. */
export function unsettle(): void {
  clearTimeout(pending);
}
