/** Rule 4: the queue in batches. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { json } from "./support/service.js";
import { aPage } from "./support/page.js";

/**
 * A browser that an earlier page has left with saves of many videos.
 * @param {any} t
 * @param {number} count
 */
function aQueue(t, count) {
  const page = aPage(t);
  for (let index = 0; index < count; index++) {
    const videoId = "é".repeat(120) + index;
    const measured = { wall: page.clock.wall - 60_000 - index, steady: 1, origin: 1 };
    const save = { videoId, currentTime: 100 + index, duration: 3600, device: "ü".repeat(64), measured };
    page.storage.setItem(`resume-points:http%3A%2F%2Fservice%20ann:${encodeURIComponent(videoId)}`, JSON.stringify(save));
  }
  return page;
}

const bytes = (/** @type {any} */ body) => Buffer.byteLength(JSON.stringify(body));

test("rule 4: a batch has at most 100 saves and 48 KiB", async (t) => {
  const { service, newPoints, clock, storage } = aQueue(t, 250);

  newPoints();
  await clock.advance(1000);

  assert.equal(service.points.size, 250);
  assert.equal(storage.length, 0);
  for (const { body, path } of service.saves) {
    assert.equal(path, "/api/progress/batch");
    assert.ok(body.events.length <= 100 && bytes(body) <= 48 * 1024, `${body.events.length} events, ${bytes(body)} bytes`);
  }
});

test("rule 4: each result of a batch counts for its own save", async (t) => {
  const { service, newPoints, clock, storage } = aQueue(t, 4);
  service.answer = ({ path }) =>
    path.endsWith("/batch") && service.saves.length === 1
      ? json(200, { results: [{ status: 204, applied: true }, { status: 403, error: "No" }, { status: 503, error: "Redis" }, null] })
      : undefined;

  newPoints();
  await clock.advance(0);
  assert.equal(storage.length, 2);
  await clock.advance(5000);

  assert.deepEqual(service.saves[1]?.body.events.map((/** @type {any} */ event) => event.currentTime), [102, 103]);
  assert.equal(storage.length, 0);
});

const ODD_ANSWERS = /** @type {[string, any, number][]} */ ([["rubbish", "<html>", 3], ["an object", {}, 3], ["too few results", { results: [{ status: 204 }] }, 2]]);

for (const [name, body, missing] of ODD_ANSWERS)
  test(`rule 4: what a batch that gets ${name} does not acknowledge is sent again`, async (t) => {
    const { service, newPoints, clock, storage } = aQueue(t, 3);
    service.answer = ({ path }) => (path.endsWith("/batch") && service.saves.length === 1 ? json(200, body) : undefined);

    newPoints();
    await clock.advance(10_000);

    assert.equal(storage.length, 0);
    assert.equal(service.points.size, missing);
  });

test("rule 4: one save that makes the service refuse the batch loses no other save", async (t) => {
  const { service, newPoints, clock, storage } = aQueue(t, 20);
  service.answer = ({ method, body }) => {
    const events = method === "POST" ? (body.events ?? [body]) : [];
    return events.some((/** @type {any} */ { currentTime }) => currentTime === 107) ? json(413, { error: "Too large" }) : undefined;
  };

  newPoints();
  await clock.advance(10_000);

  assert.equal(service.points.size, 19);
  assert.equal(storage.length, 0);
});

test("rule 4: the ages of a batch are those of the moment of sending", async (t) => {
  const { service, newPoints, clock } = aQueue(t, 2);
  clock.sleep(3_600_000);

  newPoints();
  await clock.advance(0);

  assert.deepEqual(service.saves[0]?.body.events.map((/** @type {any} */ { ageMs }) => ageMs), [3_660_000, 3_660_001]);
});

test("rule 4: without a queue, the constructor asks for no token", (t) => {
  const { newPoints } = aPage(t);
  let calls = 0;

  newPoints({ token: async () => `${++calls}` });

  assert.equal(calls, 0);
});
