/** Rule 7: the live stream: one for all tabs, only while it is of use. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createParser } from "../src/live-stream.js";
import { aPage } from "./support/page.js";
import { json } from "./support/service.js";
import { Streams } from "./support/stream.js";

/** @param {any} t */
function aLivePage(t) {
  const page = aPage(t);
  const streams = new Streams(page.clock);
  const { fetch } = page.service;
  let isRefused = false;
  page.service.fetch = (url, init) => (url.endsWith("/events") && !isRefused ? Promise.resolve(streams.respond(init.signal)) : fetch(url, init));
  const point = (/** @type {number} */ currentTime, /** @type {number} */ later = 0) => ({
    tmdbId: "603", currentTime, updatedAt: new Date(page.clock.wall + later).toISOString(), device: "tv",
  });
  const newTab = () => page.newPoints({ fetch: page.service.fetch });
  /** @param {ReturnType<typeof newTab>} points */
  async function listen(points) {
    /** @type {any[]} */
    const heard = [];
    const listening = await points.listen();
    for (const type of /** @type {const} */ (["points", "point", "gone"])) listening.addEventListener(type, ({ detail }) => heard.push([type, detail]));
    await page.clock.advance(0);
    return { heard, listening };
  }
  const refuse = (headers = {}) => {
    isRefused = true;
    page.service.answer = () => json(503, {}, headers);
  };
  return { ...page, streams, point, newTab, listen, refuse };
}

test("rule 7: seven tabs share one stream, and each hears every event", async (t) => {
  const { streams, newTab, listen, clock, point } = aLivePage(t);
  const tabs = [];
  for (let index = 0; index < 7; index++) tabs.push(await listen(newTab()));
  assert.equal(streams.open.length, 1);

  streams.open[0]?.send("points", [point(10)]);
  streams.open[0]?.send("point", point(20));
  streams.open[0]?.send("gone", { tmdbId: "603" });
  await clock.advance(0);

  for (const { heard } of tabs) assert.deepEqual(heard.map(([type]) => type), ["points", "point", "gone"]);
  assert.deepEqual(tabs[6]?.heard[0][1][0].videoId, "603");
  for (const { listening } of tabs) listening.close();
});

test("rule 7: a tab that opens later gets the newest state from the leader", async (t) => {
  const { streams, newTab, listen, clock, point } = aLivePage(t);
  await listen(newTab());
  streams.open[0]?.send("points", [point(10)]);
  streams.open[0]?.send("point", point(20));
  await clock.advance(0);

  const { heard } = await listen(newTab());

  assert.deepEqual(heard.map(([type, [{ currentTime }]]) => [type, currentTime]), [["points", 20]]);
});

test("rule 7: when the leader ends, the next tab opens a stream", async (t) => {
  const { streams, newTab, listen, clock } = aLivePage(t);
  const first = await listen(newTab());
  await listen(newTab());

  first.listening.close();
  await clock.advance(0);

  assert.equal(streams.open.length, 1);
  assert.equal(streams.all.length, 2);
});

test("rule 7: a hidden page that does not play has no stream; a playing one has", async (t) => {
  const { streams, aPlayer, newTab, clock, browser } = aLivePage(t);
  const { media } = await aPlayer({ live: true }, newTab());
  await media.load(3600);
  assert.equal(streams.open.length, 1);
  await media.play(1);
  browser.hide();
  await clock.advance(60_000);
  assert.equal(streams.open.length, 1);

  await media.pause();
  await clock.advance(16_000);
  assert.equal(streams.open.length, 0);
  browser.show();
  await clock.advance(0);

  assert.equal(streams.open.length, 1);
});

test("rule 7: pagehide closes stream, lock and channel; pageshow opens them", async (t) => {
  const { streams, newTab, listen, clock, browser } = aLivePage(t);
  await listen(newTab());
  await listen(newTab());

  browser.leave();
  assert.equal(browser.channels.size, 0);
  await clock.advance(0);
  assert.deepEqual([streams.open.length, browser.locks.held.size, browser.locks.waiting.length], [0, 0, 0]);
  browser.restore();
  await clock.advance(0);

  assert.deepEqual([streams.open.length, browser.channels.size], [1, 2]);
});

test("rule 7: before the page is left, a tab that waits for the lock gives up; the leader goes on", async (t) => {
  const { streams, newTab, listen, clock, browser, point } = aLivePage(t);
  await listen(newTab());
  const { heard } = await listen(newTab());
  assert.equal(browser.locks.waiting.length, 1);

  browser.unload();
  await clock.advance(0);
  assert.deepEqual([streams.open.length, browser.locks.held.size, browser.locks.waiting.length], [1, 1, 0]);

  // The page stays, for example because the link was a download.
  await clock.advance(15_000);
  streams.open[0]?.send("point", point(20));
  await clock.advance(0);
  assert.equal(browser.locks.waiting.length, 1);
  assert.deepEqual(heard.map(([type]) => type), ["point"]);
});

test("rule 7: without a watching or listener, there is no stream", async (t) => {
  const { streams, aPlayer, newTab, clock } = aLivePage(t);
  const { media, watching } = await aPlayer({ live: true }, newTab());
  await media.load(3600);
  assert.equal(streams.open.length, 1);

  const stopped = watching.stop();
  await clock.advance(0);
  await stopped;
  await clock.advance(15_000);

  assert.equal(streams.open.length, 0);
});

test("rule 7: after an end, a client comes back after 1 to 5 s", async (t) => {
  const { streams, newTab, listen, clock } = aLivePage(t);
  await listen(newTab());
  for (let round = 0; round < 20; round++) {
    streams.open[0]?.send("bye", {});
    streams.open[0]?.end();
    const ended = clock.wall;
    await clock.advance(5000);
    const wait = Number(streams.all.at(-1)?.at) - ended;
    assert.ok(wait >= 1000 && wait <= 5000, `${wait} ms`);
  }
});

test("rule 7: a refused stream is asked for less and less often", async (t) => {
  const { service, newTab, listen, clock, refuse } = aLivePage(t);
  refuse();
  await listen(newTab());

  await clock.advance(600_000);

  const requests = service.requests.length;
  assert.ok(requests > 5 && requests < 40, `${requests} requests`);
});

test("rule 7: a refused stream waits as long as Retry-After says, also as a date", async (t) => {
  const { service, newTab, listen, clock, refuse } = aLivePage(t);
  refuse({ "Retry-After": new Date(clock.wall + 300_000).toUTCString() });
  await listen(newTab());

  await clock.advance(298_000);
  assert.equal(service.requests.length, 1);

  await clock.advance(8000);
  assert.ok(service.requests.length > 1);
});

test("rule 7: a silent connection is cut after 40 s", async (t) => {
  const { streams, newTab, listen, clock } = aLivePage(t);
  await listen(newTab());
  await clock.advance(30_000);
  streams.open[0]?.write(": alive\n\n");
  await clock.advance(30_000);
  assert.equal(streams.all.length, 1);

  await clock.advance(20_000);

  assert.equal(streams.all.length, 2);
  assert.equal(streams.open.length, 1);
});

test("rule 7: a save of another device fires elsewhere; the own saves do not", async (t) => {
  const { streams, aPlayer, newTab, clock, point, events, details } = aLivePage(t);
  const { media } = await aPlayer({ live: true }, newTab());
  await media.load(3600);
  await media.play(6);
  streams.open[0]?.send("point", { ...point(5.25, 1), device: undefined });
  await clock.advance(0);
  assert.ok(!events.includes("elsewhere"));

  streams.open[0]?.send("point", point(900, 2));
  streams.open[0]?.send("points", [point(900, 2)]);
  await clock.advance(0);

  assert.deepEqual(details.elsewhere, { currentTime: 900, device: "tv" });
  assert.equal(events.filter((type) => type === "elsewhere").length, 1);
});

test("rule 7: after a save of another device, a short pause is enough to follow it", async (t) => {
  const { service, streams, aPlayer, newTab, clock, point } = aLivePage(t);
  const { media } = await aPlayer({ live: true }, newTab());
  await media.load(3600);
  await media.play(6);
  await media.pause();
  await clock.advance(1000);
  service.store("603", 900);
  streams.open[0]?.send("point", point(900));
  await clock.advance(0);

  await media.play(0.25);

  assert.equal(Math.floor(media.currentTime), 900);
});

test("rule 7: the parser reads events in any pieces, and leaves out rubbish", () => {
  const text = ': alive\n\nevent: point\r\ndata: {"a":\r\ndata: 1}\r\n\r\nevent: point\ndata: {\n\ndata: 7\n\nevent: bye\ndata: {}\n\n';
  for (let size = 1; size < 30; size++) {
    /** @type {any[]} */
    const heard = [];
    const parse = createParser((type, data) => heard.push([type, data]));
    for (let at = 0; at < text.length; at += size) parse(text.slice(at, at + size));
    assert.deepEqual(heard, [["point", { a: 1 }], ["bye", {}]]);
  }
});
