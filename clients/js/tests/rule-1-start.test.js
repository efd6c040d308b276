/** Rule 1: no save before the start position is decided. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { hang, json, offline } from "./support/service.js";
import { aPage } from "./support/page.js";

test("rule 1: playback goes on at the stored point as soon as the duration is known", async (t) => {
  const { service, aPlayer, details } = aPage(t);
  service.store("603", 1800);
  const { media, watching } = await aPlayer();
  assert.equal(service.reads.length, 1);
  assert.equal(media.currentTime, 0);

  await media.load(3600);

  assert.equal(media.currentTime, 1800);
  assert.equal(await watching.started, 1800);
  assert.deepEqual(details.resumed, { from: 1800 });
  assert.deepEqual(service.saves, []);
});

for (const [point, why] of /** @type {const} */ ([[4.9, "near the start"], [3240, "at 90 %"], [3596, "near the end"], [4000, "beyond the end"]]))
  test(`rule 1: a point ${why} is no place to resume`, async (t) => {
    const { service, aPlayer, events } = aPage(t);
    service.store("603", point);
    const { media, watching } = await aPlayer();

    await media.load(3600);

    assert.equal(media.currentTime, 0);
    assert.equal(await watching.started, 0);
    assert.deepEqual(events, []);
  });

test("rule 1: a player that fails at 0 overwrites nothing", async (t) => {
  const { service, aPlayer, browser, clock } = aPage(t);
  service.store("603", 1800);
  const { media, watching } = await aPlayer();
  media.fire("play", "timeupdate", "error", "pause", "ended");
  browser.hide();
  browser.leave();
  await clock.advance(10_000);

  await watching.stop();

  assert.deepEqual(service.saves, []);
  assert.equal(service.points.get("603").currentTime, 1800);
});

test("rule 1: media that ends at once overwrites nothing", async (t) => {
  const { service, aPlayer } = aPage(t);
  service.store("603", 1800);
  const { media, watching } = await aPlayer({ resume: "no" });
  await media.load(0.04);
  await media.end();
  await media.load(3600);
  await media.end();

  await watching.stop();

  assert.deepEqual(service.saves, []);
});

test("rule 1: a duration of NaN, then Infinity, then of a film is waited for", async (t) => {
  const { service, aPlayer } = aPage(t);
  service.store("603", 1800);
  const { media } = await aPlayer();
  await media.load(NaN);
  await media.load(Infinity);
  await media.play(3);
  assert.equal(media.currentTime, 3);

  await media.load(3600);

  assert.equal(media.currentTime, 1800);
  assert.deepEqual(service.saves, []);
});

for (const [name, answer] of /** @type {const} */ ([
  ["hangs", hang],
  ["is offline", offline],
  ["fails", () => json(500, { error: "Internal server error" })],
  ["sends rubbish", () => json(200, "<html>")],
  ["is a proxy without a backend", () => json(404, "<html>Not found</html>")],
]))
  test(`rule 1: if the service ${name}, playback starts at 0 within 2 s, and saves begin after 5 s of playback`, async (t) => {
    const { service, aPlayer, clock, browser } = aPage(t);
    service.store("603", 1800);
    service.answer = (request) => (request.method === "GET" ? answer() : undefined);
    const { media, watching } = await aPlayer();
    await media.load(3600);
    await clock.advance(2000);
    assert.equal(await watching.started, 0);

    await media.play(4.75);
    browser.hide();
    await clock.advance(0);
    assert.deepEqual(service.saves, []);
    await media.play(1);

    assert.equal(service.positions.length, 1);
    assert.ok(Number(service.positions[0]) >= 5);
  });

test("rule 1: a position that the viewer chose by hand wins", async (t) => {
  const { service, aPlayer, clock } = aPage(t);
  service.store("603", 1800);
  service.answer = ({ method }) => (method === "GET" ? new Promise((resolve) => setTimeout(resolve, 1000)) : undefined);
  const { media } = await aPlayer();
  await media.load(3600);
  media.currentTime = 300;

  await clock.advance(3000);

  assert.equal(media.currentTime, 300);
});

test("rule 1: a position that the viewer chose by hand is saved, also without playback", async (t) => {
  const { service, aPlayer, clock } = aPage(t);
  service.store("603", 1800);
  service.answer = ({ method }) => (method === "GET" ? new Promise((resolve) => setTimeout(resolve, 1000)) : undefined);
  const { media, watching } = await aPlayer();
  await media.load(3600);
  media.currentTime = 300;

  await clock.advance(3000);

  assert.deepEqual(service.positions, [300]);
  assert.equal(await watching.started, 300);
});

test("rule 1: a seek to 0 by the loading player is no choice of the viewer", async (t) => {
  const { service, aPlayer } = aPage(t);
  service.store("603", 1800);
  const { media } = await aPlayer();
  media.currentTime = 0;

  await media.load(3600);

  assert.equal(media.currentTime, 1800);
});

test("rule 1: after a switch of the source that reports 0, the stored point stays", async (t) => {
  const { service, aPlayer, clock, browser } = aPage(t);
  service.store("603", 1800);
  const { media } = await aPlayer();
  await media.load(3600);
  await media.play(20);
  const before = service.points.get("603").currentTime;

  media.empty();
  await media.pause();
  browser.hide();
  await media.load(3600);
  await media.play(4);
  await media.pause();
  assert.equal(service.points.get("603").currentTime, before);
  media.currentTime = 1820;
  await clock.advance(1500);

  assert.equal(service.points.get("603").currentTime, 1820);
});

test("rule 1: after a seek that falls back to 0 without an event, the stored point stays for 5 s of playback", async (t) => {
  const { service, aPlayer, browser, clock } = aPage(t);
  service.store("603", 1800);
  const { media } = await aPlayer();
  await media.load(3600);
  media.fallBack();

  await media.play(4);
  browser.hide();
  await clock.advance(0);

  assert.deepEqual(service.saves, []);
});

test("rule 1: a player that starts at startTime is not sought again", async (t) => {
  const { service, aPlayer, newPoints, clock } = aPage(t);
  service.store("603", 1800);
  const points = newPoints();
  const start = points.startTime("603");
  await clock.advance(0);
  assert.equal(await start, 1800);
  const { media } = await aPlayer({}, points);
  media.currentTime = 1800;
  let seeks = 0;
  media.addEventListener("seeking", () => seeks++);

  await media.load(3600);
  await clock.advance(3000);
  assert.deepEqual(service.positions, [], "nothing was played, and nothing chosen");
  await media.play(6);

  assert.equal(seeks, 1);
  assert.ok(service.positions.every((position) => position >= 1800));
});

test("rule 1: with `ask`, the viewer decides, and nothing is saved before", async (t) => {
  const { service, aPlayer, details } = aPage(t);
  service.store("603", 1800, { device: "Living room TV" });
  const { media } = await aPlayer({ resume: "ask" });
  await media.load(3600);
  assert.equal(details.ask.currentTime, 1800);
  assert.equal(details.ask.device, "Living room TV");
  await media.play(20);
  assert.deepEqual(service.saves, []);

  details.ask.resume();
  await media.play(6);

  assert.ok(Number(service.positions[0]) > 1800);
});

test("rule 1: after `startOver`, saves begin from the start", async (t) => {
  const { service, aPlayer, details } = aPage(t);
  service.store("603", 1800);
  const { media } = await aPlayer({ resume: "ask" });
  await media.load(3600);

  details.ask.startOver();
  await media.play(6);
  details.ask.resume();

  assert.equal(media.currentTime, 6);
  assert.equal(service.points.get("603").currentTime, 5.25);
});
