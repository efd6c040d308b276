/** The routes that pages call, and the import of the package. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { hang, json } from "./support/service.js";
import { aPage } from "./support/page.js";

test("get returns the point, or null if there is none", async (t) => {
  const { service, newPoints } = aPage(t);
  service.store("a/b", 60);

  assert.equal((await newPoints().get("a/b"))?.currentTime, 60);
  assert.equal((await newPoints().get("a/b"))?.videoId, "a/b");
  assert.equal(await newPoints().get("none"), null);
});

test("list returns points with videoId, and the cursor of the next page", async (t) => {
  const { service, newPoints } = aPage(t);
  service.answer = () => json(200, [{ tmdbId: "603", currentTime: 60 }], { Link: '</api/progress/ann?limit=1&cursor=a%2Bb>; rel="next"' });

  const points = await newPoints().list({ limit: 1, status: "in-progress" });

  assert.deepEqual([...points], [{ videoId: "603", currentTime: 60 }]);
  assert.equal(points.next, "a+b");
});

test("marks and deletions use the routes of the service", async (t) => {
  const { service, newPoints } = aPage(t);
  service.answer = () => new Response(null, { status: 204 });
  const points = newPoints();
  await points.markWatched("603");
  await points.markWatched("603", false);
  await points.dismiss("603");
  await points.dismiss("603", false);
  await points.delete("603");

  assert.deepEqual(service.requests.map(({ method, path }) => `${method} ${path}`), [
    "PUT /api/progress/ann/603/watched",
    "DELETE /api/progress/ann/603/watched",
    "PUT /api/progress/ann/603/dismissed",
    "DELETE /api/progress/ann/603/dismissed",
    "DELETE /api/progress/ann/603",
  ]);
});

test("it is no error to delete what is not there", async (t) => {
  const { newPoints, service } = aPage(t);
  service.answer = () => json(404, { error: "Progress not found" });
  await newPoints().delete("603");
  await newPoints().dismiss("603", false);

  await assert.rejects(newPoints().dismiss("603"), { status: 404 });
});

test("a failed call rejects with the status, the message and the details", async (t) => {
  const { newPoints, service, clock } = aPage(t);
  service.answer = () => json(400, { error: "Validation failed", details: { limit: ["Too large"] } });
  await assert.rejects(newPoints().list(), { name: "ResumeError", status: 400, message: "Validation failed", details: { limit: ["Too large"] } });
  service.answer = () => new Response("<html>", { status: 404 });
  await assert.rejects(newPoints().get("603"), { status: 404 });
  await assert.rejects(newPoints().delete("603"), { status: 404 });
  service.answer = () => new Response("<html>");
  await assert.rejects(newPoints().get("603"), { status: 0 });
  service.answer = hang;
  const failed = assert.rejects(newPoints().get("603"), { status: 0 });
  await clock.advance(10_000);
  await failed;
});

test("the import accesses no window, and a server may create an instance", () => {
  const script = `
    for (const name of ["window", "document", "localStorage", "navigator", "BroadcastChannel"])
      Object.defineProperty(globalThis, name, { get() { throw new Error(name); }, configurable: true });
    for (const name of ["", "/vidstack", "/videojs", "/react"]) await import("resume-points" + name);
  `;
  execFileSync(process.execPath, ["--input-type=module", "--eval", script], { cwd: new URL("..", import.meta.url) });
  const server = `const { ResumePoints } = await import("resume-points"); new ResumePoints({ url: "", token: () => "" });`;
  execFileSync(process.execPath, ["--input-type=module", "--eval", server], { cwd: new URL("..", import.meta.url) });
});
