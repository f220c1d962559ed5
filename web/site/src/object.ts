/** One object: its data, its past, what changed between two revisions, and the way back. */

import { NotFound, updateText, type HistoryEntry, type Json, type Store, type StoredObject } from "gh-store-client";
import { away, copyButton, h, moment } from "./dom.js";
import { differences, label, pointer } from "./paths.js";
import { toChart, toObject } from "./route.js";
import { problem } from "./problem.js";
import { scalar, tree, visible } from "./values.js";

type Past = HistoryEntry[];

export async function objectView(store: Store, id: string, query: URLSearchParams, canWrite: boolean): Promise<HTMLElement> {
  let found: StoredObject;
  try {
    found = await store.get(id);
  } catch (error) {
    if (!(error instanceof NotFound)) throw error;
    return h("section", {}, trail(id), h("h1", {}, id), h("p", { class: "note" }, "There is no such object in this store."));
  }
  const { meta } = found;
  const content = h("div", { class: "card content" });
  const timeline = h("div", { class: "card timeline" }, h("h2", {}, "History"), h("p", { class: "quiet" }, "Reading the log …"));
  const section = h("section", {}, trail(id), heading(store, found), h("div", { class: "columns" }, content, timeline));
  const [from, to, revision] = ["from", "to", "r"].map((name) => Number(query.get(name) ?? NaN)) as [number, number, number];
  const needsPast = !Number.isNaN(from) || !Number.isNaN(revision);
  if (!needsPast) content.append(...dataPart(id, meta.version, found.data, query));
  else content.append(h("p", { class: "quiet" }, "Reading the log …"));
  const ready = store.history(id).then((past) => {
    timeline.replaceChildren(h("h2", {}, "History"), timelineOf(store, found, past));
    if (!needsPast) return;
    content.replaceChildren(...(Number.isNaN(from)
      ? pastPart(store, found, past, revision, query, canWrite)
      : comparePart(found, past, from, Number.isNaN(to) ? meta.version : to)));
  }).catch((error: unknown) => {
    timeline.replaceChildren(h("h2", {}, "History"), problem(error));
    if (needsPast) content.replaceChildren(problem(error));
  });
  section.dataset["busy"] = "";
  void ready.finally(() => delete section.dataset["busy"]);
  return section;
}

function trail(id: string): HTMLElement {
  return h("nav", { "aria-label": "Breadcrumb", class: "trail" },
    h("a", { href: "#/" }, "Objects"), h("span", { "aria-hidden": "true" }, " / "), h("span", {}, id));
}

function heading(store: Store, { meta }: StoredObject): HTMLElement {
  const facts: [string, Node | string][] = [
    ["Revision", String(meta.version)],
    ["Updated", by(meta.updated_at, meta.updated_by)],
    ["Created", by(meta.created_at, meta.created_by)],
    ["Issue", away(store.issueUrl(meta.issue_number), `#${meta.issue_number}`)],
    ["Digest", h("code", { title: meta.digest }, meta.digest.slice(0, 8))],
  ];
  return h("div", {}, h("h1", {}, meta.object_id),
    h("dl", { class: "facts" }, facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))));
}

function by(time: string, login: string | undefined): HTMLElement {
  return h("span", {}, moment(time), login && h("span", { class: "by" }, ` by ${visible(login)}`));
}

/** The data as a tree or raw. */
function dataPart(id: string, revision: number, data: Json, query: URLSearchParams): Node[] {
  const raw = query.get("view") === "raw";
  const kept = query.get("r");
  const link = (name: string, view: string): HTMLElement => h("a", {
    href: toObject(id, { ...(kept ? { r: kept } : {}), ...(view ? { view } : {}) }),
    "aria-current": raw === (view === "raw") ? "true" : null,
  }, name);
  const text = JSON.stringify(data, null, 2);
  return [
    h("div", { class: "bar" }, h("h2", {}, "Data"), h("span", { class: "tabs" }, link("Tree", ""), link("Raw", "raw")),
      copyButton("Copy JSON", () => text)),
    raw ? h("pre", { tabindex: 0, role: "region", "aria-label": `Raw data of revision ${revision}` }, visible(text))
      : tree(data, (path, value) => (typeof value === "number" ? chartLink(id, pointer(path)) : null)),
  ];
}

function chartLink(id: string, path: string): HTMLElement {
  const address = toChart(new URLSearchParams({ path, id }));
  return h("a", { class: "tochart", href: address, "aria-label": `Chart of ${label(path)}`, title: "Chart" }, "chart");
}

function pastPart(store: Store, found: StoredObject, past: Past, revision: number, query: URLSearchParams, canWrite: boolean): Node[] {
  const id = found.meta.object_id;
  const entry = past.find((one) => one.revision === revision);
  if (!entry || entry.state === undefined || entry.certain === false) {
    return [h("h2", {}, `Revision ${revision}`), h("p", { class: "note" }, "The log does not give this revision.")];
  }
  return [
    h("p", { class: "note" }, `This is revision ${revision}, not the object as it is. `, h("a", { href: toObject(id) }, `Show revision ${found.meta.version}`)),
    ...dataPart(id, revision, entry.state, query),
    ...(revision === found.meta.version ? [] : [restorePart(store, found, revision, entry.state, canWrite)]),
  ];
}

/** The update that brings a state back: GitHub fills no comment in from an address, so it is copied, or posted. */
function restorePart(store: Store, { meta }: StoredObject, revision: number, state: Json, canWrite: boolean): HTMLElement {
  const options = { mode: "replace", ifRevision: meta.version, updateId: `restore-${meta.version}-${revision}` } as const;
  const text = updateText(state, options);
  const said = h("p", { role: "status" });
  const post = h("button", { type: "button", class: "primary", onclick: async () => {
    post.disabled = true;
    try {
      const { url } = await store.update(meta.object_id, state, options);
      said.replaceChildren("Posted. ", away(url, "See the comment"), "; the store applies it.");
    } catch (error) {
      post.disabled = false;
      said.replaceChildren(problem(error));
    }
  } }, "Post the comment");
  return h("details", { class: "restore" }, h("summary", {}, `Restore revision ${revision}`),
    h("p", {}, "Post this comment to the object's issue. It is applied only while the object is still at ", `revision ${meta.version}.`),
    h("pre", { tabindex: 0, role: "region", "aria-label": "Comment that restores the revision" }, text),
    h("p", { class: "bar" }, copyButton("Copy the comment", () => text),
      h("a", { class: "button", href: `${store.issueUrl(meta.issue_number)}#new_comment_field`, rel: "noreferrer" }, "Open the issue"),
      canWrite && post), said);
}

/** What changed between two revisions; either can be chosen. */
function comparePart({ meta }: StoredObject, past: Past, from: number, to: number): Node[] {
  const known = past.filter((one) => one.revision !== null && one.state !== undefined && one.certain !== false);
  const state = (revision: number): HistoryEntry | undefined => known.find((one) => one.revision === revision);
  const chooser = (name: string, chosen: number, address: (revision: number) => string): HTMLElement => {
    const select = h("select", { onchange: () => { location.hash = address(Number(select.value)); } },
      known.map((one) => h("option", { value: one.revision, selected: one.revision === chosen }, `revision ${one.revision}`)));
    return h("label", {}, `${name} `, select);
  };
  const bar = h("div", { class: "bar" }, h("h2", {}, "Compare"),
    chooser("from", from, (one) => toObject(meta.object_id, { from: one, to })),
    chooser("to", to, (one) => toObject(meta.object_id, { from, to: one })),
    h("a", { href: toObject(meta.object_id, { from: to, to: from }) }, "Swap"));
  const [one, other] = [state(from), state(to)];
  if (!one || !other) return [bar, h("p", { class: "note" }, "The log does not give one of these revisions.")];
  const found = differences(one.state, other.state);
  if (found.length === 0) return [bar, h("p", { class: "quiet" }, "Both revisions are the same.")];
  return [bar, h("ul", { class: "diff" }, found.map(({ path, before, after }) => {
    const kind = before === undefined ? "added" : after === undefined ? "removed" : "changed";
    return h("li", { class: kind }, h("div", {}, h("span", { class: "mark" }, kind), " ", h("code", {}, label(path))),
      before !== undefined && h("del", {}, whole(before)), after !== undefined && h("ins", {}, whole(after)));
  }))];
}

function whole(value: Json): HTMLElement {
  return typeof value === "object" && value !== null ? h("pre", {}, visible(JSON.stringify(value, null, 2))) : scalar(value);
}

function timelineOf(store: Store, { meta }: StoredObject, past: Past): HTMLElement {
  const revisions = past.filter((one) => one.revision !== null);
  return h("ol", { class: "events", reversed: true }, [...past].reverse().map((one) => {
    const before = revisions[revisions.indexOf(one) - 1];
    const changed = before?.state !== undefined && one.state !== undefined ? differences(before.state, one.state).length : 0;
    return h("li", { class: one.verdict === "applied" && one.revision === null ? "repeat" : one.verdict }, h("div", { class: "what" },
      one.revision === null ? h("strong", {}, saidOf(one)) : h("a", { href: toObject(meta.object_id, { r: one.revision }) }, `Revision ${one.revision}`),
      one.certain === false && h("span", { class: "quiet" }, " uncertain"),
      changed > 0 && before && h("a", {
        class: "compare", href: toObject(meta.object_id, { from: before.revision!, to: one.revision! }),
        "aria-label": `Compare revision ${before.revision} with ${one.revision}`,
      }, changed === 1 ? "1 change" : `${changed} changes`)),
    h("div", { class: "quiet" }, one.author, " · ", one.mode === "initial" ? "state" : one.mode, " · ",
      away(store.issueUrl(meta.issue_number, one.comment_id), moment(one.time))),
    one.mode !== "initial" && h("details", {}, h("summary", {}, "Update"), h("pre", { tabindex: 0, role: "region", "aria-label": `The update of comment ${one.comment_id}` }, text(one.patch))));
  }));
}

function saidOf(one: HistoryEntry): string {
  return one.verdict === "applied" ? "Counted once already" : one.verdict === "pending" ? "Pending" : one.verdict === "rejected" ? "Rejected" : "Not authorised";
}

function text(patch: Json): string {
  return visible(typeof patch === "string" ? patch : JSON.stringify(patch, null, 2));
}
