/** Starts `tests.browser.serve`, and asks it for things. */

import { webcrypto } from "node:crypto";
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

// Debian's Node 18 builds and tests the client, which itself asks for Node 20, where this is global.
globalThis.crypto ??= webcrypto;

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Packages of `web/`. */
export const installed = createRequire(`${root}web/package.json`);

/** What is served, with `ask` to change it and `close` to end it. */
export async function start() {
  const python = process.env.PYTHON ?? `${root}.venv/bin/python`;
  const child = spawn(python, ["-m", "tests.browser.serve"], { cwd: root, stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error("tests.browser.serve has ended; what it said stands above");
    return JSON.parse(value);
  };
  const facts = await next();
  return {
    ...facts,
    async ask(command, given = {}) {
      child.stdin.write(`${JSON.stringify({ do: command, ...given })}\n`);
      return (await next()).answer;
    },
    close() {
      child.stdin.end();
      return new Promise((resolve) => child.once("exit", resolve));
    },
  };
}
