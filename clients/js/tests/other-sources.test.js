/** Media that gets another source: a renewed address of the same film, an advertisement, or the next film. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { aPage } from "./support/page.js";
import { offline } from "./support/service.js";

const HOUR = 3_600_000;

/** A film of an hour that has played from 100 s to 106 s. @param {any} t */
async function aFilm(t) {
  const page = aPage(t);
  page.service.store("603", 100);
  const player = await page.aPlayer();
  await player.media.load(3600);
  await player.media.play(6);
  /** The player loads a source, and seeks in it. */
  const replace = async (/** @type {number} */ duration, /** @type {number | undefined} */ from) => {
    player.media.empty();
    await page.clock.advance(500);
    player.media.duration = duration;
    player.media.fire("durationchange");
    await page.clock.advance(0);
    if (from !== undefined) player.media.currentTime = from;
    player.media.fire("loadedmetadata");
    await page.clock.advance(100);
  };
  const stored = () => page.service.points.get("603").currentTime;
  return { ...page, ...player, replace, stored };
}

test("rule 6: a source that is renewed after a long pause follows the other device", async (t) => {
  const { media, clock, service, stored, replace } = await aFilm(t);
  await media.pause();
  clock.sleep(HOUR);
  service.store("603", 2000);

  await replace(3600, 106);
  await media.play(3);

  assert.equal(stored(), 2000);
  assert.ok(media.currentTime > 2000);
});

for (const [when, delay] of /** @type {const} */ ([["before", 0], ["after", 800]]))
  test(`rule 6: a source that is renewed after sleep follows the other device, with the answer ${when} the player's seek`, async (t) => {
    const { media, clock, service, stored, replace } = await aFilm(t);
    clock.sleep(8 * HOUR);
    service.store("603", 2000);
    service.answer = ({ method }) => (method === "GET" && delay ? new Promise((resolve) => setTimeout(resolve, delay)) : undefined);
    media.fire("timeupdate");

    await replace(3600, 106);
    await clock.advance(1000);
    await media.play(7);

    assert.ok(media.currentTime > 2000);
    assert.ok(stored() >= 2000);
  });

test("rule 2: the seek of the next film is not saved as this film's position", async (t) => {
  const { media, clock, points, service, stored, replace } = await aFilm(t);

  await replace(3500, 80);
  await media.play(2);
  await points.watch(media, { videoId: "604", live: false });
  await clock.advance(0);

  assert.equal(stored(), 106);
  assert.ok(!service.points.has("604"));
});

test("rule 2: an advertisement in the same element moves nothing, and the film goes on", async (t) => {
  const { media, stored, replace } = await aFilm(t);

  await replace(30, undefined);
  await media.play(29);
  assert.equal(stored(), 106);
  await replace(3600, 106);
  await media.play(10);

  assert.ok(stored() >= 115);
});

test("rule 2: after 5 s of a new source, the viewer's seeks count again, one soon after another", async (t) => {
  const { media, clock, stored, replace } = await aFilm(t);
  await replace(3600, 106);
  await media.play(6);

  for (const position of [900, 1200]) {
    media.currentTime = position;
    await clock.advance(1100);
    assert.equal(stored(), position);
  }
});

test("rule 2: another cut of the film, with another length, is saved after 3 min", async (t) => {
  const { media, stored, replace } = await aFilm(t);

  await replace(5000, 106);
  await media.play(200);

  assert.ok(stored() > 280);
});

test("rule 2: a player that keeps the former duration saves where the former source was", async (t) => {
  const { media, clock, stored } = await aFilm(t);
  await media.play(2);

  media.reset();
  media.duration = 3600; // as Video.js does
  media.fire("emptied");
  await clock.advance(0);

  assert.equal(stored(), 108);
});

test("rule 2: a position that was sought while paused is saved, if another source follows at once", async (t) => {
  const { media, clock, stored, replace } = await aFilm(t);
  await media.pause();
  media.currentTime = 500;
  await clock.advance(100);

  await replace(3500, undefined);

  assert.equal(stored(), 500);
});

test("rule 6: after a break, media that does not play saves nothing", async (t) => {
  const { browser, clock, service, aPlayer } = aPage(t);
  service.store("603", 1800);
  const { media } = await aPlayer();
  await media.load(3600);
  media.fallBack(1797.2); // it can't seek exactly
  browser.hide();
  await clock.advance(61_000);
  browser.show();
  await clock.advance(0);
  service.store("603", 3000);
  browser.hide();
  await clock.advance(0);

  assert.equal(service.points.get("603").currentTime, 3000);
});

test("rule 6: with the clock of this device ahead, a save of this browser hides no other device", async (t) => {
  const page = aPage(t);
  page.service.answer = offline;
  const first = await page.aPlayer();
  await first.media.load(3600);
  await page.clock.advance(2000);
  await first.media.play(10);
  await first.media.pause();
  const { media } = await page.aPlayer({}, page.newPoints());
  await media.load(3600);
  await page.clock.advance(2000);
  await media.play(2);
  await media.pause();
  page.service.answer = () => undefined;
  page.browser.online();
  await page.clock.advance(120_000);
  const behind = new Date(page.clock.wall - HOUR).toISOString();
  page.service.points.set("603", { currentTime: 2000, duration: 3600, updatedAt: behind });

  await media.play(3);

  assert.ok(media.currentTime > 2000);
});
