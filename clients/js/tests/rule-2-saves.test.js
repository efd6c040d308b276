/** Rule 2: when positions are saved. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { json } from "./support/service.js";
import { aPage } from "./support/page.js";

/** @param {any} t */
async function aPlayingPage(t, watch = {}) {
  const page = aPage(t);
  page.service.store("603", 100);
  const player = await page.aPlayer(watch);
  await player.media.load(3600);
  return { ...page, ...player };
}

test("rule 2: every 5 s of playback, with the duration and the device", async (t) => {
  const { service, media } = await aPlayingPage(t);

  await media.play(21);

  assert.deepEqual(service.positions.map((position) => Math.round(Number(position))), [105, 110, 115, 120]);
  assert.deepEqual(service.saves[0]?.body, { userId: "ann", videoId: "603", currentTime: 105, duration: 3600, ageMs: 0 });
});

test("rule 2: media time counts, not the clock: nothing is saved while the media waits for data", async (t) => {
  const { service, media, clock } = await aPlayingPage(t);
  await media.play(3);

  await clock.advance(50_000);

  assert.deepEqual(service.saves, []);
});

test("rule 2: `every` sets the interval, and a longer Resume-Every of the service wins", async (t) => {
  const { service, media } = await aPlayingPage(t, { every: 10 });
  service.answer = ({ method }) => (method === "POST" ? new Response(null, { status: 204, headers: { "Resume-Every": "30" } }) : undefined);

  await media.play(65);

  assert.deepEqual(service.positions.map((position) => Math.round(Number(position) - 100)), [10, 40]);
});

for (const [header, gap] of /** @type {const} */ ([["rubbish", 5], ["0", 5], ["-7", 5], ["86400", 60]]))
  test(`rule 2: a Resume-Every of ${header} gives an interval of ${gap} s`, async (t) => {
    const { service, media } = await aPlayingPage(t);
    service.answer = ({ method }) => (method === "POST" ? new Response(null, { status: 204, headers: { "Resume-Every": header } }) : undefined);

    await media.play(80);

    const [first, second] = service.positions;
    assert.equal(Math.floor(Number(second) - Number(first)), gap);
  });

test("rule 2: on pause, and only if the position has moved", async (t) => {
  const { service, media } = await aPlayingPage(t);
  await media.play(2);
  await media.pause();
  await media.pause();

  assert.deepEqual(service.positions, [102]);
});

test("rule 2: one second after the last seek", async (t) => {
  const { service, media, clock } = await aPlayingPage(t);
  for (const position of [500, 900, 700]) {
    media.currentTime = position;
    await clock.advance(400);
  }
  await clock.advance(500);
  assert.deepEqual(service.saves, []);

  await clock.advance(100);

  assert.deepEqual(service.positions, [700]);
});

test("rule 2: no save while the viewer drags the position", async (t) => {
  const { service, media, browser } = await aPlayingPage(t);
  await media.play(3);
  media.seeking = true;
  media.fire("seeking", "timeupdate", "pause");
  browser.hide();

  assert.deepEqual(service.saves, []);
});

test("rule 2: at the end, the position is the duration, once", async (t) => {
  const { service, media, browser, clock } = await aPlayingPage(t);
  await media.play(2);
  await media.end();
  browser.hide();
  browser.leave();
  await clock.advance(60_000);

  assert.deepEqual(service.positions, [3600]);
});

test("rule 2: no save of endless media, and none below 1 s", async (t) => {
  const { service, media, clock } = await aPlayingPage(t);
  media.duration = Infinity;
  await media.play(30);
  await media.pause();
  media.duration = 3600;
  media.currentTime = 0.5;
  await clock.advance(5000);
  await media.pause();

  assert.deepEqual(service.saves, []);
});

test("rule 2: hidden, frozen or left: one request, at once, that outlives the page", async (t) => {
  const { service, media, browser } = await aPlayingPage(t);
  await media.play(3);

  browser.hide();
  browser.freeze();
  browser.leave();

  assert.deepEqual(service.positions, [103]);
  assert.equal(service.saves[0]?.keepalive, true);
});

test("rule 2: a page that is left while a request hangs still sends its newest position", async (t) => {
  const { service, media, browser } = await aPlayingPage(t);
  service.answer = ({ method }) => (method === "POST" ? new Promise(() => {}) : undefined);
  await media.play(7);

  browser.leave();

  assert.deepEqual(service.positions, [105, 107]);
});

test("rule 2: `save: false` seeks, but saves nothing", async (t) => {
  const { service, media, browser, watching } = await aPlayingPage(t, { save: false });
  assert.equal(media.currentTime, 100);
  await media.play(20);
  browser.hide();
  await watching.stop();

  assert.deepEqual(service.saves, []);
});

test("rule 2: `stop` saves the position, and nothing afterwards", async (t) => {
  const { service, media, watching, clock } = await aPlayingPage(t);
  await media.play(3);
  const stopped = watching.stop();
  await clock.advance(0);
  await stopped;
  await media.play(20);

  assert.deepEqual(service.positions, [103]);
});

test("rule 2: an abort of the signal stops", async (t) => {
  const abort = new AbortController();
  const { service, media } = await aPlayingPage(t, { signal: abort.signal });
  await media.play(3);
  abort.abort();
  await media.play(20);

  assert.deepEqual(service.positions, [103]);
});

test("rule 2: another video in the same element ends the watching before", async (t) => {
  const { service, media, points, clock } = await aPlayingPage(t);
  await media.play(3);
  await points.watch(media, { videoId: "604", live: false });
  media.empty();
  await clock.advance(0);
  await media.load(1000);
  await media.play(6);

  assert.deepEqual(service.saves.map(({ body }) => [body.videoId, body.currentTime]), [["603", 103], ["604", 5.25]]);
});

test("rule 2: another source saves where the one before was", async (t) => {
  const { service, media, clock } = await aPlayingPage(t);
  await media.play(3);
  media.empty();
  await clock.advance(0);

  assert.deepEqual(service.saves.map(({ body }) => [body.currentTime, body.duration]), [[103, 3600]]);
});

test("rule 2: `stop` after the source was replaced saves where it was, as React does it", async (t) => {
  const { service, media, watching, clock } = await aPlayingPage(t);
  await media.play(3);
  media.reset();
  watching.stop();
  media.fire("emptied", "timeupdate");
  await clock.advance(0);

  assert.deepEqual(service.saves.map(({ body }) => [body.currentTime, body.duration]), [[103, 3600]]);
});

for (const [api, kind, path, body] of /** @type {const} */ ([
  ["playback", undefined, "/api/v1/playback/movie/603", { position_seconds: 105, duration_seconds: 3600 }],
  ["playback", "episode", "/api/v1/playback/episode/603", { position_seconds: 105, duration_seconds: 3600 }],
  ["rate", undefined, "/videos/603/progress", { progress_rate: 2 }],
]))
  test(`rule 2: the API ${api} saves with ${path}`, async (t) => {
    const { service, media } = await aPlayingPage(t, { api, kind });
    service.answer = ({ method }) => (method === "POST" ? json(200, {}) : undefined);

    await media.play(6);

    assert.deepEqual(service.saves.map((save) => [save.path, save.body]), [[path, body]]);
  });

test("rule 2: a rate that would be 0 is saved as a position", async (t) => {
  const page = aPage(t);
  const { media } = await page.aPlayer({ api: "rate" });
  await media.load(3600);
  await media.play(6);

  assert.equal(page.service.saves[0]?.path, "/api/progress");
});
