/** Measures the core as a bundler ships it, and fails above the limit that the README promises. */

import { build } from "esbuild";
import { minify } from "terser";
import { gzipSync } from "node:zlib";

const LIMIT_BYTES = 5000;

/** What is loaded later is in files of its own. */
const laterFiles = {
  name: "later-files",
  /** @param {import("esbuild").PluginBuild} build */
  setup(build) {
    build.onResolve({ filter: /^\./ }, ({ kind, path }) => (kind === "dynamic-import" ? { path, external: true } : undefined));
  },
};

const { outputFiles } = await build({
  entryPoints: ["src/resume-points.js"], bundle: true, format: "esm", target: "es2022", write: false, plugins: [laterFiles],
});
const bundle = outputFiles[0]?.text ?? "";
const minified = (await minify(bundle, { module: true, ecma: 2020, compress: { passes: 3 } })).code ?? "";
const size = gzipSync(minified, { level: 9 }).length;
console.log(`core: ${size} bytes (bundled, minified, gzipped); ${gzipSync(bundle, { level: 9 }).length} bytes without minification`);
if (size > LIMIT_BYTES) {
  console.error(`The core is larger than ${LIMIT_BYTES} bytes.`);
  process.exitCode = 1;
}
