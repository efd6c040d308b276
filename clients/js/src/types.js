/** The types of the package. There is no code at run time. */

/**
 * What a player must have. An `HTMLMediaElement` has all of it. Times are in seconds.
 * @typedef {{
 *   currentTime: number, readonly duration: number, readonly paused: boolean, readonly seeking: boolean, readonly ended: boolean,
 *   addEventListener(type: string, listener: (event: any) => void): void,
 *   removeEventListener(type: string, listener: (event: any) => void): void,
 * }} MediaLike
 */
/**
 * A resume point. Times are in seconds, `percent` is 0 to 100, the others are ISO times of the service.
 * @typedef {{
 *   videoId: string, currentTime: number, updatedAt: string, duration?: number, percent?: number,
 *   watched?: boolean, completed?: boolean, watchedAt?: string, completedAt?: string, device?: string,
 *   previousTime?: number, previousAt?: string,
 * }} Point
 */
/**
 * `url`: of the service, "" for the page's own host. `userId`: by default the `sub` of the token. `device`: a name
 * that other devices show. `storage`: `localStorage` by default, null for none.
 * @typedef {{
 *   url: string, token: import("./token.js").TokenSource, userId?: string, device?: string,
 *   fetch?: import("./transport.js").Fetch, storage?: import("./outbox.js").KeyStorage | null,
 * }} ResumePointsOptions
 */
/**
 * `every`: seconds of playback between two saves. `kind` is for the API `playback`.
 * @typedef {{
 *   videoId: string, every?: number, resume?: "seek" | "ask" | "no", live?: boolean, save?: boolean,
 *   signal?: AbortSignal, api?: "progress" | "playback" | "rate", kind?: "movie" | "episode",
 * }} WatchOptions
 */
/**
 * Times are in seconds. `saved.applied` is false if another device measured a later position.
 * @typedef {{
 *   resumed: { from: number },
 *   ask: { currentTime: number, device?: string, resume(): void, startOver(): void },
 *   saved: { applied: boolean },
 *   queued: { count: number },
 *   elsewhere: { currentTime: number, device?: string },
 *   refused: { status: number, error: string },
 * }} WatchingEvents
 */
/**
 * `started`: resolves with the position at which playback starts, in seconds. `stop`: saves the position and ends; it
 * resolves when the save is delivered, or after 2 s, as it is stored then.
 * @typedef {import("./events.js").Typed<WatchingEvents> & {
 *   readonly videoId: string, readonly started: Promise<number>, stop(): Promise<void>,
 * }} Watching
 */
/** What the service has of a video. @typedef {{ point: Point | null }} Found */
/** @typedef {<K extends keyof WatchingEvents>(type: K, detail: WatchingEvents[K]) => unknown} Emit */
/**
 * What it needs of the service. `given`: the last answer of `startTime`, in seconds.
 * @typedef {{
 *   given?: number,
 *   find(): Promise<Found | undefined>,
 *   save(currentTime: number, duration: number): void,
 *   every(): number,
 *   stopped(): Promise<void>,
 * }} Service
 */
/**
 * What is known of one media element. `known`: the last answer of the service. `own`: the positions of the saves, newest first.
 * `announced`: the time of the last point of another device. `isBehind`: another device went on during the pause.
 * `left`: where the page went into the back/forward cache, for some seconds after its return.
 * @typedef {{
 *   readonly media: MediaLike, readonly resume: WatchOptions["resume"], readonly api: WatchOptions["api"],
 *   readonly live: boolean, readonly service: Service, readonly schedule: import("./save-schedule.js").SaveSchedule,
 *   readonly position: import("./media-position.js").MediaPosition, readonly emit: Emit,
 *   own: number[], known?: Point | null, announced?: string, isBehind?: boolean, left?: number,
 * }} Watch
 */

export {};
