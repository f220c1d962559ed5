/** GitHub's REST API: conditional requests, pages, limits, and what its refusals mean. */

/** How many requests GitHub still allows, as its last answer said. */
export interface Limits {
  limit: number;
  remaining: number;
  /** When the budget is full again. */
  reset: Date;
}

/** A failure of a request; `message` is a sentence for people. */
export class ApiError extends Error {
  override name = "ApiError";
  constructor(message: string, readonly status: number) {
    super(message);
  }
}

/** GitHub allows no more requests until then. */
export class RateLimited extends ApiError {
  override name = "RateLimited";
  constructor(readonly until: Date, status: number, hasToken: boolean) {
    super(`GitHub allows no more requests until ${until.toISOString()}.${hasToken ? "" : " A token allows more."}`, status);
  }
}

/** No answer came: the network is down, or a browser may not read that address. */
export class Unreachable extends ApiError {
  override name = "Unreachable";
  constructor(address: string, cause: unknown) {
    super(`No answer from ${new URL(address).host}: ${cause instanceof Error ? cause.message : String(cause)}.`, 0);
    this.cause = cause;
  }
}

export interface ApiOptions {
  /** Such as `https://api.github.com`. */
  base: string;
  token?: string | undefined;
  fetch?: typeof fetch | undefined;
}

interface Answer {
  body: unknown;
  etag: string;
  links: Record<string, string>;
}

export const PAGE = 100;
const MOST_PAGES = 1_000;

export class Api {
  limits: Limits | null = null;
  /** Requests that counted: with a token an answer 304 does not. */
  spent = 0;
  readonly hasToken: boolean;
  readonly #token: string;
  readonly #base: string;
  readonly #fetch: typeof fetch;
  readonly #known = new Map<string, Answer>();

  constructor(options: ApiOptions) {
    this.#base = options.base.replace(/\/+$/, "");
    this.#token = options.token ?? "";
    this.hasToken = this.#token !== "";
    this.#fetch = options.fetch ?? ((...given) => fetch(...given));
  }

  /** One resource. */
  async get(path: string): Promise<unknown> {
    return (await this.#read(this.#base + path)).body;
  }

  /** All items of a list, page by page. */
  async all(path: string): Promise<unknown[]> {
    const found: unknown[] = [];
    let address: string | undefined = this.#base + path;
    for (let page = 0; address && page < MOST_PAGES; page += 1) {
      const answer: Answer = await this.#read(address);
      found.push(...list(answer.body));
      address = answer.links["next"];
    }
    return found;
  }

  /** The items of a list's first page, and from its end until there are enough; the first page is in both. */
  async ends(path: string, enough: (items: unknown[]) => boolean): Promise<{ oldest: unknown[]; newest: unknown[] }> {
    const first = await this.#read(this.#base + path);
    const oldest = list(first.body);
    let newest: unknown[] = [];
    for (let address = first.links["last"]; address && !enough(newest);) {
      const answer: Answer = await this.#read(address);
      newest = [...list(answer.body), ...newest];
      address = answer.links["prev"];
    }
    return { oldest, newest: newest.length ? newest : oldest };
  }

  /** A write; never repeated, for its answer may be what was lost. */
  async send(method: "POST" | "PATCH", path: string, body: object): Promise<unknown> {
    const address = this.#base + path;
    const answer = await this.#request(address, { method, body: JSON.stringify(body) });
    return answer.json();
  }

  async #read(address: string): Promise<Answer> {
    const before = this.#known.get(address);
    const answer = await this.#request(address, before ? { headers: { "If-None-Match": before.etag } } : {});
    if (answer.status === 304 && before) return before;
    const found = {
      body: await answer.json(), etag: answer.headers.get("etag") ?? "", links: linksOf(answer.headers.get("link") ?? ""),
    };
    if (found.etag) this.#known.set(address, found);
    return found;
  }

  async #request(address: string, init: { method?: string; body?: string; headers?: Record<string, string> }): Promise<Response> {
    const headers = {
      Accept: "application/vnd.github+json",
      ...(this.hasToken ? { Authorization: `Bearer ${this.#token}` } : {}),
      ...init.headers,
    };
    let answer: Response;
    try {
      // Without a validator of ours the browser's cache revalidates with its own.
      answer = await this.#fetch(address, { ...init, headers, cache: init.headers ? "no-store" : "no-cache" });
    } catch (error) {
      throw new Unreachable(address, error);
    }
    this.#note(answer);
    if (answer.ok || answer.status === 304) return answer;
    throw await this.#refusal(answer);
  }

  #note(answer: Response): void {
    const number = (name: string): number => Number(answer.headers.get(name) ?? NaN);
    const [limit, remaining, reset] = [number("x-ratelimit-limit"), number("x-ratelimit-remaining"), number("x-ratelimit-reset")];
    if (Number.isFinite(limit + remaining + reset)) this.limits = { limit, remaining, reset: new Date(reset * 1000) };
    if (answer.status !== 304 || !this.hasToken) this.spent += 1;
  }

  async #refusal(answer: Response): Promise<ApiError> {
    const text = await answer.text();
    const said = messageOf(text);
    const { status } = answer;
    if (status === 429 || (status === 403 && limited(answer, said))) {
      const pause = answer.headers.get("retry-after");
      const spent = answer.headers.get("x-ratelimit-remaining") === "0" && this.limits;
      const until = pause !== null ? later(Number(pause)) : spent ? spent.reset : later(60);
      return new RateLimited(until, status, this.hasToken);
    }
    const next = status === 401 ? " The token is wrong or has expired."
      : status === 404 && !this.hasToken ? " It may be private: then a token is needed."
      : status === 403 ? " The token may not do this." : "";
    return new ApiError(`GitHub answered ${status}${said ? `: ${said}` : ""}.${next}`, status);
  }
}

function limited(answer: Response, said: string): boolean {
  return answer.headers.has("retry-after") || answer.headers.get("x-ratelimit-remaining") === "0" || /rate limit/i.test(said);
}

function messageOf(text: string): string {
  try {
    const found: unknown = (JSON.parse(text) as { message?: unknown }).message;
    return typeof found === "string" ? found.slice(0, 200).replace(/\.$/, "") : "";
  } catch {
    return ""; // a proxy's page: its status is what it says
  }
}

function later(seconds: number): Date {
  return new Date(Date.now() + (Number.isFinite(seconds) ? seconds : 60) * 1000);
}

function list(body: unknown): unknown[] {
  if (!Array.isArray(body)) throw new ApiError("GitHub's answer is no list.", 200);
  return body;
}

function linksOf(header: string): Record<string, string> {
  const found = header.matchAll(/<([^>]*)>\s*;\s*rel="([a-z]+)"/g);
  return Object.fromEntries([...found].map(([, address, rel]) => [rel, address]));
}
