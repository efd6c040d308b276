/** Players from npm, each with the package as its README says. `start(name, options)` resolves when it plays. */

import { ResumePoints } from "/resume-points/resume-points.js";
import { ResumeStorage } from "/resume-points/vidstack.js";
import { resumePoints } from "/resume-points/videojs.js";

const log = [];

function script(src) {
  return new Promise((resolve, reject) => {
    const element = Object.assign(document.createElement("script"), { src, onload: resolve, onerror: reject });
    document.head.append(element);
  });
}

function video() {
  const element = Object.assign(document.createElement("video"), { width: 320, height: 180, preload: "auto" });
  document.body.append(element);
  return element;
}

function follow(watching) {
  for (const type of ["resumed", "saved", "refused"])
    watching.addEventListener(type, ({ detail }) => log.push({ type, detail }));
}

const players = {
  async hls(points, videoId) {
    const { default: Hls } = await import("/npm/hls.js/dist/hls.mjs");
    const media = video();
    const hls = new Hls({ startPosition: await points.startTime(videoId) });
    hls.loadSource("/streams/master.m3u8");
    hls.attachMedia(media);
    follow(await points.watch(media, { videoId, every: 2, live: false }));
    await media.play();
    return media;
  },

  async shaka(points, videoId) {
    await script("/npm/shaka-player/dist/shaka-player.compiled.js");
    const media = video();
    const player = new globalThis.shaka.Player();
    await player.attach(media);
    await player.load("/streams/dusk.mpd", await points.startTime(videoId));
    follow(await points.watch(media, { videoId, every: 2, live: false }));
    await media.play();
    return media;
  },

  async vidstack(points, videoId) {
    await import("/npm/vidstack/cdn/vidstack.js");
    const player = document.createElement("media-player");
    player.append(document.createElement("media-provider"));
    player.storage = new ResumeStorage(points, { player, videoId, every: 2, live: false, onWatching: follow });
    document.body.append(player);
    player.src = { src: "/media/dusk.webm", type: "video/webm" };
    await new Promise((resolve) => player.addEventListener("can-play", resolve, { once: true }));
    await player.play();
    return player;
  },

  async react(points, videoId) {
    const { createStage } = await import("/built/film.js");
    player.stage = createStage(points, follow);
    player.stage.show(videoId, "/media/dusk.webm");
    const media = await player.stage.media();
    await media.play();
    return media;
  },

  async videojs(points, videoId) {
    await script("/npm/video.js/dist/video.min.js");
    globalThis.videojs.registerPlugin("resumePoints", resumePoints);
    const player = globalThis.videojs(video());
    follow(await player.resumePoints({ points, videoId, every: 2, live: false }));
    player.src({ src: "/media/dusk.webm", type: "video/webm" });
    await player.play();
    return {
      pause: () => player.pause(),
      dispose: () => player.dispose(),
      get currentTime() {
        return player.currentTime();
      },
    };
  },
};

async function start(name, token, videoId) {
  player.media = await players[name](new ResumePoints({ url: "", token }), videoId);
}

const player = { start, log, errors: [], media: null };
addEventListener("error", (event) => player.errors.push(String(event.message)));
addEventListener("unhandledrejection", (event) => player.errors.push(String(event.reason)));
globalThis.player = player;
