/** The adapters for Vidstack and Video.js. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ResumeStorage } from "../src/vidstack.js";
import { resumePoints } from "../src/videojs.js";
import { Media } from "./support/media.js";
import { aPage } from "./support/page.js";
import { hang } from "./support/service.js";

/** A `<media-player>`: the state and the event names of Vidstack, over a media element. */
class VidstackPlayer extends EventTarget {
  /** @param {Media} media */
  constructor(media) {
    super();
    this.state = media;
    const names = { timeupdate: "time-update", durationchange: "duration-change", loadedmetadata: "loaded-metadata", emptied: "source-change" };
    for (const type of ["play", "pause", "seeking", "seeked", "ended", ...Object.keys(names)])
      media.addEventListener(type, () => this.dispatchEvent(new Event(/** @type {any} */ (names)[type] ?? type)));
  }
  get currentTime() {
    return this.state.currentTime;
  }
  set currentTime(seconds) {
    this.state.currentTime = seconds;
  }
}

/** @param {any} t */
function aVidstackPage(t, options = {}) {
  const page = aPage(t);
  const media = new Media(page.clock);
  const points = page.newPoints();
  const storage = new ResumeStorage(points, { videoId: "603", player: () => new VidstackPlayer(media), live: false, ...options });
  /** What Vidstack does when the media is ready. */
  async function ready() {
    await media.load(3600);
    const time = storage.getTime();
    await page.clock.advance(2000);
    if (Number(await time) > 0) media.currentTime = Number(await time);
    await page.clock.advance(0);
    return time;
  }
  return { ...page, media, storage, ready };
}

test("vidstack: the storage gives the stored time, and saves follow", async (t) => {
  const { service, media, storage, ready } = aVidstackPage(t);
  service.store("603", 1800);
  storage.onChange({}, "file.mp4:0:0");

  assert.equal(await ready(), 1800);
  await media.play(6);

  assert.equal(media.currentTime, 1806);
  assert.ok(service.positions.length > 0 && service.positions.every((position) => position > 1800));
});

test("vidstack: without the service, the player starts within 2 s", async (t) => {
  const { service, storage, ready } = aVidstackPage(t);
  service.answer = hang;
  storage.onChange({}, "file.mp4:0:0");

  assert.equal(await ready(), null);
});

test("vidstack: the next source is another video", async (t) => {
  const { service, media, storage, ready } = aVidstackPage(t, { videoId: (/** @type {any} */ { id }) => id });
  storage.onChange({ id: "1" }, "one.mp4:0:0");
  await ready();
  await media.play(6);
  await media.pause();
  storage.onChange({ id: "2" }, "two.mp4:0:0");
  media.empty();
  await ready();
  await media.play(6);

  assert.deepEqual([...new Set(service.saves.map(({ body }) => body.videoId))], ["1", "2"]);
  storage.onDestroy();
  service.requests = [];
  await media.play(10);
  assert.deepEqual(service.saves.filter(({ body }) => body.currentTime > 12), []);
});

test("vidstack: everything but the time goes to the storage for settings", async (t) => {
  /** @type {any[]} */
  const calls = [];
  const settings = new Proxy({}, { get: (_, name) => async (/** @type {any[]} */ ...values) => (calls.push([name, ...values]), String(name).startsWith("get") ? 1 : undefined) });
  const { storage } = aVidstackPage(t, { settings });
  for (const name of /** @type {const} */ (["Volume", "Muted", "Lang", "Captions", "PlaybackRate", "VideoQuality", "AudioGain"])) {
    assert.equal(await /** @type {any} */ (storage)[`get${name}`](), 1);
    await /** @type {any} */ (storage)[`set${name}`](2);
    assert.deepEqual(calls.splice(0), [[`get${name}`], [`set${name}`, 2]]);
  }
  const { storage: alone } = aVidstackPage(t);
  assert.equal(await alone.getVolume(), null);
});

/** A Video.js player over a media element. @param {Media} media */
const videoJsPlayer = (media) => ({
  currentTime: (/** @type {number | undefined} */ seconds) => (seconds === undefined ? media.currentTime : void (media.currentTime = seconds)),
  duration: () => media.duration,
  paused: () => media.paused,
  seeking: () => media.seeking,
  ended: () => media.ended,
  on: (/** @type {string} */ type, /** @type {any} */ listener) => media.addEventListener(type, listener),
  off: (/** @type {string} */ type, /** @type {any} */ listener) => media.removeEventListener(type, listener),
  one: (/** @type {string} */ type, /** @type {any} */ listener) => media.addEventListener(type, listener, { once: true }),
});

test("video.js: the plugin seeks, saves, and ends with the player", async (t) => {
  const { service, clock, newPoints } = aPage(t);
  service.store("603", 1800);
  const media = new Media(clock);
  await resumePoints.call(videoJsPlayer(media), { points: newPoints(), videoId: "603", live: false });
  await media.load(3600);
  assert.equal(media.currentTime, 1800);
  await media.play(6);
  media.fire("dispose");
  await clock.advance(0);
  const saves = service.saves.length;
  await media.play(10);

  assert.equal(service.saves.length, saves);
  assert.equal(service.points.get("603").currentTime, 1806);
});

test("video.js: a disposed player saves its last position, and stops no other", async (t) => {
  const { service, clock, newPoints, browser } = aPage(t);
  const points = newPoints();
  const [media, other] = [new Media(clock), new Media(clock)];
  await resumePoints.call(videoJsPlayer(media), { points, videoId: "603", live: false, every: 60 });
  await points.watch(other, { videoId: "604", live: false, every: 60 });
  for (const each of [media, other]) await each.load(3600);
  await Promise.all([media.play(6), other.play(6)]);
  media.fire("dispose");
  for (const name of ["currentTime", "duration", "paused", "seeking", "ended"])
    Object.defineProperty(media, name, { get: () => { throw new TypeError("the player is disposed"); } });

  browser.leave();
  await clock.advance(0);

  const saved = service.saves.flatMap(({ body }) => body.events ?? [body]);
  assert.deepEqual(saved.map(({ videoId, currentTime }) => [videoId, currentTime]), [["603", 6], ["604", 6]]);
});

test("a player that throws after its end does not keep the others from being saved", async (t) => {
  const { service, clock, newPoints, browser, close } = aPage(t);
  const points = newPoints();
  const [broken, other] = [new Media(clock), new Media(clock)];
  for (const [media, videoId] of /** @type {const} */ ([[broken, "603"], [other, "604"]])) await points.watch(media, { videoId, live: false, every: 60 });
  for (const each of [broken, other]) await each.load(3600);
  await Promise.all([broken.play(6), other.play(6)]);
  for (const name of ["ended", "currentTime"]) Object.defineProperty(broken, name, { get: () => { throw new TypeError("the player is gone"); } });

  browser.hide();
  await close(points);

  assert.deepEqual(service.saves.map(({ body }) => body.videoId), ["604"]);
});

test("video.js: the next call is for the next video", async (t) => {
  const { service, clock, newPoints } = aPage(t);
  const media = new Media(clock);
  const player = videoJsPlayer(media);
  const points = newPoints();
  for (const videoId of ["1", "2"]) {
    await resumePoints.call(player, { points, videoId, live: false });
    await clock.advance(0);
    await media.load(3600);
    await media.play(6);
    media.empty();
  }

  assert.deepEqual([...new Set(service.saves.map(({ body }) => body.videoId))], ["1", "2"]);
});
