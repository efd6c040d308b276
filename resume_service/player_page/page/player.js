// The player: one video, where the viewer is in it, and what the viewer can do.

import { clock, element, problem } from "/site/site.js"
import { lessonText } from "./lessons.js"
import { loadMedia } from "./media.js"
import { Notices } from "./notices.js"
import { kindOf } from "./video-text.js"

export class Player {
  #place
  #parts
  #current = null

  /**
   * @param {HTMLElement} place
   * @param {{points: any, library: import("./library.js").Library, marks: import("./marks.js").Marks,
   *   announce: (text: string) => void, openVideo: (id: number | null) => void}} parts
   */
  constructor(place, parts) {
    this.#place = place
    this.#parts = parts
    parts.library.addEventListener("point", ({ detail }) => {
      if (detail === String(this.#current?.id)) this.#current.showPoint()
    })
    parts.library.addEventListener("lists", () => this.#current?.showPoint())
  }

  /** Show a video. With `play`, it starts as soon as its position is known. */
  open(id, { play }) {
    if (this.#current?.id === id) return
    this.close()
    this.#current = new OpenVideo(id, this.#parts)
    this.#place.replaceChildren(this.#current.node)
    this.#current.start({ play })
  }

  close() {
    this.#current?.stop()
    this.#current = null
    this.#place.replaceChildren()
  }
}

class OpenVideo {
  #parts
  #video = null
  #watching = null
  #leaving = new AbortController()
  #url = null
  #media = element("video", { className: "stage__video", controls: true, playsInline: true, preload: "auto" })
  #cover = element("div", { className: "stage__cover" })
  #kind = element("p", { className: "quiet small" })
  #title = element("h1", { className: "panel__title", tabIndex: -1 }, "Loading")
  #state = element("p", { className: "quiet small panel__state" })
  #lesson = element("p", { hidden: true })
  #watched = action("Mark as watched", () => this.#toggleWatched())
  #dismiss = action("Remove from list", () => this.#parts.marks.dismiss(this.#video, this.#notices), "button--quiet")
  #actions = element("div", { className: "panel__actions", hidden: true })
  #notices

  constructor(id, parts) {
    this.id = id
    this.#parts = parts
    this.#notices = new Notices(parts.announce, this.#media)
    const back = element("button", { className: "button button--quiet player__back", type: "button", onclick: () => parts.openVideo(null) }, "← All videos")
    this.#dismiss.title = "Remove from “Continue watching”"
    this.#actions.append(this.#watched, this.#dismiss)
    const text = element("div", { className: "panel__text" }, this.#title, this.#kind, this.#lesson)
    // What comes and goes stands last, so that no button moves.
    const panel = element("div", { className: "panel" }, text, this.#actions, this.#notices.node, this.#state)
    this.node = element(
      "div",
      { className: "player__parts" },
      back,
      element("div", { className: "stage" }, this.#media, this.#cover),
      panel,
    )
    this.#media.addEventListener("error", () => this.#fail(new Error("This browser can’t play the video."), () => this.#load()))
    this.#media.addEventListener("ended", () => this.#offerNext())
  }

  async start({ play }) {
    const { library } = this.#parts
    try {
      this.#video = await library.video(this.id)
    } catch (error) {
      return this.#fail(error, () => this.start({ play }))
    }
    if (this.#leaving.signal.aborted) return
    document.title = `${this.#video.name} · Resume points`
    this.#title.textContent = this.#video.name
    this.#media.setAttribute("aria-label", this.#video.name)
    this.#kind.textContent = [kindOf(this.#video), this.#video.duration_seconds && clock(this.#video.duration_seconds)].filter(Boolean).join(" · ")
    this.showPoint()
    await Promise.all([this.#watch(), this.#load()])
    await this.#watching?.started
    if (play && !this.#leaving.signal.aborted) this.#media.play().catch(() => {}) // a browser may want a click on the video itself
  }

  stop() {
    this.#leaving.abort()
    this.#watching?.stop()
    this.#media.pause()
    this.#media.removeAttribute("src")
    if (this.#url) URL.revokeObjectURL(this.#url)
  }

  /** Show what the viewer's point says: whether the video is watched, and begun. */
  showPoint() {
    if (!this.#video) return
    const point = this.#parts.library.pointOf(this.id)
    this.#watched.textContent = point?.watched ? "Mark as not watched" : "Mark as watched"
    const { continued } = this.#parts.library
    this.#dismiss.hidden = !Array.isArray(continued) || !continued.some(({ video }) => video.id === this.id)
    const lesson = this.#parts.library.lessonOf(this.id)
    this.#lesson.hidden = !lesson
    if (lesson) this.#lesson.replaceChildren(...lessonText(lesson))
  }

  async #watch() {
    const { points } = this.#parts
    const watching = await points.watch(this.#media, { videoId: String(this.id), signal: this.#leaving.signal })
    if (this.#leaving.signal.aborted) return watching.stop()
    this.#watching = watching
    watching.addEventListener("resumed", ({ detail }) => this.#showResumed(detail.from))
    watching.addEventListener("elsewhere", ({ detail }) => this.#showElsewhere(detail))
    watching.addEventListener("saved", () => this.#showState(`Saved at ${clock(this.#media.currentTime)}`))
    watching.addEventListener("queued", () => this.#showState("No connection. Your position is kept on this device."))
    watching.addEventListener("refused", ({ detail }) => this.#showState(`Your position can’t be saved: ${detail.error}`))
  }

  async #load() {
    const share = element("progress", { max: 1, value: 0, "aria-label": "Loading the video" })
    this.#cover.replaceChildren(element("p", {}, "Loading the video"), share)
    this.#cover.hidden = false
    try {
      const options = { signal: this.#leaving.signal, onProgress: (loaded) => (share.value = loaded) }
      this.#url = await loadMedia(this.id, options)
      this.#media.src = this.#url
      this.#cover.hidden = true
      this.#actions.hidden = false
    } catch (error) {
      if (!this.#leaving.signal.aborted) this.#fail(error, () => this.#load())
    }
  }

  #fail(error, retry) {
    const canRetry = error.status !== 403 && error.status !== 404
    this.#title.textContent = this.#video?.name ?? "Not available"
    this.#cover.replaceChildren(problem(error, canRetry ? retry : undefined))
    this.#cover.hidden = false
    this.#actions.hidden = true
  }

  #showResumed(from) {
    const previous = this.#parts.library.pointOf(this.id)?.previousTime
    const goOn = [`Back to ${clock(previous)}`, () => this.#goTo(previous)]
    const startOver = ["Start over", () => this.#goTo(0)]
    this.#notices.show("position", `Resumed at ${clock(from)}.`, previous ? [startOver, goOn] : [startOver])
  }

  #showElsewhere({ currentTime, device }) {
    const text = `This video is at ${clock(currentTime)} on ${device ?? "another device"}.`
    this.#notices.show("position", text, [[`Go to ${clock(currentTime)}`, () => this.#goTo(currentTime)]])
  }

  #showState(text) {
    this.#state.textContent = text
  }

  #goTo(seconds) {
    this.#notices.hide("position")
    this.#media.currentTime = seconds
    this.#media.play().catch(() => {})
  }

  async #toggleWatched() {
    const isWatched = this.#parts.library.pointOf(this.id)?.watched === true
    await this.#parts.marks.setWatched(this.#video, !isWatched, this.#notices)
  }

  async #offerNext() {
    const { library, openVideo } = this.#parts
    this.#notices.hide("position")
    await library.refresh()
    const next = Array.isArray(library.nextUp) && library.nextUp.find(({ after }) => after.series_id === this.#video.series_id)
    if (this.#leaving.signal.aborted || !next || this.#video.series_id === null) return
    this.#notices.show("position", `Next: ${next.video.name}`, [["Play", () => openVideo(next.video.id)]])
  }
}

function action(label, onclick, className = "") {
  return element("button", { className: `button ${className}`, type: "button", onclick }, label)
}
