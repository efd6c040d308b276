/** Rule 3: one request in flight; the newest position waits, older ones are dropped. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { aPage } from "./support/page.js";

/**
 * A page with requests that take so long to arrive: one value for each save, in the order of sending.
 * @param {any} t
 * @param {number[]} milliseconds
 */
async function aSlowPage(t, milliseconds, watch = {}) {
  const page = aPage(t);
  page.service.answer = ({ method }) => {
    const wait = method === "POST" && milliseconds[page.service.saves.length - 1];
    return wait ? new Promise((resolve) => setTimeout(resolve, wait)) : undefined;
  };
  const player = await page.aPlayer(watch);
  await player.media.load(3600);
  return { ...page, ...player };
}

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

test("rule 3: a request ends after 10 s, and the newest position follows, dated at that end", async (t) => {
  const { service, aPlayer, clock } = aPage(t);
  const { media } = await aPlayer();
  await media.load(3600);
  service.answer = ({ method }) => (method === "POST" && service.saves.length === 1 ? new Promise(() => {}) : undefined);
  await media.play(8);
  await media.pause();

  await clock.advance(10_000);

  assert.equal(service.mostInFlight, 1);
  assert.deepEqual(service.positions, [5.25, 8]);
  // Until then, the request may have arrived.
  const { ageMs } = service.saves[1]?.body;
  assert.ok(ageMs >= 998 && ageMs <= 2000, `${ageMs} ms`);
});

for (const api of /** @type {const} */ (["progress", "playback"]))
  test(`rule 3: a save wins over the slow request before it (${api})`, async (t) => {
    const { service, media, clock } = await aSlowPage(t, [1800], { api });
    await media.play(6.5);
    await media.pause();
    assert.equal(service.saves.length, 1);

    await clock.advance(2000);

    assert.equal(service.points.get("603").currentTime, api === "progress" ? 6.5 : 6);
  });

test("rule 3: the newest of three saves wins over two slow requests", async (t) => {
  const { service, media, clock } = await aSlowPage(t, [800, 800]);
  await media.play(5.5);
  await media.pause();
  await clock.advance(600);
  await media.play(0.5);
  await media.pause();

  await clock.advance(3000);

  assert.equal(service.points.get("603").currentTime, 6);
});

test("rule 3: a save of a hidden page wins over a slow request that arrives before it", async (t) => {
  const { service, media, clock, browser } = await aSlowPage(t, [800, 400]);
  await media.play(5.5);
  await media.pause();
  await clock.advance(200);
  browser.leave();

  await clock.advance(3000);

  assert.deepEqual(service.positions, [5.25, 5.5]);
  assert.equal(service.points.get("603").currentTime, 5.5);
});

test("rule 3: a save of a hidden page wins over a slow request that arrives after it", async (t) => {
  const { service, media, clock, browser } = await aSlowPage(t, [3000]);
  await media.play(5.5);
  await media.pause();
  browser.hide();
  await clock.advance(1000);
  assert.equal(service.points.get("603").currentTime, 5.5);

  await clock.advance(5000);

  assert.equal(service.points.get("603").currentTime, 5.5);
  assert.equal(service.saves.length, 3);
});

test("rule 3: a save wins over a slow batch with an older save of its video", async (t) => {
  const page = aPage(t);
  const { service, storage, clock, aPlayer } = page;
  const measured = { wall: clock.wall - 60_000, steady: 1, origin: 1 };
  for (const videoId of ["603", "604"])
    storage.setItem(`resume-points:http%3A%2F%2Fservice%20ann:${videoId}`, JSON.stringify({ videoId, currentTime: 100, duration: 3600, measured }));
  service.answer = ({ path }) => (path.endsWith("/batch") ? new Promise((resolve) => setTimeout(resolve, 9000)) : undefined);
  const { media } = await aPlayer({ resume: "no" });
  await media.load(3600);
  await media.play(6);
  await media.pause();
  await clock.advance(9000);

  assert.equal(service.saves[0]?.path, "/api/progress/batch");
  assert.deepEqual([service.points.get("603").currentTime, service.points.get("604").currentTime], [6, 100]);
  assert.ok(service.saves[1]?.body.ageMs > 2000, "its own time is late enough");
});

test("rule 3: a save that waited while the laptop slept does not win over the television", async (t) => {
  const { service, media, clock } = await aSlowPage(t, [20_000]);
  await media.play(5.5);
  await media.pause();
  clock.sleep(3_600_000);
  service.store("603", 2000, { device: "tv" });
  clock.sleep(3_600_000);

  await clock.advance(60_000);

  assert.equal(service.points.get("603").currentTime, 2000);
  assert.equal(service.saves.length > 1, true);
});

test("rule 3: a save of a page in the back/forward cache does not win over the television", async (t) => {
  const { service, clock, browser, aPlayer, newPoints } = aPage(t);
  // The page gets no response while it is in the cache.
  const fetch = async (/** @type {string} */ url, /** @type {RequestInit} */ init) => {
    const response = await service.fetch(url, init);
    if (init.method === "POST") await new Promise((resolve) => setTimeout(resolve, 3000));
    return response;
  };
  const { media } = await aPlayer({}, newPoints({ fetch }));
  await media.load(3600);
  await media.play(4);
  browser.leave();
  await media.play(0.25);
  browser.hide();
  await media.play(0.25);
  browser.freeze();
  await clock.advance(1000);
  service.store("603", 2000, { device: "tv" });
  browser.restore();
  await clock.advance(10_000);

  assert.equal(service.points.get("603").currentTime, 2000);
  assert.equal(media.currentTime, 2000);
});
