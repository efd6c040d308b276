// What the page knows of the viewer: videos, points and lists. It follows the viewer's other devices.

import { api, session } from "/site/site.js"
import { lessonsByVideo } from "./lessons.js"
import { pagesOfPoints } from "./points.js"

const PAGE_SIZE = 100
const REFRESH_GAP_MS = 1000

/**
 * Fires `point` (detail: the id of the video of a changed point) and `lists` (new lists).
 * Each list is null while it is loaded for the first time, or an Error.
 */
export class Library extends EventTarget {
  /** `{video, currentTime, duration, percent, updatedAt, previousTime?}`, newest first */
  continued = null
  /** `{video, after}` */
  nextUp = null
  /** All videos that the viewer may watch. */
  videos = null
  hasMoreVideos = false

  #package
  #points = new Map()
  #lessons = new Map()
  #corporationId = null
  #pages = 0
  #more = null
  #timer = 0
  #refreshedAt = 0

  /** @param {import("/watch/resume-points/resume-points.js").ResumePoints} points */
  constructor(points) {
    super()
    this.#package = points
  }

  /** The point of a video, or undefined if the viewer never started it. */
  pointOf(videoId) {
    return this.#points.get(String(videoId))
  }

  /** The lesson that the video belongs to, or undefined. @returns {import("./lessons.js").Lesson | undefined} */
  lessonOf(videoId) {
    return this.#lessons.get(String(videoId))
  }

  async load() {
    await Promise.all([this.refresh(), this.#loadPoints(), this.loadLessons(), this.moreVideos()])
    this.#fire("lists")
  }

  /** Read again what could not be read. */
  async retry() {
    const again = (list) => (list instanceof Error ? null : list)
    ;[this.continued, this.nextUp, this.videos] = [this.continued, this.nextUp, this.videos].map(again)
    this.#fire("lists")
    await Promise.all([this.refresh(), this.videos ?? this.moreVideos()])
  }

  /** Read both lists again. */
  async refresh() {
    clearTimeout(this.#timer)
    this.#timer = 0
    this.#refreshedAt = performance.now()
    const read = (path) => api(path).then(({ items }) => items, (error) => error)
    const before = [this.continued, this.nextUp]
    const lists = await Promise.all([read("/api/v1/viewing/continue"), read("/api/v1/viewing/next-up")])
    // A list on the page is better than an error message in its place.
    ;[this.continued, this.nextUp] = lists.map((list, i) => (list instanceof Error && Array.isArray(before[i]) ? before[i] : list))
    for (const item of Array.isArray(this.continued) ? this.continued : []) this.#merge(item)
    this.#fire("lists")
  }

  /** Read which lessons the videos belong to, and which lessons are locked. */
  async loadLessons() {
    try {
      this.#lessons = await lessonsByVideo()
    } catch {
      // The player then has no link to a lesson.
    }
    this.#fire("lists")
  }

  /**
   * Read the next page of videos. Calls at the same time read the same page.
   * @throws {ApiError} if there are videos already. Else `videos` is the error.
   */
  moreVideos() {
    return (this.#more ??= this.#readMore().finally(() => (this.#more = null)))
  }

  async #readMore() {
    try {
      if (this.#pages === 0) this.#corporationId = await companyOf(session.user)
      const page = await api(`/v1/videos?page=${this.#pages + 1}&per_page=${PAGE_SIZE}`)
      this.#pages += 1
      this.hasMoreVideos = page.length === PAGE_SIZE
      const before = Array.isArray(this.videos) ? this.videos : []
      this.videos = [...before, ...page.filter((video) => this.#mayWatch(video))]
    } catch (error) {
      if (!Array.isArray(this.videos)) this.videos = error
      else throw error
    } finally {
      this.#fire("lists")
    }
  }

  /** @throws {ApiError} */
  async video(id) {
    const known = Array.isArray(this.videos) && this.videos.find((video) => video.id === id)
    return known || api(`/v1/videos/id/${id}`)
  }

  /** Take over a point that this or another device has changed. @param {any} point */
  apply(point) {
    const before = this.pointOf(point.videoId)
    if (before && before.updatedAt > point.updatedAt && before.watched === point.watched) return
    this.#points.set(point.videoId, point)
    this.#fire("point", point.videoId)
    const isFirst = Array.isArray(this.continued) && String(this.continued[0]?.video.id) === point.videoId
    if (!isFirst || before?.watched !== point.watched) this.refreshSoon()
  }

  /** Take a video out of "continue watching" before the service's next answer. */
  drop(video) {
    if (Array.isArray(this.continued)) this.continued = this.continued.filter((item) => item.video.id !== video.id)
    this.#fire("lists")
    this.refreshSoon()
  }

  /** Forget a point that was deleted. */
  remove(videoId) {
    this.#points.delete(videoId)
    this.#fire("point", videoId)
    this.refreshSoon()
  }

  /** Read the point of a video again, after a mark. @throws {Error} */
  async readPoint(videoId) {
    const point = await this.#package.get(String(videoId))
    if (point) this.apply(point)
    this.refreshSoon()
  }

  /** Read the lists again, at most once in REFRESH_GAP_MS. */
  refreshSoon() {
    this.#timer ||= setTimeout(() => this.refresh(), Math.max(0, this.#refreshedAt + REFRESH_GAP_MS - performance.now()))
  }

  /** Stop the timer. */
  close() {
    clearTimeout(this.#timer)
  }

  /** Take over the position of an item of "continue watching". */
  #merge({ video, ...position }) {
    const videoId = String(video.id)
    const before = this.pointOf(videoId)
    if (before && before.updatedAt >= position.updatedAt) return
    this.#points.set(videoId, { watched: false, ...before, ...position, videoId })
    this.#fire("point", videoId)
  }

  async #loadPoints() {
    try {
      for await (const page of pagesOfPoints(this.#package)) page.forEach((point) => this.#addStored(point))
    } catch {
      // Tiles without bars are still useful, and the live stream brings the newest points.
    }
  }

  /** Add a point of a list, unless the live stream has brought a newer one. */
  #addStored(point) {
    const before = this.pointOf(point.videoId)
    if (before && before.updatedAt > point.updatedAt) return
    this.#points.set(point.videoId, point)
    this.#fire("point", point.videoId)
  }

  #mayWatch({ corporation_id: owner }) {
    return owner === null || owner === this.#corporationId || session.user?.role === "service"
  }

  #fire(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }))
  }
}

/** The company of the user's account, or null: tokens of other issuers have no account. */
async function companyOf(user) {
  if (!/^\d+$/.test(user.id)) return null
  try {
    return (await api(`/v1/users/id/${user.id}`)).corporation_id
  } catch (error) {
    if (error.status === 403 || error.status === 404) return null
    throw error
  }
}
