/** What tests call in the page: `start`, and the records of what happened. */

import { ResumePoints } from "/resume-points/resume-points.js";
import { FakeMedia } from "./fake-media.js";

const MEDIA = ["loadedmetadata", "durationchange", "play", "playing", "pause", "seeking", "seeked", "ended", "emptied", "error", "timeupdate"];
const PACKAGE = ["resumed", "ask", "saved", "queued", "elsewhere", "refused"];

/** `{at, type, detail?, time?}`: events of the package and the media, in order. */
const log = [];
const errors = [];
const instances = new Map();
addEventListener("error", (event) => errors.push(String(event.message)));
addEventListener("unhandledrejection", (event) => errors.push(String(event.reason)));

function note(type, more) {
  log.push({ at: performance.now(), type, ...more });
}

/** One instance for each user of this page. */
function points(token, options = {}) {
  if (!instances.has(token)) instances.set(token, new ResumePoints({ url: "", token: () => token, ...options }));
  return instances.get(token);
}

/**
 * Plays `src` with the package.
 * `fake` takes a FakeMedia with those properties in place of a `<video>`.
 */
async function start({ token, src, fake, points: options, paused = false, muted = false, ...watch }) {
  const media = fake ? new FakeMedia(fake) : document.createElement("video");
  for (const type of MEDIA) media.addEventListener(type, () => note(type, { time: media.currentTime }));
  if (!fake) {
    Object.assign(media, { muted, controls: true, width: 320, height: 180, preload: "auto" });
    document.body.append(media);
  }
  player.media = media;
  const asked = performance.now();
  const watching = await points(token, options).watch(media, watch);
  player.watching = watching;
  player.waited = performance.now() - asked;
  for (const type of PACKAGE) {
    watching.addEventListener(type, ({ detail }) => {
      note(type, { detail: JSON.parse(JSON.stringify(detail)) });
      if (type === "ask") player.question = detail;
    });
  }
  if (src) media.src = src;
  if (!paused) media.play()?.catch?.((error) => note("refused-play", { detail: String(error) }));
}

let inFlight = 0;
const realFetch = globalThis.fetch;
globalThis.fetch = async (...request) => {
  inFlight += 1;
  try {
    return await realFetch(...request);
  } finally {
    inFlight -= 1;
  }
};

/** Waits until the page has waited for no response in the last 40 ms, or for at most `open` responses. */
async function settled(open = 0) {
  for (let quiet = 0; quiet < 4; quiet = inFlight > open ? 0 : quiet + 1) await new Promise((done) => setTimeout(done, 10));
}

const player = { start, settled, points, log, errors, FakeMedia, ResumePoints, media: null, watching: null };
globalThis.player = player;
document.getElementById("play").addEventListener("click", () => player.media.play());
