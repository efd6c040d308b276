/** Rule 4: saves are stored before they are sent, and sent until they arrive. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { hang, json, offline } from "./support/service.js";
import { MemoryStorage, aPage } from "./support/page.js";

const HOUR = 3_600_000;
const onSave = (/** @type {() => any} */ answer) => (/** @type {any} */ { method }) => (method === "POST" ? answer() : undefined);

/** @param {any} t */
async function aPlayingPage(t, options = {}) {
  const page = aPage(t, options);
  const player = await page.aPlayer();
  await player.media.load(3600);
  return { ...page, ...player };
}

test("rule 4: a save is in the storage before it is sent, and leaves it after a 2xx", async (t) => {
  const { service, media, storage } = await aPlayingPage(t);
  let stored = 0;
  service.answer = onSave(() => void (stored = storage.length));

  await media.play(6);

  assert.equal(stored, 1);
  assert.equal(storage.length, 0);
});

test("rule 4: the sign-in page of a network is no answer: the save stays stored until it arrives", async (t) => {
  const { service, media, storage, events, clock } = await aPlayingPage(t);
  service.answer = onSave(() => new Response("<!doctype html><title>Wi-Fi</title>"));
  await media.play(6);
  assert.equal(storage.length, 1);
  assert.ok(!events.includes("saved"));

  service.answer = () => undefined;
  await clock.advance(60_000);

  assert.deepEqual([service.points.get("603").currentTime, storage.length], [5.25, 0]);
});

test("rule 4: what a page could not send arrives at the next start, before the point is read", async (t) => {
  const { service, media, newPoints, aPlayer, clock, browser } = await aPlayingPage(t);
  service.store("603", 50);
  service.answer = offline;
  await media.play(20);
  browser.leave();
  await clock.advance(0);
  service.requests = [];
  service.answer = () => undefined;

  browser.restore();
  const { media: next } = await aPlayer({}, newPoints());
  await next.load(3600);

  assert.equal(service.points.get("603").currentTime, 20);
  assert.equal(next.currentTime, 20);
});

test("rule 4: offline after a reload, playback goes on at the stored save of this browser", async (t) => {
  const { service, media, newPoints, aPlayer, clock, watching } = await aPlayingPage(t);
  service.answer = offline;
  await media.play(20);
  void watching.stop();
  await clock.advance(5000);

  const { media: next } = await aPlayer({}, newPoints());
  await next.load(3600);
  await clock.advance(2000);

  assert.equal(next.currentTime, 20);
});

test("rule 4: after ten minutes offline, the newest position of each video arrives once, with its age", async (t) => {
  const { service, media, storage, newPoints, aPlayer, clock, browser } = await aPlayingPage(t);
  service.answer = offline;
  await media.play(300);
  await media.pause();
  const { media: other } = await aPlayer({ videoId: "604" }, newPoints());
  await other.load(3600);
  await clock.advance(2000);
  await other.play(300);
  await other.pause();
  service.requests = [];
  service.answer = () => undefined;

  browser.online();
  await clock.advance(100_000);

  const events = service.saves.flatMap(({ body }) => body.events ?? [body]);
  assert.deepEqual(events.map(({ videoId, currentTime }) => [videoId, currentTime]), [["603", 300], ["604", 300]]);
  assert.ok(events[0].ageMs >= 300_000 && events[0].ageMs < 310_000);
  assert.equal(storage.length, 0);
});

test("rule 4: a failing service gets growing pauses of 1 s to 60 s, with full jitter", async (t) => {
  const { service, media, clock, details } = await aPlayingPage(t);
  service.answer = onSave(() => json(500, { error: "Internal server error" }));
  t.mock.method(Math, "random", () => 0.999);
  await media.play(6);
  await media.pause();

  await clock.advance(200_000);

  const gaps = service.saves.slice(1).map(({ at }, index) => Math.round((at - Number(service.saves[index]?.at)) / 1000));
  assert.deepEqual(gaps.slice(0, 7), [2, 4, 8, 16, 32, 60, 60]);
  assert.deepEqual(details.queued, { count: 1 });
});

test("rule 4: an hour of a dead service costs less than a request for each minute of backoff, plus the first ones", async (t) => {
  const { service, media } = await aPlayingPage(t);
  service.answer = offline;

  await media.play(3600);

  assert.ok(service.saves.length < 160, `${service.saves.length} requests`);
});

for (const [header, milliseconds] of /** @type {const} */ ([["30", 30_000], ["Fri, 20 Nov 2026 10:05:00 GMT", 295_000]]))
  test(`rule 4: a Retry-After of ${header} is honoured, also when the network comes back or the page is hidden`, async (t) => {
    const { service, media, clock, browser } = await aPlayingPage(t);
    service.answer = onSave(() => json(503, { error: "Busy" }, { "Retry-After": header }));
    await media.play(5.25);
    await media.pause();
    browser.online();
    await media.play(1);
    browser.hide();
    await clock.advance(milliseconds - 5000);
    assert.equal(service.saves.length, 1);

    await clock.advance(10_000);

    assert.ok(service.saves.length > 1);
  });

test("rule 4: a rubbish Retry-After is an ordinary pause", async (t) => {
  const { service, media, clock } = await aPlayingPage(t);
  service.answer = onSave(() => json(503, "<html>", { "Retry-After": "soon" }));
  await media.play(5.25);
  await media.pause();

  await clock.advance(2100);

  assert.ok(service.saves.length >= 2);
});

for (const status of [400, 403, 404, 413, 422])
  test(`rule 4: a ${status} drops the save and fires refused`, async (t) => {
    const { service, media, clock, storage, details } = await aPlayingPage(t);
    service.answer = onSave(() => json(status, { error: "No" }));
    await media.play(5.25);
    await media.pause();
    await clock.advance(120_000);

    assert.equal(service.saves.length, 1);
    assert.equal(storage.length, 0);
    assert.deepEqual(details.refused, { status, error: "No" });
  });

test("rule 4: on a 401, a new token is requested once; if it is refused too, refused is fired and the save kept", async (t) => {
  let calls = 0;
  const { service, media, storage, details, events } = await aPlayingPage(t, { userId: "ann", token: async () => `token-${++calls}` });
  service.answer = onSave(() => json(401, { error: "Token expired" }));
  await media.play(5.25);
  await media.pause();

  assert.deepEqual(service.saves.map(({ token }) => token), ["token-1", "token-2"]);
  assert.deepEqual(details.refused, { status: 401, error: "Token expired" });
  assert.equal(events.filter((type) => type === "refused").length, 1);
  assert.equal(storage.length, 1);
});

test("rule 4: a new token after a 401 delivers the save", async (t) => {
  let calls = 0;
  const { service, media, storage, events } = await aPlayingPage(t, { userId: "ann", token: async () => `token-${++calls}` });
  service.answer = (request) => (request.method === "POST" && request.token === "token-1" ? json(401, {}) : undefined);
  await media.play(5.25);
  await media.pause();

  assert.equal(storage.length, 0);
  assert.ok(!events.includes("refused"));
});

test("rule 4: an entry is removed only if it is still the one that was sent", async (t) => {
  const { service, media, clock } = await aPlayingPage(t);
  let isFirst = true;
  service.answer = onSave(() => (isFirst ? ((isFirst = false), new Promise((resolve) => setTimeout(resolve, 3000))) : offline()));
  await media.play(5.25);
  media.currentTime = 700;
  await clock.advance(1500);
  await clock.advance(2000);
  service.answer = () => undefined;
  await clock.advance(5000);

  assert.equal(service.points.get("603").currentTime, 700);
});

test("rule 4: two tabs never send the queue at the same time", async (t) => {
  const page = aPage(t);
  page.service.answer = offline;
  const { media } = await page.aPlayer();
  await media.load(3600);
  await page.clock.advance(2000);
  await media.play(10);
  await media.pause();
  page.service.requests = [];
  page.service.answer = ({ method }) => (method === "POST" ? new Promise((resolve) => setTimeout(resolve, 500)) : undefined);
  const [first, second] = [page.newPoints(), page.newPoints()];

  void first.watch(media, { videoId: "1", live: false });
  void second.watch(media, { videoId: "2", live: false });
  page.browser.online();
  await page.clock.advance(20_000);

  assert.deepEqual(page.service.positions, [10]);
});

test("rule 4: without Web Locks, a lease in the storage does the same", async (t) => {
  const page = aPage(t);
  Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
  page.service.answer = offline;
  const { media } = await page.aPlayer();
  await media.load(3600);
  await page.clock.advance(2000);
  await media.play(10);
  await media.pause();
  page.service.requests = [];
  page.service.answer = ({ method }) => (method === "POST" ? new Promise((resolve) => setTimeout(resolve, 500)) : undefined);

  for (const videoId of ["1", "2"]) void page.newPoints().watch(media, { videoId, live: false });
  page.browser.online();
  await page.clock.advance(20_000);

  assert.deepEqual(page.service.positions, [10]);
  assert.equal(page.storage.length, 0);
});

test("rule 4: no lock is held in a page that is left", async (t) => {
  const { service, media, browser, clock } = await aPlayingPage(t);
  service.answer = onSave(hang);
  await media.play(7);
  assert.equal(browser.locks.held.size, 1);

  browser.leave();
  await clock.advance(0);

  assert.equal(browser.locks.held.size, 0);
});

for (const [name, break_] of /** @type {[string, (storage: any) => void][]} */ ([
  ["is full", (storage) => (storage.setItem = () => { throw new DOMException("", "QuotaExceededError"); })],
  ["is forbidden", (storage) => ["getItem", "setItem", "removeItem", "key"].forEach((method) => (storage[method] = () => { throw new Error("SecurityError"); }))],
]))
  test(`rule 4: a storage that ${name} delays nothing: the newest save waits in memory`, async (t) => {
    const storage = new MemoryStorage();
    break_(storage);
    const { service, media, clock } = await aPlayingPage(t, { storage });
    service.answer = offline;
    await media.play(10);
    await media.pause();
    service.requests = [];
    service.answer = () => undefined;
    await clock.advance(60_000);

    assert.deepEqual(service.positions, [10]);
  });

test("rule 4: after a failure and a clock that was set back, a page that is left still sends", async (t) => {
  const { service, media, clock, browser } = await aPlayingPage(t);
  service.answer = onSave(() => json(503, {}));
  await media.play(6);
  service.answer = onSave(hang);
  clock.sleep(-HOUR);
  await clock.advance(4000);
  await media.play(6);
  const before = service.saves.length;
  await media.play(2);

  browser.leave();

  assert.equal(service.saves.length, before + 1);
});

test("rule 4: after `close`, nothing is sent", async (t) => {
  const { service, media, points, clock, browser, storage, close } = await aPlayingPage(t);
  service.answer = offline;
  await media.play(6);
  await close(points);
  service.requests = [];
  service.answer = () => undefined;

  void points.get("603");
  void points.listen();
  browser.online();
  await clock.advance(120_000);

  assert.equal(storage.length, 1);
  assert.deepEqual(service.requests.map(({ path }) => path), ["/api/progress/ann/603"]);
});

test("rule 4: rubbish in the storage is removed", async (t) => {
  const storage = new MemoryStorage();
  for (const [index, text] of ["", "{", "null", "[]", '{"videoId":1}', '{"videoId":"1","currentTime":"9","duration":9,"measured":{}}', `{"videoId":"6","currentTime":9,"duration":9,"measured":{"wall":1e18}}`, `{"videoId":"another","currentTime":9,"duration":9,"measured":{"wall":${Date.now()}}}`].entries())
    storage.setItem(`resume-points:http%3A%2F%2Fservice%20ann:${index}`, text);
  const { service, media } = await aPlayingPage(t, { storage });
  await media.play(6);

  assert.equal(storage.length, 0);
  assert.equal(service.positions.length, 1);
});
