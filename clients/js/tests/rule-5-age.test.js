/** Rule 5: the age of a save is the greater of two elapsed times. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { elapsedSince, now } from "../src/elapsed.js";
import { Clock } from "./support/clock.js";
import { offline } from "./support/service.js";
import { aPage } from "./support/page.js";

const DAY = 86_400_000;

test("rule 5: both clocks agree while the machine is awake", async (t) => {
  const clock = new Clock(t);
  const instant = now();

  await clock.advance(1234);

  assert.equal(elapsedSince(instant), 1234);
});

test("rule 5: the wall clock counts the sleep of a laptop", (t) => {
  const clock = new Clock(t);
  const instant = now();

  clock.sleep(8 * 3_600_000);

  assert.equal(elapsedSince(instant), 8 * 3_600_000);
});

for (const [jump, why] of /** @type {const} */ ([[-3_600_000, "set back"], [31 * DAY, "set forward by more than 30 days"]]))
  test(`rule 5: a wall clock that was ${why} does not count`, async (t) => {
    const clock = new Clock(t);
    const instant = now();
    await clock.advance(5000);

    clock.sleep(jump);

    assert.equal(elapsedSince(instant), 5000);
  });

test("rule 5: the age is a whole number", (t) => {
  const clock = new Clock(t);
  const instant = now();
  clock.steady += 12.34;

  assert.equal(elapsedSince(instant), 12);
});

test("rule 5: for a save of an earlier page, only the wall clock counts", (t) => {
  const clock = new Clock(t);
  const earlier = { wall: clock.wall - 60_000, steady: 1, origin: 1 };

  assert.equal(elapsedSince(earlier), 60_000);
  assert.equal(elapsedSince({ ...earlier, wall: clock.wall + 5000 }), 0);
});

test("rule 5: a save of an earlier page from the future is 30 days old: the clock was set back", (t) => {
  const clock = new Clock(t);

  assert.equal(elapsedSince({ wall: clock.wall + 3_600_000, steady: 1, origin: 1 }), 30 * DAY);
});

test("rule 5: a save of an earlier page is at most 30 days old, so it wins over no other", (t) => {
  const clock = new Clock(t);

  assert.equal(elapsedSince({ wall: clock.wall - 31 * DAY, steady: 1, origin: 1 }), 30 * DAY);
});

test("rule 5: a save that slept in the queue does not win over the television", async (t) => {
  const { service, aPlayer, clock } = aPage(t);
  const { media } = await aPlayer();
  await media.load(3600);
  service.answer = offline;
  await media.play(10);
  await media.pause();
  clock.sleep(8 * 3_600_000);
  clock.wall -= 3_600_000;
  service.store("603", 2000, { device: "tv" });
  clock.wall += 3_600_000;
  service.answer = () => undefined;

  await clock.advance(60_000);

  assert.equal(service.points.get("603").currentTime, 2000);
  assert.ok(service.saves.at(-1)?.body.ageMs >= 8 * 3_600_000);
});
