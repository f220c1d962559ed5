/** What went wrong, and what to do, as a note on the page. */

import { ApiError, RateLimited, Unreachable } from "gh-store-client";
import { h } from "./dom.js";

export function problem(error: unknown): HTMLElement {
  if (!(error instanceof Error)) throw error;
  return h("p", { class: "note bad", role: "alert" }, error.message, nextStep(error));
}

function nextStep(error: Error): string {
  if (error instanceof RateLimited) return "";
  if (error instanceof Unreachable) return " See whether you are online, then reload the page.";
  return error instanceof ApiError && error.status >= 500 ? " Try again in a minute." : "";
}
