/** The point of a video: of the service, or of this browser if that is newer. */

import { within } from "./elapsed.js";

/** @typedef {import("./types.js").Found} Found */

/** Playback waits no longer for the service. */
export const START_MS = 2000;

/**
 * @param {string} videoId
 * @param {import("./transport.js").Transport} transport
 * @param {import("./outbox.js").Outbox} outbox
 * @param {import("./delivery.js").Delivery} delivery
 * @param {Promise<any> | undefined} copy resolves when the user is known, and the saves of a killed session are back
 * @returns {Promise<Found | undefined>} undefined if the point is not known within 2 s
 */
export async function findPoint(videoId, transport, outbox, delivery, copy) {
  const pending = () => outbox.list().find((entry) => entry.videoId === videoId);
  const ask = async () => {
    await copy;
    // The service compares the save of this browser with those of others. So it has to arrive first.
    if (pending()) await within(delivery.flush(), START_MS / 2);
    const { status, body } = await transport.call("GET", `/${encodeURIComponent(videoId)}`);
    // A proxy without a backend answers 404, too.
    if (status === 404 && body?.error) return { point: null };
    return body?.currentTime >= 0 ? { point: { ...body, videoId } } : undefined;
  };
  const found = await within(ask(), START_MS);
  const save = pending();
  if (!save) return found;
  const updatedAt = new Date(save.measured.wall).toISOString();
  // Without the service, the last position of this browser is the best that is known.
  return found?.point?.updatedAt > updatedAt ? found : { point: { ...save, updatedAt } };
}
