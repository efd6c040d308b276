/** Rule 3: one request in flight; the newest position waits, older ones are dropped. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { aPage } from "./support/page.js";

test("rule 3: while a request hangs, only the newest position waits", async (t) => {
  const { service, aPlayer } = aPage(t);
  const { media } = await aPlayer();
  await media.load(3600);
  /** @type {(value?: any) => void} */
  let answer = () => {};
  service.answer = ({ method }) => (method === "POST" && service.saves.length === 1 ? new Promise((resolve) => (answer = resolve)) : undefined);
  await media.play(9);
  await media.pause();
  await media.play(0.5);
  await media.pause();
  assert.deepEqual(service.positions, [5.25]);

  answer();
  await media.pause();

  assert.deepEqual(service.positions, [5.25, 9.5]);
  assert.equal(service.mostInFlight, 1);
});

test("rule 3: a request ends after 10 s, and the newest position follows with its age", async (t) => {
  const { service, aPlayer, clock } = aPage(t);
  const { media } = await aPlayer();
  await media.load(3600);
  service.answer = ({ method }) => (method === "POST" && service.saves.length === 1 ? new Promise(() => {}) : undefined);
  await media.play(8);
  await media.pause();

  await clock.advance(10_000);

  assert.equal(service.mostInFlight, 1);
  assert.deepEqual(service.positions, [5.25, 8]);
  assert.ok(service.saves[1]?.body.ageMs > 7000);
});
