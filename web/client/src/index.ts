/** A client of stores that gh-store-action keeps in GitHub Issues. */

export { ApiError, RateLimited, Unreachable, type Limits } from "./api.js";
export { digest, digestText } from "./digest.js";
export { canonical, canonicalText, equal, InvalidJson, parse, type Json, type JsonObject } from "./json.js";
export { apply, isMode, type Mode } from "./modes.js";
export { Refused } from "./refused.js";
export type { HistoryEntry, Meta, Rules, StoredObject, Verdict } from "./records.js";
export { BrokenSnapshot, fileName, readSnapshot, type Format, type Snapshot } from "./snapshot.js";
export { NotFound, Store, updateText, type Refreshed, type StoreOptions, type UpdateOptions } from "./store.js";
export { readTitle, writeTitle, type Marker } from "./titles.js";
export type { LeftOut } from "./trust.js";
export { readWritten, unwrapped } from "./written.js";
