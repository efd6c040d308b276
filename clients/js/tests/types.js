/** Checked by `tsc` only: the adapters fit the types of their players, and the events are typed. */

import { LocalMediaStorage } from "vidstack";
import { ResumePoints } from "resume-points";
import { useResumePoints } from "resume-points/react";
import { ResumeStorage } from "resume-points/vidstack";
import { resumePoints } from "resume-points/videojs";

const points = new ResumePoints({ url: "", token: async () => "" });

/** @param {import("vidstack/elements").MediaPlayerElement} player */
export function vidstack(player) {
  player.storage = new ResumeStorage(points, { videoId: "603", player, settings: new LocalMediaStorage() });
}

/** @param {HTMLVideoElement} video */
export async function video(video) {
  const watching = await points.watch(video, { videoId: "603", resume: "ask" });
  watching.addEventListener("ask", ({ detail }) => detail.currentTime.toFixed() && detail.resume());
  // @ts-expect-error: there is no such event
  watching.addEventListener("asked", () => {});
  const live = await points.listen();
  live.addEventListener("point", ({ detail }) => detail.videoId.length);
  const list = await points.list({ status: "in-progress" });
  return list.next?.length ?? list[0]?.currentTime.toFixed();
}

/** @param {import("video.js/dist/types/player.js").default} player */
export const plugin = (player) => resumePoints.call(player, { points, videoId: "603" });

export function Hook() {
  return useResumePoints(points, { videoId: "603", onElsewhere: ({ currentTime }) => currentTime.toFixed() }).ref;
}
