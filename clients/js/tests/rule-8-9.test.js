/** Rule 8: the package never throws into the player and never delays it. Rule 9: tokens. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { claimsOf } from "../src/token.js";
import { hang, json, offline } from "./support/service.js";
import { aPage, tokenOf } from "./support/page.js";

for (const [name, token] of /** @type {[string, any][]} */ ([
  ["throws", () => { throw new Error("signed out"); }],
  ["rejects", async () => Promise.reject(new Error("signed out"))],
  ["hangs", hang],
  ["gives nothing", () => null],
  ["gives rubbish", () => "rubbish"],
]))
  test(`rule 8: a token function that ${name} does not stop the player`, async (t) => {
    const { aPlayer, clock, browser } = aPage(t, { token });
    const { media, watching } = await aPlayer();
    await media.load(3600);
    await clock.advance(2000);
    assert.equal(await watching.started, 0);
    await media.play(12);
    browser.hide();
    browser.leave();
    const stopped = watching.stop();
    await clock.advance(2000);
    await stopped;
  });

for (const [name, answer] of /** @type {[string, any][]} */ ([["rubbish", () => json(200, "<html>")], ["null", () => json(200, null)], ["a 204", () => new Response(null, { status: 204 })], ["no response", () => 7], ["nothing, ever", hang], ["an error", offline]]))
  test(`rule 8: the player plays while every request gets ${name}`, async (t) => {
    const { service, aPlayer, clock } = aPage(t);
    service.answer = answer;
    const { media, watching } = await aPlayer();
    await media.load(3600);
    await clock.advance(2000);
    await media.play(20);
    const stopped = watching.stop();
    await clock.advance(2000);
    await stopped;

    assert.equal(media.currentTime, 20);
  });

test("rule 8: media that throws on a seek goes on where it is", async (t) => {
  const { service, aPlayer } = aPage(t);
  service.store("603", 1800);
  const { media, watching } = await aPlayer();
  Object.defineProperty(media, "currentTime", { get: () => 0, set: () => { throw new Error("InvalidStateError"); } });

  await media.load(3600);

  assert.equal(await watching.started, 1800);
});

test("rule 9: the token is only in the header, and nothing in the storage holds it", async (t) => {
  const { service, aPlayer, storage } = aPage(t);
  service.answer = ({ method }) => (method === "POST" ? offline() : undefined);
  const { media } = await aPlayer();
  await media.load(3600);
  await media.play(6);

  assert.ok(service.requests.every(({ path, body, token }) => token.startsWith("e30.") && !`${path}${JSON.stringify(body)}`.includes("e30.")));
  assert.ok(storage.length > 0);
  assert.ok([...storage.entries].every((entry) => !entry.join().includes("e30.")));
});

test("rule 9: the next user of the browser never sends the queue of the user before", async (t) => {
  const { service, aPlayer, newPoints, storage, close } = aPage(t);
  service.answer = ({ method }) => (method === "POST" ? offline() : undefined);
  const { media, points } = await aPlayer();
  await media.load(3600);
  await media.play(6);
  await close(points);
  service.requests = [];
  service.answer = () => undefined;

  const { media: other } = await aPlayer({ videoId: "700" }, newPoints({ token: tokenOf({ sub: "bob" }) }));
  await other.load(3600);
  await other.play(6);

  assert.deepEqual(service.saves.map(({ body }) => [body.userId, body.videoId]), [["bob", "700"]]);
  assert.ok([...storage.entries.keys()].every((key) => key.startsWith("resume-points:http%3A%2F%2Fservice%20ann:")));
});

test("rule 9: if the page's token changes to another user, nothing is sent in their name", async (t) => {
  let sub = "ann";
  const { service, aPlayer, storage } = aPage(t, { token: async () => tokenOf({ sub, exp: 0 }) });
  const { media } = await aPlayer();
  await media.load(3600);
  sub = "bob";
  await media.play(12);

  assert.deepEqual(service.saves, []);
  assert.equal(storage.length, 1);
});

test("rule 9: the token is renewed before it ends, and is at hand when the page is left", async (t) => {
  let calls = 0;
  const page = aPage(t);
  const token = async () => tokenOf({ sub: "ann", id: ++calls, iat: Date.now() / 1000, exp: Date.now() / 1000 + 60 });
  const { media } = await page.aPlayer({}, page.newPoints({ token }));
  await media.load(3600);
  await media.play(58);

  page.browser.leave();

  const { token: last = "" } = page.service.saves.at(-1) ?? {};
  assert.ok(Number(claimsOf(last).exp) > page.clock.wall / 1000);
  assert.ok(calls === 2, `${calls} tokens`);
});

test("rule 9: a token function that hung once is asked again", async (t) => {
  let calls = 0;
  const page = aPage(t);
  const points = page.newPoints({ userId: "ann", token: () => (calls++ ? "token" : hang()) });
  const { media } = await page.aPlayer({}, points);
  await media.load(3600);
  await media.play(30);

  assert.ok(page.service.saves.length > 0);
});

test("rule 9: a token is requested once for many requests", async (t) => {
  let calls = 0;
  const page = aPage(t);
  const points = page.newPoints({ token: async () => tokenOf({ sub: "ann", id: ++calls, iat: 0, exp: Date.now() / 1000 + 86_400 }) });
  const { media } = await page.aPlayer({}, points);
  await media.load(3600);
  await media.play(100);

  assert.equal(calls, 1);
});

test("rule 9: the user is the sub of the token, in any script", () => {
  assert.equal(claimsOf(tokenOf({ sub: "Zoë ✓" })).sub, "Zoë ✓");
  for (const rubbish of [null, "", "a", "a.b.c", "a.bnVsbA.c"]) assert.deepEqual(claimsOf(rubbish), {});
});
