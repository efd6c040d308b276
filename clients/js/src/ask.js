/** Asks the viewer where to start: the viewer may answer, seek, or just play on. Nothing is saved before. */

import { KNOWN_SECONDS } from "./save-schedule.js";

/** Playback before the first save, if the viewer does not answer. */
const UNANSWERED_SECONDS = 30;

/**
 * @param {import("./types.js").Watch} watch
 * @param {number} from the stored position
 * @param {number} asked the turn of the question
 */
export async function ask({ schedule, position, known, emit }, from, asked) {
  if (asked !== position.turn) return;
  /** @param {boolean} isYes */
  const answer = (isYes) => {
    if (asked !== position.turn) return;
    if (isYes) return position.resumeAt(from);
    position.seek(0);
    position.open(KNOWN_SECONDS);
  };
  emit("ask", { currentTime: from, device: known?.device, resume: () => answer(true), startOver: () => answer(false) });
  if (await position.until(asked, () => schedule.played() >= UNANSWERED_SECONDS)) position.open(KNOWN_SECONDS);
}
