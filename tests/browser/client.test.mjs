/** The client against the GitHub of `tests.double`, which the Python product has filled. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ApiError, BrokenSnapshot, NotFound, RateLimited, Store, digest } from "../../web/client/dist/index.js";
import { start } from "./stage.mjs";

let stage;
before(async () => { stage = await start(); });
after(() => stage?.close());

const ID = "benchmarks/parser";

/** A fetch that writes down what is asked of the API. */
function counted() {
  const asked = [];
  const fetcher = async (address, init) => {
    const answer = await fetch(address, init);
    if (String(address).startsWith(stage.api)) asked.push(`${init?.method ?? "GET"} ${answer.status}`);
    return answer;
  };
  return { asked, fetcher };
}

function open(more = {}) {
  const { repository, api, server, site } = stage;
  return new Store({ repository, api, server, snapshot: `${site}/live/snapshot.json`, ...more });
}

for (const name of ["snapshot.json", "snapshot.jsonl", "store/"]) {
  test(`a store is read from its snapshot ${name}, and nothing else is asked`, async () => {
    const { asked, fetcher } = counted();
    const store = open({ snapshot: `${stage.site}/live/${name}`, fetch: fetcher });
    const found = await store.list();
    assert.deepEqual(found.map((one) => one.meta.object_id), [ID, "benchmarks/writer", "list"]);
    const parser = await store.get(ID.toUpperCase());
    assert.equal(parser.data.note, "rewritten");
    assert.equal(parser.meta.digest, digest(parser.data));
    assert.deepEqual(await store.verify(), []);
    assert.deepEqual(asked, []);
  });

  test(`hostile ids and data of ${name} are read as they are`, async () => {
    const store = open({ snapshot: `${stage.site}/hostile/${name}` });
    const { data } = await store.get("hostile");
    assert.equal(Object.getPrototypeOf(data), Object.prototype);
    assert.deepEqual(Object.getOwnPropertyDescriptor(data, "__proto__").value, { polluted: true });
    assert.deepEqual((await store.get("a/b:c@d+e~f")).data[0], 1);
    assert.equal((await store.list()).find((one) => one.data.name === "an id of any kind").meta.object_id[0], "<");
    assert.deepEqual(await store.verify(), []);
  });
}

test("without a snapshot everything comes from the API, as the snapshot has it", async () => {
  const { repository, api, server } = stage;
  const live = await new Store({ repository, api, server }).list();
  const snapshot = await open().list();
  const bare = ({ meta }) => [meta.object_id, meta.label, meta.issue_number, meta.created_at, meta.version, meta.digest];
  assert.deepEqual(live.map((one) => one.data), snapshot.map((one) => one.data));
  assert.deepEqual(live.map(bare), snapshot.map(bare));
});

test("what is newer costs two requests, and nothing more while nothing changes", async () => {
  const { asked, fetcher } = counted();
  const store = open({ fetch: fetcher, token: stage.token });
  assert.deepEqual((await store.refresh()).changed, []);
  const { remaining } = store.limits;
  await store.refresh();
  assert.deepEqual(asked, ["GET 200", "GET 200", "GET 304", "GET 304"]);
  assert.deepEqual([store.spent, store.limits.remaining], [2, remaining]);
  await stage.ask("update", { data: { commit: "newer" } });
  const { changed, removed, leftOut } = await store.refresh();
  assert.deepEqual([changed, removed, leftOut], [[ID], [], []]);
  assert.equal((await store.get(ID)).data.commit, "newer");
  assert.ok(store.limits.remaining < store.limits.limit);
});

test("the history of the API has each revision, verdict and state", async () => {
  const store = open();
  await store.refresh();
  const history = await store.history(ID);
  const made = history.filter((one) => one.revision !== null);
  const { meta, data } = await store.get(ID);
  assert.deepEqual(made.map((one) => one.revision), Array.from({ length: meta.version }, (_, at) => at + 1));
  assert.ok(made.every((one) => one.certain && one.digest === digest(one.state)));
  assert.deepEqual(made.at(-1).state, data);
  const refused = history.filter((one) => one.revision === null).map((one) => `${one.mode} ${one.verdict}`);
  assert.deepEqual(refused, ["operators applied", "json-patch rejected", "append unauthorized"]);
  assert.equal((await store.at(ID, 1)).time_ms, 120.5);
  assert.deepEqual((await store.at(ID, 14)).tags, ["ci", "fast"]);
  await assert.rejects(store.at(ID, 99), NotFound);
});

test("the history of the API is in the product's order, a hand edit behind other comments included", async () => {
  const comments = await stage.ask("by_hand");
  const history = await open({ snapshot: undefined }).history("by-hand");
  assert.deepEqual(history.map((one) => one.comment_id), comments);
  assert.deepEqual(history.map((one) => one.revision), [1, 2, 3]);
});

test("the history of the API has what a person's own run entered, and nothing that they forged when they had left", async () => {
  const comments = await stage.ask("own_run");
  const history = await open({ snapshot: undefined }).history("own-run");
  assert.deepEqual(history.map((one) => one.comment_id), comments);
  assert.ok(history.every((one) => one.certain));
  assert.deepEqual(history.at(-1).state, { n: 50, "by hand": 1 });
});

test("the history of the API takes an applied update as it says, whatever revision it names", async () => {
  const comments = await stage.ask("raised");
  const history = await open({ snapshot: undefined }).history("raised");
  assert.deepEqual(history.map((one) => one.comment_id), comments);
  assert.deepEqual(history.at(-1).state, { n: 0, m: 2 });
});

test("the histories that the product writes are the API's, in every format", async () => {
  const told = (entries) => entries.filter((one) => one.revision !== null).map(({ mode, patch, certain, ...one }) => one);
  for (const [kind, file] of [["json", "snapshot.json"], ["jsonl", "snapshot.jsonl"], ["directory", "store/"]]) {
    await stage.ask("snapshot", { place: `past-${kind}`, kind, history: true });
    const { asked, fetcher } = counted();
    const store = open({ snapshot: `${stage.site}/past-${kind}/${file}`, fetch: fetcher });
    for (const id of (await store.list()).map((one) => one.meta.object_id)) {
      const found = await store.history(id);
      assert.deepEqual(asked, []);
      assert.deepEqual(told(found), told(await open({ snapshot: undefined }).history(id)));
      assert.ok(found.every((one) => one.certain !== false));
    }
  }
});

test("a history's file is read in place of the API, as long as it is as new as the object", async () => {
  const { asked, fetcher } = counted();
  const made = await open().history("benchmarks/writer");
  const line = ({ state, certain, ...entry }) => JSON.stringify(entry.mode === "initial" ? { ...entry, state } : entry);
  const leave = (entries) => stage.ask("leave", { path: "live/history/benchmarks%2Fwriter.jsonl", text: entries.map((one) => `${line(one)}\n`).join("") });
  await leave(made);
  const store = open({ fetch: fetcher });
  assert.deepEqual(await store.history("benchmarks/writer"), made);
  assert.equal((await store.at("benchmarks/writer", 4)).commit, "w3");
  assert.deepEqual(asked, []);
  await leave(made.map((one) => (one.revision === 4 ? { ...one, patch: { commit: "forged" } } : one)));
  await assert.rejects(store.at("benchmarks/writer", 4), NotFound);
  await leave(made.slice(0, -1));
  assert.deepEqual((await store.history("benchmarks/writer")).at(-1), made.at(-1));
  assert.ok(asked.length > 0);
  await leave(made);
});

test("a history's file that lies in folders is found by the index, and by nothing else in it", async () => {
  const { asked, fetcher } = counted();
  const id = "benchmarks/writer", name = "benchmarks%2Fwriter.jsonl";
  const made = await open({ snapshot: undefined }).history(id);
  await stage.ask("leave", { path: `folders/0a/b/${name}`, text: made.map((one) => `${JSON.stringify({ ...one, patch: null })}\n`).join("") });
  const index = (path) => stage.ask("leave", { path: "folders/index.json", text: JSON.stringify({ objects: { other: { path: "0a/x.jsonl" }, [id]: { path } } }) });
  const store = open({ history: `${stage.site}/folders/`, fetch: fetcher });
  await index(`0a/b/${name}`);
  assert.deepEqual((await store.history(id)).map((one) => one.digest), made.map((one) => one.digest));
  assert.deepEqual(asked, []);
  await index(`../live/history/${name}`);
  await store.history(id);
  assert.ok(asked.length > 0);
});

test("a stranger's issue with the labels and a marker of their own is no object", async () => {
  const number = await stage.ask("stranger");
  for (const token of [undefined, stage.token]) {
    const store = open({ token });
    const { leftOut } = await store.refresh();
    assert.deepEqual(leftOut.map((one) => one.issue_number), [number]);
    assert.match(leftOut[0].reason, token ? /may not write here/ : /GitHub did not say/);
    await assert.rejects(store.get("forged"), NotFound);
  }
});

test("what an author types over what the store has signed is held back until it is processed", async () => {
  const number = await stage.ask("former");
  const store = open({ snapshot: `${stage.site}/former/snapshot.json` });
  assert.deepEqual((await store.get("former")).data, { count: 1 });
  const { leftOut, removed } = await store.refresh();
  assert.deepEqual(removed, []);
  assert.match(leftOut.find((one) => one.issue_number === number).reason, /not processed yet/);
  assert.deepEqual((await store.get("former")).data, { count: 1 });
  const { repository, api, server } = stage;
  const live = new Store({ repository, api, server });
  await assert.rejects(live.get("former"), NotFound);
});

const DOI = "https://doi.org/10.1000/182?title=Any id, however long&year=2026";
test("an object of any id is read, and told apart by every character", async () => {
  const number = await stage.ask("odd", { object_id: DOI, title: "" });
  const { repository, api, server } = stage;
  for (const store of [open(), new Store({ repository, api, server })]) {
    await store.refresh();
    const { data, meta } = await store.get(DOI);
    assert.deepEqual([data, meta.object_id, meta.issue_number, meta.version], [{ n: 1 }, DOI, number, 2]);
    assert.match(meta.label, /^UID:=[0-9a-f]{32}$/);
    assert.deepEqual((await store.history(DOI)).map((one) => one.verdict), ["applied", "applied"]);
    await assert.rejects(store.get(DOI.toUpperCase()), NotFound);
  }
});

test("an object of any id under another title is known by the titles before, and held until it is processed", async () => {
  for (const title of ["My favourite paper", 'Stored Object: "a, b"']) {
    const number = await stage.ask("odd", { object_id: `${DOI} ${title}`, title });
    const { leftOut } = await open().refresh();
    assert.match(leftOut.find((one) => one.issue_number === number).reason, /not processed yet/);
  }
});

test("an issue that gh-store has retired is left out", async () => {
  const number = await stage.ask("odd", { object_id: "a, b", title: "", label: `ALIAS-TO:${ID}` });
  const store = open();
  const { leftOut } = await store.refresh();
  assert.match(leftOut.find((one) => one.issue_number === number).reason, /an alias of benchmarks\/parser/);
  await assert.rejects(store.get("a, b"), NotFound);
});

test("the history of a deleted object of any id is found by its label", async () => {
  const number = await stage.ask("odd", { object_id: "gone, for good", title: "" });
  await stage.ask("archive", { number });
  const history = await open().history("gone, for good");
  assert.deepEqual(history.map((one) => one.verdict), ["applied", "applied"]);
  await assert.rejects(open().history("Gone, for good"), NotFound);
});

test("a deleted object leaves the list", async () => {
  const store = open();
  const { meta } = await store.get("list");
  await stage.ask("archive", { number: meta.issue_number });
  assert.deepEqual((await store.refresh()).removed, ["list"]);
  await assert.rejects(store.get("list"), NotFound);
});

test("an update is posted with its key, as the product reads it", async () => {
  const store = open({ token: stage.token });
  const posted = await store.update(ID, { commit: "mine @alice #7" }, { ifRevision: 3, updateId: "key" });
  const { author, body } = await stage.ask("comment", { comment_id: posted.comment_id });
  assert.equal(author, "alice");
  assert.ok(!body.includes("@") && !body.includes("#"));
  const { _data, _meta } = JSON.parse(body);
  assert.deepEqual(_data, { commit: "mine @alice #7" });
  assert.equal(_meta.update_id, "key");
  assert.equal(_meta.if_revision, 3);
  assert.match((await store.update(ID, {})).updateId, /^[0-9a-f]{32}$/);
});

test("a token that is missing or wrong is told", async () => {
  await assert.rejects(open().update(ID, {}), (error) => error instanceof ApiError && error.status === 401);
  await assert.rejects(open({ token: "wrong" }).refresh(), /wrong or has expired/);
});

test("a used-up limit is told with the time of its end", async () => {
  await stage.ask("limit", { remaining: 0 });
  try {
    await assert.rejects(open().refresh(), (error) => error instanceof RateLimited && Date.parse(error.until) > 0);
  } finally {
    await stage.ask("limit", { remaining: 60 });
  }
});

test("a snapshot of another repository or none at all is told", async () => {
  await assert.rejects(open({ repository: "octo/other" }).list(), BrokenSnapshot);
  await assert.rejects(open({ snapshot: `${stage.site}/nowhere.json` }).list(), /the server answered 404/);
  await assert.rejects(open({ snapshot: "http://127.0.0.1:1/x.json" }).list(), /No answer from 127.0.0.1:1/);
});

test("addresses of issues, comments and forms are built", () => {
  const store = open({ server: "https://github.com" });
  assert.equal(store.issueUrl(7), "https://github.com/octo/store/issues/7");
  assert.equal(store.issueUrl(7, 9), "https://github.com/octo/store/issues/7#issuecomment-9");
  assert.equal(
    store.formUrl("update.yml", { title: "a & b" }), "https://github.com/octo/store/issues/new?template=update.yml&title=a+%26+b",
  );
});
