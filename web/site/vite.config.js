import { fileURLToPath } from "node:url";

import { defineConfig } from "vite";

/** The bundle goes into the package, under names that stay: `gh-store site` copies it. */
export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "./",
  resolve: { alias: { "gh-store-client": fileURLToPath(new URL("../client/src/index.ts", import.meta.url)) } },
  build: {
    outDir: fileURLToPath(new URL("../../gh_store_action/site", import.meta.url)),
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    rollupOptions: { output: { entryFileNames: "app.js", assetFileNames: "app[extname]", inlineDynamicImports: true } },
  },
});
