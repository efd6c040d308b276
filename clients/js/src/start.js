/** Decides where playback starts. Nothing is saved before. */

import { elapsedSince, now } from "./elapsed.js";
import { KNOWN_SECONDS, UNKNOWN_SECONDS } from "./save-schedule.js";
import { BREAK_MS, startPosition } from "./start-position.js";

/** @param {import("./types.js").Watch} watch */
export async function decideStart(watch) {
  const { media, resume, schedule, position, service } = watch;
  const asked = position.turn;
  if (resume === "no") position.open(UNKNOWN_SECONDS);
  let at, found;
  do {
    at = now();
    found = await service.find();
    watch.known = found?.point;
    if (!(await position.until(asked, () => media.duration > 0 && media.duration < Infinity))) return;
  } while (elapsedSince(at) > BREAK_MS);
  const from = startPosition(watch.known, media.duration);
  // Without a duration for so long, the viewer is in the middle of something already.
  if (!found || schedule.played() >= UNKNOWN_SECONDS) position.open(UNKNOWN_SECONDS);
  else if (!from) position.open(KNOWN_SECONDS);
  else if (resume === "seek") position.resumeAt(from);
  else
    import("./ask.js").then(
      ({ ask }) => ask(watch, from, asked),
      () => position.resumeAt(from),
    );
}
