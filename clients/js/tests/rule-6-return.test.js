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
