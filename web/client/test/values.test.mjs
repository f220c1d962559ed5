/** JSON, digests, update modes and comments: what needs no server. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import {
  apply, canonical, digest, digestText, equal, fileName, InvalidJson, parse, readSnapshot, readTitle, readWritten, Refused,
  updateText, writeTitle,
} from "../dist/index.js";
import { readEntry } from "../dist/entries.js";
import { matches } from "../dist/github.js";
import { historyOf } from "../dist/log.js";
import { isIntact } from "../dist/snapshot.js";

test("strict JSON is read as every JSON reader reads it", () => {
  for (const text of ['{"a":[1,-0.5e3,"\\u00e9\\ud83d\\ude00\\n",true,false,null],"":{}}', " [ ] ", '"x"', "0", "-12.5E-2"]) {
    assert.deepEqual(parse(text), JSON.parse(text));
  }
  const own = parse('{"__proto__": {"a": 1}}');
  assert.deepEqual(Object.keys(own), ["__proto__"]);
});

const REFUSED = [
  "", " ", "{", "[1,]", '{"a":1,}', "01", "1.", "+1", ".5", "NaN", "Infinity", "-", "1e999", "'a'", '"\n"', '"\\x"',
  '"\\u12"', '"\\ud800"', '"\\udc00x"', '{"a":1,"a":2}', "[1] 2", "nul", '{a:1}', '{"a" 1}', '["a" "b"]', '"a',
  "[".repeat(101) + "]".repeat(101), "1".repeat(1001), "\u00a01",
];
for (const text of REFUSED) {
  test(`no JSON for a store: ${JSON.stringify(text.slice(0, 20))}`, () => assert.throws(() => parse(text), InvalidJson));
}

test("the canonical form is that of RFC 8785", () => {
  const value = { "\u20ac": 1, "\r": 2, "\ufb33": 3, 1: 4, "\ud83d\ude00": 5, "\u0080": 6, "\u00f6": 7 };
  assert.equal(canonical(value), '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\ud83d\ude00":5,"\ufb33":3}');
  assert.equal(canonical([1e30, 4.5, 2e-3, 1e-27, 333333333.33333329, -0, 1e21]), "[1e+30,4.5,0.002,1e-27,333333333.3333333,0,1e+21]");
});

test("the digest is SHA-256, however long the text is", () => {
  for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 1000]) {
    const value = "é".repeat(length);
    assert.equal(digest(value), createHash("sha256").update(JSON.stringify(value)).digest("hex"));
  }
});

const APPLIED = [
  ["append", { a: { b: 1 }, c: 1 }, { a: { d: 2 }, c: [3] }, { a: { b: 1, d: 2 }, c: [3] }],
  ["replace", { a: 1 }, [1], [1]],
  ["merge-patch", { a: { b: 1, c: 2 }, d: 1 }, { a: { b: null, e: {} }, d: null }, { a: { c: 2, e: {} } }],
  ["merge-patch", { a: 1 }, { a: { b: { c: null } } }, { a: { b: {} } }],
  ["json-patch", { a: [1, 2] }, [{ op: "add", path: "/a/1", value: 9 }, { op: "add", path: "/a/-", value: 3 }], { a: [1, 9, 2, 3] }],
  ["json-patch", { a: { b: 1 } }, [{ op: "move", from: "/a/b", path: "/c" }, { op: "copy", from: "/c", path: "/a/d" }], { a: { d: 1 }, c: 1 }],
  ["json-patch", { "a/b": 1, "m~n": 2 }, [{ op: "test", path: "/a~1b", value: 1.0 }, { op: "remove", path: "/m~0n" }], { "a/b": 1 }],
  ["json-patch", { a: 1 }, [{ op: "replace", path: "", value: [2] }], [2]],
  ["operators", { n: 1, l: [3, 1] }, { $inc: { n: 2 }, $push: { l: { $each: [7], $position: 0, $slice: 2 } } }, { n: 3, l: [7, 3] }],
  ["operators", { l: [1, { a: 2 }, "x"] }, { $pull: { l: { a: { $gte: 2 } } }, $set: { "m.n": 1 } }, { l: [1, "x"], m: { n: 1 } }],
  ["operators", { l: [1] }, { $addToSet: { l: { $each: [1.0, 2] } }, $unset: { q: "" }, $max: { m: "b" } }, { l: [1, 2], m: "b" }],
  ["operators", { a: [1] }, { $set: { "a.3": 4 } }, { a: [1, null, null, 4] }],
];
for (const [mode, state, patch, result] of APPLIED) {
  test(`${mode} ${JSON.stringify(patch)}`, () => {
    const before = structuredClone(state);
    const found = apply(mode, state, patch);
    assert.ok(equal(found, result), JSON.stringify(found));
    assert.deepEqual(state, before);
  });
}

const UNFIT = [
  ["append", [1], { a: 1 }],
  ["append", { a: 1 }, [1]],
  ["replace", {}, "text"],
  ["merge-patch", { a: 1 }, 7],
  ["json-patch", { a: [1] }, { op: "add" }],
  ["json-patch", { a: [1] }, [{ op: "add", path: "/a/5", value: 1 }]],
  ["json-patch", { a: [1] }, [{ op: "add", path: "/a/01", value: 1 }]],
  ["json-patch", { a: [1] }, [{ op: "remove", path: "/b" }]],
  ["json-patch", { a: { b: 1 } }, [{ op: "move", from: "/a", path: "/a/b" }]],
  ["json-patch", { a: 1 }, [{ op: "test", path: "/a", value: true }]],
  ["json-patch", { a: 1 }, [{ op: "replace", path: "/constructor", value: 1 }]],
  ["json-patch", { a: 1 }, [{ op: "add", path: "/~2", value: 1 }]],
  ["operators", { n: "x" }, { $inc: { n: 1 } }],
  ["operators", {}, { $rename: { a: "b" } }],
  ["operators", {}, { $set: { "a.b": 1, a: 2 } }],
  ["operators", {}, { $set: { "a..b": 1 } }],
  ["operators", { a: 1 }, { $set: { "a.b": 1 } }],
  ["operators", { a: [] }, { $set: { "a.2000": 1 } }],
  ["replace", {}, { a: "x".repeat(60_000) }],
];
for (const [mode, state, patch] of UNFIT) {
  test(`${mode} refuses ${JSON.stringify(patch).slice(0, 60)}`, () => assert.throws(() => apply(mode, state, patch), Refused));
}

test("an update may not reach the prototype", () => {
  apply("append", {}, parse('{"__proto__": {"polluted": 1}}'));
  apply("merge-patch", {}, parse('{"__proto__": {"polluted": 1}}'));
  apply("operators", {}, { $set: { "__proto__.polluted": 1 } });
  apply("json-patch", {}, [{ op: "add", path: "/__proto__", value: { polluted: 1 } }]);
  assert.equal({}.polluted, undefined);
});

const COMMENTS = [
  ['{"a": 1}', { a: 1 }],
  ['<!-- x -->\n```json\n{"a": 1}\n```\n-- \nme', { a: 1 }],
  ["~~~~json\n[1]\n~~~\n~~~~", InvalidJson],
  ["~~~~js\n[1]\n~~~~", [1]],
  ["```python\n{}\n```", null],
  ["Look: ```json\n{}\n```", null],
  ['{"a": 1} and more', InvalidJson],
  ["{'a': 1}", InvalidJson],
  ["- [x] done", null],
  ["7", null],
  ["    ```json\n{}\n```", null],
];
for (const [text, expected] of COMMENTS) {
  test(`a comment ${JSON.stringify(text)}`, () => {
    if (expected === InvalidJson) assert.throws(() => readWritten(text), InvalidJson);
    else assert.deepEqual(readWritten(text), expected);
  });
}

const LONG = 65_000;
const SHAPES = [
  "`".repeat(LONG) + " x `", "`" + " ".repeat(LONG), "a" + " ".repeat(LONG) + "b", "<!---->".repeat(LONG / 7), "<!--".repeat(LONG / 4),
  "[".repeat(LONG), "[ ".repeat(LONG / 2) + "x", '{"' + "\\".repeat(LONG), "On " + "x".repeat(LONG / 2) + "\n" + "y".repeat(LONG / 2),
  "On x\n".repeat(LONG / 5), "{a" + " ".repeat(LONG), "-".repeat(LONG), "```\n".repeat(LONG / 4), '[""' + "]".repeat(LONG) + "x", "~".repeat(LONG),
];
for (const text of SHAPES) {
  test(`a comment of 65,000 characters is read at once: ${JSON.stringify(text.slice(0, 12))}`, () => {
    const start = process.cpuUsage().user;
    try {
      readWritten(text);
    } catch (error) {
      assert.ok(error instanceof InvalidJson);
    }
    assert.ok(process.cpuUsage().user - start < 300_000, `${process.cpuUsage().user - start} µs`);
  });
}

test("a state that was edited counts where its key still has its digest", () => {
  const kind = (data, edited) => readEntry({
    id: 1, author: "bot", created_at: "", edited, reactions: {},
    body: JSON.stringify({ type: "initial_state", data, _meta: { revision: 1, update_id: "0-0-44136fa355b3678a" } }),
  }, true, true, "rocket").kind;
  assert.deepEqual([kind({}, false), kind({}, true), kind({ a: 1 }, true)], ["checkpoint", "checkpoint", "chat"]);
});

test("a title gives id and marker", () => {
  assert.deepEqual(readTitle("Stored Object: a/b [r3 c12 n2 0123abcd] (aBc1)"), {
    id: "a/b", marker: { revision: 3, comment: 12, count: 2, digest: "0123abcd", recent: ["aB", "c1"] },
  });
  assert.deepEqual(readTitle("Stored Object: a rest"), { id: "a", marker: null });
  assert.deepEqual(readTitle("Hello"), { id: "", marker: null });
});

test("a title names as many of the newest comments as fit beside the address of a move", () => {
  const marker = { revision: 1e14, comment: 1e17, count: 1e9, digest: "0".repeat(8), recent: Array.from({ length: 10 }, (_, at) => `0${at}`) };
  const title = writeTitle("é".repeat(150), marker);
  assert.deepEqual(readTitle(title).marker, { ...marker, recent: marker.recent.slice(-5) });
  assert.ok([...title].length + " -> #1234567890".length + 1 <= 256);
});

test("integers that no double has are judged by their text alone", () => {
  const text = '{"n": 9007199254740993, "m": [1, 2.5, 1e300, null]}';
  const [data, sha] = [parse(text), digestText(text)];
  assert.notEqual(digest(data), sha);
  assert.equal(isIntact({ data, meta: { digest: sha } }), true);
  assert.equal(isIntact({ data: { m: [1, 2.5, null] }, meta: { digest: sha } }), false);
  assert.equal(digestText('{"b": -0, "a": 1.0}'), digest({ a: 1, b: 0 }));
});

test("a rule is about ids of any text, as Python's fnmatch has it", () => {
  const fitting = [
    ["*", "a\nb"], ["a?c", "A\u{1f680}C"], ["[\u{1f680}x].(+)", "\u{1f680}.(+)"], ["[!a-c]*", "d"], ["a[*]", "a*"], ["[[]x]", "[x]"],
    ["https://*/{login}", "https://x/dependabot[bot]", "dependabot[bot]"],
  ];
  for (const [glob, id, login = "alice"] of fitting) assert.ok(matches(glob, id, login), glob);
  for (const [glob, id] of [["a?c", "ac"], ["[!a-c]*", "b"], ["a.c", "abc"], ["{login}", "bob"]]) assert.ok(!matches(glob, id, "alice"), glob);
});

test("files are named as Python names them", () => {
  const names = { "a/b:c": "a%2Fb%3Ac", ".x": "%2Ex", "con": "%63on", "COM1.x": "%43OM1.x", "a~b@c+d": "a%7Eb@c+d", "A_-.9": "A_-.9" };
  for (const [id, name] of Object.entries(names)) assert.equal(fileName(id, `UID:${id}`), name);
});

test("an update's text mentions nobody", () => {
  const text = updateText({ to: "@alice #7 GH-7 \u202e" }, { mode: "replace", updateId: "k", ifDigest: "01234567" });
  assert.ok(!/[@#\u202e]|GH-7/.test(text));
  const { _data, _meta } = JSON.parse(text);
  assert.equal(_data.to, "@alice #7 GH-7 \u202e");
  assert.deepEqual([_meta.update_mode, _meta.update_id, _meta.if_digest], ["replace", "k", "01234567"]);
  assert.throws(() => updateText({ a: "x".repeat(65_000) }), RangeError);
});

const BROKEN = ["", "[]", "{", '{"objects": []}', '{"objects": {"a": {"data": {}, "meta": {"object_id": "b"}}}}'];
for (const text of BROKEN) {
  test(`no snapshot: ${text}`, () => assert.rejects(readSnapshot("json", async () => text), { name: "BrokenSnapshot" }));
}

for (const folders of ["objects/", "objects/a/", "objects/ab/c/"]) {
  test(`a directory's file is read where the index says: ${folders}`, async () => {
    const meta = {
      object_id: "a/b", label: "UID:a/b", issue_number: 1, created_at: "2026-01-01T00:00:00Z",
      updated_at: "2026-01-01T00:00:00Z", version: 1, digest: digest({}),
    };
    const asked = [];
    const found = await readSnapshot("directory", async (path) => {
      asked.push(path);
      if (path !== "index.json") return JSON.stringify({ data: {}, meta });
      const entry = { path: `${folders}a%2Fb.json`, ...meta };
      return JSON.stringify({ snapshot_time: meta.updated_at, repository: "o/r", objects: { "a/b": entry } });
    });
    assert.equal(found.objects[0].meta.object_id, "a/b");
    assert.deepEqual(asked, ["index.json", `${folders}a%252Fb.json`]);
  });
}

test("where a log leaves open what repeated a key, its history is the one that the marker's digest confirms", () => {
  const add = (field) => JSON.stringify({ _data: { $inc: { [field]: 1 } }, _meta: { update_mode: "operators", update_id: "k" } });
  const entry = (id, author, body) => readEntry(
    { id, author, body, created_at: `2026-01-01T00:00:${id}Z`, edited: false, reactions: {} }, author === "processor", author === "processor", "rocket",
  );
  const state = JSON.stringify({ type: "initial_state", data: { n: 0 }, _meta: { revision: 1, after: 0, update_id: `0-0-${digest({ n: 0 }).slice(0, 16)}` } });
  const ends = (author, texts, data, revision) => {
    const entries = [entry(10, "processor", state), ...texts.map((text, at) => entry(11 + at, author, text))];
    const ids = texts.map((_, at) => 11 + at);
    const marker = { revision, comment: ids.at(-1), count: entries.length, digest: digest(data).slice(0, 8), recent: [] };
    const issue = { number: 1, created_at: "2026-01-01T00:00:00Z" };
    const found = historyOf([{ issue, entries, marker, verdicts: new Map(ids.map((id) => [id, "applied"])) }]);
    return found.map((one) => [one.revision, one.state, one.certain]);
  };
  const start = [1, { n: 0 }, true];
  const once = [start, [2, { n: 1 }, true], [null, undefined, undefined]];
  assert.deepEqual(ends("ada", [add("n"), add("n")], { n: 1 }, 2), once);
  assert.deepEqual(ends("ghost", [add("n"), add("n")], { n: 1 }, 2), once);
  assert.deepEqual(ends("ghost", [add("n"), add("n")], { n: 2 }, 3), [start, [2, { n: 1 }, true], [3, { n: 2 }, true]]);
  assert.deepEqual(ends("ghost", [add("n"), add("m")], { n: 1, m: 1 }, 3), [start, [2, { n: 1 }, true], [3, { n: 1, m: 1 }, true]]);
  assert.deepEqual(ends("ghost", [add("n"), add("m")], { n: 7 }, 2).at(-1), [3, { n: 1, m: 1 }, false]);
});
