/** Rule 6: after a break, the point is asked for again before anything is saved. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { hang } from "./support/service.js";
import { aPage } from "./support/page.js";

const HOURS = 3_600_000;

/** @param {any} t */
async function aPausedPage(t, watch = {}) {
  const page = aPage(t);
  page.service.store("603", 100);
  const player = await page.aPlayer(watch);
  await player.media.load(3600);
  if (watch.resume && watch.resume !== "seek") player.media.currentTime = 100;
  await player.media.play(20);
  await page.clock.advance(2000);
  /** The television goes on, some time later. */
  const onTelevision = (/** @type {number} */ position = 2000) => page.service.store("603", position, { device: "tv" });
  return { ...page, ...player, onTelevision };
}

test("rule 6: a laptop that slept 8 hours while playing follows the television, and saves nothing before", async (t) => {
  const { service, media, clock, onTelevision, details } = await aPausedPage(t);
  await media.play(3);
  const saves = service.saves.length;
  clock.sleep(8 * HOURS);
  onTelevision();
  clock.sleep(HOURS);

  media.fire("timeupdate");
  await media.play(4);

  assert.equal(service.saves.length, saves);
  assert.equal(service.points.get("603").currentTime, 2000);
  assert.equal(Math.floor(media.currentTime), 2004);
  assert.deepEqual(details.resumed, { from: 2000 });
});

for (const event of ["pause", "ended"])
  test(`rule 6: if the first event after the sleep is ${event}, nothing is saved before the answer`, async (t) => {
    const { service, media, clock, onTelevision } = await aPausedPage(t);
    await media.play(3);
    clock.sleep(8 * HOURS);
    onTelevision();
    clock.sleep(HOURS);

    media.paused = true;
    media.fire(event);
    await clock.advance(5000);

    assert.equal(service.points.get("603").currentTime, 2000);
    assert.equal(media.currentTime, 2000);
  });

test("rule 6: play after a long pause follows the other device", async (t) => {
  const { service, media, clock, onTelevision } = await aPausedPage(t);
  await media.pause();
  await clock.advance(61_000);
  onTelevision();
  await media.play(0.25);

  assert.equal(Math.floor(media.currentTime), 2000);
  await media.play(6);
  assert.ok(service.points.get("603").currentTime > 2000);
});

test("rule 6: play after a short pause asks nothing", async (t) => {
  const { service, media, clock } = await aPausedPage(t);
  await media.pause();
  const reads = service.reads.length;
  await clock.advance(50_000);
  await media.play(6);

  assert.equal(service.reads.length, reads);
});

test("rule 6: if no other device has moved on, the own save is no reason to seek", async (t) => {
  const { media, clock, events, service } = await aPausedPage(t);
  await media.pause();
  await clock.advance(61_000);
  events.length = 0;
  await media.play(6);

  assert.equal(Math.floor(media.currentTime), 126);
  assert.ok(!events.includes("resumed") && !events.includes("elsewhere"));
  assert.equal(Math.floor(service.points.get("603").currentTime), 125);
});

test("rule 6: the return from the back/forward cache asks at once, before playback", async (t) => {
  const { service, media, browser, clock, onTelevision } = await aPausedPage(t);
  await media.pause();
  browser.leave();
  onTelevision();
  const reads = service.reads.length;

  browser.restore();
  await clock.advance(0);

  assert.equal(service.reads.length, reads + 1);
  assert.equal(media.currentTime, 2000);
});

test("rule 6: a pause that the media reports before the page is back from the cache saves nothing", async (t) => {
  const { service, media, browser, clock, onTelevision } = await aPausedPage(t);
  await media.play(6);
  browser.leave();
  await clock.advance(0);
  onTelevision();
  const saves = service.saves.length;

  await media.play(0.25);
  await media.pause();
  browser.restore();
  await clock.advance(0);

  assert.equal(service.saves.length, saves);
  assert.equal(service.points.get("603").currentTime, 2000);
  assert.equal(media.currentTime, 2000);
});

test("rule 6: a page that was hidden for more than 60 s asks when it is shown", async (t) => {
  const { media, browser, clock, onTelevision } = await aPausedPage(t);
  await media.pause();
  browser.hide();
  await clock.advance(61_000);
  onTelevision();

  browser.show();
  await clock.advance(0);

  assert.equal(media.currentTime, 2000);
});

for (const resume of /** @type {const} */ (["ask", "no"]))
  test(`rule 6: with resume "${resume}", elsewhere is fired and the position stays`, async (t) => {
    const { service, media, clock, onTelevision, details } = await aPausedPage(t, { resume });
    await media.pause();
    await clock.advance(61_000);
    onTelevision();
    const saves = service.saves.length;
    const play = media.play(0.25);
    await play;

    assert.deepEqual(details.elsewhere, { currentTime: 2000, device: "tv" });
    assert.equal(service.saves.length, saves);
    assert.ok(media.currentTime < 200);
  });

test("rule 6: if the service does not answer within 2 s, saves begin after 5 s of playback", async (t) => {
  const { service, media, clock } = await aPausedPage(t);
  await media.pause();
  await clock.advance(61_000);
  const saves = service.saves.length;
  service.answer = ({ method }) => (method === "GET" ? hang() : undefined);
  await media.play(6.5);
  assert.equal(service.saves.length, saves);

  await media.play(1);

  assert.equal(service.saves.length, saves + 1);
});

test("rule 6: a position that the viewer chose by hand while the service answers wins", async (t) => {
  const { service, media, clock, onTelevision, details } = await aPausedPage(t);
  await media.pause();
  await clock.advance(61_000);
  onTelevision();
  service.answer = ({ method }) => (method === "GET" ? new Promise((resolve) => setTimeout(resolve, 1000)) : undefined);
  await media.play(0.25);
  media.currentTime = 500;
  await media.play(3);

  assert.equal(Math.floor(media.currentTime), 503);
  assert.equal(service.points.get("603").currentTime, 500.75);
  assert.equal(details.elsewhere.currentTime, 2000);
});

test("rule 6: a position that the viewer chose by hand after a long pause is saved, also without playback", async (t) => {
  const { service, media, clock } = await aPausedPage(t);
  await media.play(2);
  clock.sleep(2 * HOURS);
  service.answer = ({ method }) => (method === "GET" ? new Promise((resolve) => setTimeout(resolve, 1000)) : undefined);
  media.fire("pause");
  media.paused = true;
  media.currentTime = 500;
  await clock.advance(3000);

  assert.equal(service.points.get("603").currentTime, 500);
});

/** The media gets a new source, or the same again. @param {import("./support/media.js").Media} media */
async function reload(media) {
  media.paused = true;
  media.empty();
  await media.load(3600);
}

for (const [name, order] of /** @type {const} */ ([
  ["before the page is shown", ["reload", "restore"]],
  ["while the point is asked for", ["restore", "reload"]],
  ["after the answer", ["restore", "answer", "reload"]],
])) {
  /** @param {Awaited<ReturnType<typeof aPausedPage>>} page */
  const comeBack = async ({ media, browser, clock }) => {
    for (const step of order) {
      if (step === "restore") {
        browser.show();
        await clock.advance(2); // WebKit runs timers here
        browser.restore();
      }
      if (step === "answer") await clock.advance(300);
      if (step === "reload") {
        media.paused = true;
        media.empty();
      }
    }
    await clock.advance(400);
    await media.load(3600);
    await clock.advance(400);
  };

  test(`rule 6: media that is loaded again ${name} goes on where another device is`, async (t) => {
    const page = await aPausedPage(t);
    const { service, media, browser, clock, onTelevision } = page;
    await media.play(5);
    browser.leave();
    await clock.advance(100);
    onTelevision();
    await comeBack(page);

    assert.equal(media.currentTime, 2000);
    await media.play(6);
    assert.ok(service.points.get("603").currentTime > 2000);
  });

  test(`rule 6: media that is loaded again ${name} goes on where this page was left`, async (t) => {
    const page = await aPausedPage(t);
    const { service, media, browser, clock } = page;
    await media.play(5);
    browser.leave();
    const left = media.currentTime;
    await clock.advance(100);
    await comeBack(page);

    assert.equal(media.currentTime, left);
    assert.equal(service.points.get("603").currentTime, left);
    await media.play(6);
    assert.ok(service.positions.every((position) => position >= 100));
    assert.ok(service.points.get("603").currentTime > left);
  });
}

test("rule 6: media that is loaded again goes on where this page was left, if the service does not answer", async (t) => {
  const { service, media, browser, clock } = await aPausedPage(t);
  await media.play(5);
  browser.leave();
  const left = media.currentTime;
  const saves = service.saves.length;
  service.answer = ({ method }) => (method === "GET" ? hang() : undefined);
  browser.restore();
  await reload(media);
  await clock.advance(2000);

  assert.equal(media.currentTime, left);
  await media.play(4.75);
  assert.equal(service.saves.length, saves);
  await media.play(2);
  assert.equal(service.saves.length, saves + 1);
});

test("rule 6: a new source of a page that was restored earlier is not sought", async (t) => {
  const { service, media, browser, clock } = await aPausedPage(t);
  await media.play(5);
  browser.leave();
  browser.restore();
  await clock.advance(0);
  await media.play(6);
  const before = media.currentTime;
  await reload(media);
  await media.play(3);

  assert.equal(media.currentTime, 3);
  assert.equal(service.points.get("603").currentTime, before);
});

test("rule 6: a film that the other device has finished is announced, not sought", async (t) => {
  const { media, clock, onTelevision, details } = await aPausedPage(t);
  await media.pause();
  await clock.advance(61_000);
  onTelevision(3600);
  await media.play(1);

  assert.ok(media.currentTime < 200);
  assert.equal(details.elsewhere.currentTime, 3600);
});

test("rule 6: the first play long after the page was loaded asks again", async (t) => {
  const { service, aPlayer, clock } = aPage(t);
  service.store("603", 100);
  const { media } = await aPlayer();
  await clock.advance(120_000);
  service.store("603", 2000);

  await media.load(3600);

  assert.equal(media.currentTime, 2000);
});
