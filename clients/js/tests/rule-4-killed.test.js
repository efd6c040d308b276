/** Rule 4: a browser that is killed offline has not written its `localStorage` to the disk yet. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeDatabase } from "./support/database.js";
import { MemoryStorage, aPage } from "./support/page.js";
import { offline } from "./support/service.js";

/** @param {any} t */
async function aKilledBrowser(t) {
  const page = aPage(t);
  const database = fakeDatabase(t);
  page.service.answer = offline;
  const { media, points } = await page.aPlayer();
  await media.load(3600);
  await page.clock.advance(2000);
  await media.play(31);
  await page.close(points);
  page.service.requests = [];
  return { ...page, database, nextSession: () => page.newPoints({ storage: new MemoryStorage() }) };
}

test("rule 4: what a killed browser could not send or store arrives at the next start, with its age", async (t) => {
  const { service, aPlayer, nextSession, clock, database } = await aKilledBrowser(t);
  service.answer = () => undefined;
  clock.sleep(3_600_000);

  const { media } = await aPlayer({}, nextSession());
  await media.load(3600);
  await clock.advance(1000);

  assert.ok(media.currentTime >= 30);
  assert.equal(service.positions.length, 1);
  assert.ok(service.saves[0]?.body.ageMs >= 3_600_000);
  assert.equal(database.size, 0);
});

test("rule 4: the copy wins over no newer save of the storage", async (t) => {
  const { aPlayer, newPoints, clock, database, storage, service } = await aKilledBrowser(t);
  const [key = ""] = storage.entries.keys();
  const newer = { ...JSON.parse(storage.getItem(key) ?? ""), currentTime: 500 };
  newer.measured.wall += 1;
  storage.setItem(key, JSON.stringify(newer));
  service.answer = () => undefined;

  await aPlayer({}, newPoints());
  await clock.advance(1000);

  assert.deepEqual(service.positions, [500]);
  assert.equal(database.size, 0);
});

test("rule 4: a copy that is read late is not sent again, if its save has arrived", async (t) => {
  const { newPoints, clock, browser, database, storage, service } = await aKilledBrowser(t);
  const [text = ""] = [...database.values()][0];
  storage.setItem(`resume-points:http%3A%2F%2Fservice%20ann:${JSON.parse(text).videoId}`, text);
  service.answer = () => undefined;
  database.delay = 500;

  newPoints();
  await clock.advance(5000);
  browser.online();
  await clock.advance(5000);

  assert.equal(service.positions.length, 1);
});

test("rule 4: a save that arrives at once is never copied", async (t) => {
  const page = aPage(t);
  const database = fakeDatabase(t);
  const { media } = await page.aPlayer();
  await media.load(3600);
  await media.play(60);

  assert.equal(database.writes, 0);
});

test("rule 4: a database that does not open delays the start by less than 2 s", async (t) => {
  const page = aPage(t);
  page.service.store("603", 1800);
  Object.assign(globalThis, { indexedDB: { open: () => ({}) } });
  t.after(() => Object.assign(globalThis, { indexedDB: undefined }));
  const { media } = await page.aPlayer();
  await media.load(3600);
  await page.clock.advance(300);

  assert.equal(media.currentTime, 1800);
});
