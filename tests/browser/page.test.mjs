/** The page in Chromium: written by the product, served on loopback, with the GitHub of `tests.double` behind it. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { installed, start } from "./stage.mjs";

const { chromium } = installed("playwright-core");
const AXE = readFileSync(installed.resolve("axe-core/axe.min.js"), "utf8");
const SHOTS = fileURLToPath(new URL("../../.cache/screenshots/", import.meta.url));
const DESK = { width: 1280, height: 860 };
const PHONE = { width: 390, height: 800 };
const PARSER = "#/o/benchmarks%2Fparser";
const CHART = "#/chart?path=%2Ftime_ms&id=benchmarks%2Fparser&id=benchmarks%2Fwriter";

let stage;
let browser;

before(async () => {
  mkdirSync(SHOTS, { recursive: true });
  const executablePath = process.env.CHROMIUM ?? execFileSync("sh", ["-c", "command -v chromium || command -v chromium-browser"], { encoding: "utf8" }).trim();
  stage = await start();
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
});
after(async () => {
  await browser?.close();
  await stage?.close();
});

/**
 * Opens a place of the page in a browser of its own, and closes it.  In the end every request has gone to the page's
 * server or to the API, no script of the data has run, and the page's policy has refused nothing.
 */
async function visit(place, look, { viewport = DESK, colorScheme = "light", prepare, errors = [] } = {}) {
  const context = await browser.newContext({ viewport, colorScheme, locale: "en-GB", timezoneId: "UTC" });
  const page = await context.newPage();
  const hosts = new Set();
  const wrong = [];
  page.on("request", (request) => { if (request.url().startsWith("http")) hosts.add(new URL(request.url()).origin); });
  page.on("pageerror", (error) => wrong.push(error.message));
  page.on("dialog", (dialog) => wrong.push(`dialog: ${dialog.message()}`));
  page.on("console", (message) => {
    if (/Content Security Policy|Refused/.test(message.text())) wrong.push(message.text());
  });
  try {
    await prepare?.(page, context);
    await page.goto(`${stage.site}/${place}`);
    await settled(page);
    await look(page, context);
    assert.deepEqual(wrong, errors);
    assert.deepEqual([...hosts].filter((one) => one !== stage.site && one !== new URL(stage.api).origin), []);
    assert.notEqual(await page.title(), "owned");
  } finally {
    await context.close();
  }
}

async function settled(page) {
  await page.waitForSelector("h1, .note");
  await page.waitForFunction(() => !document.querySelector("[data-busy]"));
}

async function accessible(page) {
  await page.evaluate(AXE); // by the debugger's protocol, which the page's policy does not bind
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  assert.deepEqual(violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" ")}`), []);
}

const row = (page, at = 0) => page.locator(".rows .row").nth(at);

// -- every view, in every dress

const VIEWS = {
  empty: "empty/", table: "many/", object: `live/${PARSER}`, revision: `live/${PARSER}?r=5`, diff: `live/${PARSER}?from=3&to=12`,
  raw: `live/${PARSER}?view=raw`, chart: `live/${CHART}`, hostile: "hostile/#/o/hostile", missing: "live/#/o/nobody",
};
for (const [name, place] of Object.entries(VIEWS)) {
  for (const [dress, options] of Object.entries({
    light: {}, dark: { colorScheme: "dark" }, phone: { viewport: PHONE }, "phone-dark": { viewport: PHONE, colorScheme: "dark" },
  })) {
    test(`${name}, ${dress}: no violation of axe, nothing wider than the screen`, () => visit(place, async (page) => {
      for (const details of await page.locator("details:not([open]) > summary").all()) if (await details.isVisible()) await details.click();
      await accessible(page);
      const [width, inside] = await page.evaluate(() => [document.documentElement.clientWidth, document.documentElement.scrollWidth]);
      assert.ok(inside <= width, `${inside} > ${width}`);
      await page.reload();
      await settled(page);
      await page.waitForTimeout(300);
      await page.screenshot({ path: `${SHOTS}${name}-${dress}.png` });
    }, options));
  }
}

// -- the table

test("ten thousand objects: only the rows in sight are there, and every one can be reached", () => visit("many/", async (page) => {
  assert.equal(await page.locator("[role=table]").getAttribute("aria-rowcount"), "10001");
  assert.ok(await page.locator(".rows .row").count() < 80);
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  await page.getByRole("link", { name: "model-09999" }).waitFor();
  assert.ok(await page.locator(".rows .row").count() < 80);
}));

test("search, filter and order are in the address, and come back with it", () => visit("many/", async (page) => {
  await page.getByRole("searchbox").fill("vision family");
  await page.getByLabel("Filter by state").selectOption("failed");
  await page.getByRole("button", { name: "accuracy" }).click();
  await page.getByRole("button", { name: "accuracy" }).click();
  const seen = await row(page).innerText();
  const count = await page.locator(".count").innerText();
  assert.match(count, /^\d+ of 10,000$/);
  await page.waitForFunction(() => location.hash.includes("sort=-"));
  await page.reload();
  await settled(page);
  assert.equal(await row(page).innerText(), seen);
  assert.equal(await page.locator(".count").innerText(), count);
  assert.equal(await page.getByRole("columnheader", { name: "accuracy" }).getAttribute("aria-sort"), "descending");
}));

test("the keyboard reaches everything", () => visit("many/", async (page) => {
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement.type), "search");
  await page.keyboard.type("model-0012");
  await row(page).locator("a").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "model-00121" }).waitFor();
}));

test("a key that is no column can be made one", () => visit("many/", async (page) => {
  await page.getByText("Columns").click();
  await page.getByLabel("owner.login").check();
  await page.getByRole("columnheader", { name: "owner.login" }).waitFor();
}));

// -- one object

test("an object has its data, its history and what changed", () => visit(`live/${PARSER}`, async (page) => {
  const events = page.locator(".events > li");
  assert.match(await events.first().innerText(), /Revision 15[^]*bob · merge-patch/);
  assert.equal(await page.locator(".events > li.unauthorized").count(), 1);
  assert.equal(await page.locator(".events > li.rejected").count(), 1);
  await page.getByRole("link", { name: "Compare revision 14 with 15" }).click();
  await page.locator(".diff").waitFor();
  assert.deepEqual(await page.locator(".diff > li > div").allInnerTexts(), ["removed memory", "added note"]);
  await page.getByLabel("from").selectOption("1");
  await page.waitForFunction(() => location.hash.includes("from=1&to=15"));
  await page.getByRole("link", { name: "Objects", exact: true }).first().click();
  await page.getByRole("heading", { name: "Objects" }).waitFor();
}));

test("an older revision offers the comment that brings it back, and a token posts it", () => visit(`live/${PARSER}?r=5`, async (page) => {
  await page.getByText("Restore revision 5").click();
  const update = JSON.parse(await page.getByLabel("Comment that restores the revision").innerText());
  assert.deepEqual([update._data.commit, update._meta.update_mode, update._meta.if_revision], ["c4", "replace", 15]);
  assert.match(await page.getByRole("link", { name: "Open the issue" }).getAttribute("href"), /\/issues\/1#new_comment_field$/);
  assert.equal(await page.getByRole("button", { name: "Post the comment" }).count(), 0);
  await withToken(page, stage.token);
  await page.getByText("Restore revision 5").click();
  await page.getByRole("button", { name: "Post the comment" }).click();
  await page.getByText("Posted.").waitFor();
  assert.deepEqual(JSON.parse(await stage.ask("posted"))._data, update._data);
}));

test("issues that are left out are named, each with its issue", () => visit("hostile/", async (page) => {
  await page.getByText("2 issues are left out").click();
  const links = await page.locator(".leftout a").all();
  assert.deepEqual(await Promise.all(links.map((one) => one.innerText())), ["#7", "#99"]);
  assert.match(await links[0].getAttribute("href"), /\/octo\/store\/issues\/7$/);
  await accessible(page);
}));

test("hostile text is text, wherever it stands", () => visit("hostile/", async (page) => {
  assert.equal(await page.locator("main img, main script, main iframe").count(), 0);
  await page.getByRole("link", { name: "hostile" }).click();
  await page.locator(".tree").waitFor();
  assert.equal(await page.locator("main img, main script").count(), 0);
  assert.match(await page.locator(".tree").innerText(), /<script>document.title='owned'<\/script>\\u202e/);
  assert.equal(await page.evaluate(() => ({}).polluted), undefined);
  for (const link of await page.locator("a").all()) assert.doesNotMatch(await link.getAttribute("href"), /^javascript:/);
}));

test("an address that somebody has cut or bent shows something all the same", async () => {
  for (const hash of ["#/o/%E0%A4%A", "#/chart?path=%2Fno&id=nobody", "#/nowhere?f/x=1", `${PARSER}?r=x`, `${PARSER}?from=99&to=-1`]) {
    await visit(`live/${hash}`, async (page) => assert.ok((await page.locator("main").innerText()).length > 10));
  }
});

// -- the chart

test("a chart zooms by dragging; the range is in the address, in the table and in the file", () => visit(`live/${CHART}`, async (page) => {
  const plot = page.locator(".u-over");
  await page.getByText("Up to date").waitFor(); // a newer state redraws the chart
  await plot.hover();
  const box = await plot.boundingBox();
  await page.mouse.move(box.x + box.width * 0.35, box.y + 50);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.65, box.y + 60, { steps: 5 });
  await page.mouse.up();
  await page.waitForFunction(() => /from=\d.*to=\d/.test(location.hash));
  await page.getByText("Numbers", { exact: true }).click();
  const shown = await page.locator("tbody th").allInnerTexts();
  assert.ok(shown.length > 2 && shown.length < 8, String(shown));
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download CSV" }).click()]);
  const lines = readFileSync(await file.path(), "utf8").trim().split("\r\n");
  assert.equal(lines[0], "revision,benchmarks/parser,benchmarks/writer");
  assert.deepEqual(lines.slice(1).map((line) => line.split(",")[0]), shown);
  await page.reload();
  await settled(page);
  assert.equal(await page.locator("tbody th").count(), shown.length);
  await page.getByRole("button", { name: "Show all" }).click();
  await page.waitForFunction(() => !location.hash.includes("from="));
  await page.getByLabel("From revision").fill("3");
  await page.getByLabel("From revision").press("Enter");
  await page.waitForFunction(() => location.hash.includes("from=3"));
  await page.locator(".tools select").nth(1).selectOption("time");
  await page.getByLabel("From time").waitFor();
  assert.match(await page.getByRole("img").getAttribute("aria-label"), /benchmarks\/writer from 80 to 92/);
}));

// -- the network and its moods

test("what is newer than the snapshot comes by itself", async () => {
  await stage.ask("update", { data: { commit: "fresh" } });
  await visit(`live/${PARSER}`, (page) => page.locator(".tree").getByText('"fresh"').waitFor());
});

test("while GitHub is slow the snapshot is there", () => visit("live/", async (page) => {
  await page.getByRole("link", { name: "benchmarks/parser" }).waitFor();
  assert.equal(await page.locator(".state").innerText(), "Looking for what is newer …");
  await page.getByText("Up to date").waitFor();
}, { prepare: (page) => page.route(`${stage.api}/**`, (route) => setTimeout(() => route.continue(), 1500)) }));

test("where GitHub cannot be reached the snapshot stays, with its time; a history says what to do", () => visit("live/", async (page) => {
  await page.getByText("As of").waitFor();
  await page.getByRole("link", { name: "benchmarks/parser" }).click();
  await page.getByText("See whether you are online").waitFor();
  await accessible(page);
}, { prepare: (page) => page.route(`${stage.api}/**`, (route) => route.abort("internetdisconnected")) }));

test("where the server goes away the page says so", () => visit("live/", async (page) => {
  await page.getByRole("alert").getByText("See whether you are online").waitFor();
}, { prepare: (page) => page.route("**/snapshot.json", (route) => route.abort("internetdisconnected")) }));

test("a used-up limit is told with the time of its end, and a token goes on", async () => {
  await stage.ask("limit", { remaining: 0 });
  try {
    await visit(`live/${PARSER}`, async (page) => {
      await page.getByText("GitHub allows no more requests until").waitFor();
      await page.getByText("As of").waitFor();
      await withToken(page, stage.token);
      await page.getByText("Up to date").waitFor();
      await page.getByRole("link", { name: /^Revision \d+$/ }).first().waitFor();
    });
  } finally {
    await stage.ask("limit", { remaining: 60 });
  }
});

test("a private store is read with a token, which stays in memory", async () => {
  await stage.ask("private", { private: true });
  try {
    await visit("unpublished/", async (page, context) => {
      await page.getByText("the server answered 404").waitFor();
      await accessible(page);
      await withToken(page, "wrong");
      await page.getByText("wrong or has expired").waitFor();
      await page.getByRole("button", { name: "Forget the token" }).click();
      await page.getByText("the server answered 404").waitFor();
      await withToken(page, stage.token);
      await page.getByRole("link", { name: "benchmarks/parser" }).waitFor();
      const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href, document.body.innerHTML]));
      assert.ok(!kept.includes(stage.token));
      assert.deepEqual(await context.cookies(), []);
      await page.reload();
      await page.getByText("the server answered 404").waitFor();
    });
  } finally {
    await stage.ask("private", { private: false });
  }
});

async function withToken(page, token) {
  await page.getByRole("button", { name: "Use a token" }).first().click();
  await page.getByLabel("Token", { exact: true }).fill(token);
  await accessible(page);
  await page.getByRole("button", { name: "Use it" }).click();
  await settled(page);
}

// -- what ten thousand objects cost

const ROUNDS = 3;
const TYPED = [..."model vision 77", ...Array(15).fill("Backspace"), ..."team-3 audio", ...Array(12).fill("Backspace")];

/**
 * Opens the list at `place` and types into its search.  Returns the work of loading it, the least work of each key over
 * some rounds, and the most rows that were there at once.  Work is what the page's main thread has worked, in milliseconds
 * of processor time: where other programs have the processors, time on the wall says nothing about the page.
 */
async function measured(place) {
  const keys = TYPED.map(() => Infinity);
  let worked;
  let load;
  let rows = 0;
  await visit(place, async (page) => {
    load = await worked();
    await page.getByText("Up to date").waitFor();
    await page.getByRole("searchbox").focus();
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [at, key] of TYPED.entries()) {
        const start = await worked();
        await page.keyboard.press(key === " " ? "Space" : key);
        await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
        keys[at] = Math.min(keys[at], await worked() - start);
        rows = Math.max(rows, await page.locator(".rows .row").count());
      }
    }
  }, { prepare: async (page, context) => {
    const session = await context.newCDPSession(page);
    await session.send("Performance.enable", { timeDomain: "threadTicks" });
    worked = async () => {
      const { metrics } = await session.send("Performance.getMetrics");
      return metrics.find((one) => one.name === "TaskDuration").value * 1000;
    };
  } });
  return { load, all: keys.reduce((sum, one) => sum + one), key: Math.max(...keys), rows };
}

test("ten thousand objects cost hardly more than a hundred, to load and at each key of the search", async () => {
  const few = await measured("few/");
  const many = await measured("many/");
  for (const [objects, { load, all, key, rows }] of [["100", few], ["10,000", many]]) {
    console.log(`${objects} objects: ${Math.round(load)} ms of work to load, ${Math.round(all)} for ${TYPED.length} keys, at most ${key.toFixed(1)} for one; ${rows} rows at once`);
  }
  assert.equal(many.rows, few.rows);
  assert.ok(many.all < 2 * few.all, `${many.all} and ${few.all} ms`);
  assert.ok(many.key < 3 * few.key, `${many.key} and ${few.key} ms`);
  assert.ok(many.load < 5 * few.load, `${many.load} and ${few.load} ms`);
});
