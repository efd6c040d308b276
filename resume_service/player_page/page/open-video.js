// One video in the player: where the viewer is in it, and what the viewer can do.

import { clock, element, keepFocus } from "/site/site.js"
import { lessonText } from "./lessons.js"
import { Notices } from "./notices.js"
import { Stage } from "./stage.js"
import { kindOf } from "./video-text.js"

export class OpenVideo {
  #parts
  #video = null
  #watching = null
  #hasOffered = false
  #kind = element("p", { className: "quiet small" })
  #title = element("h1", { className: "panel__title", tabIndex: -1 }, "Loading")
  #stage = new Stage(this.#title)
  #media = this.#stage.media
  #state = element("p", { className: "quiet small panel__state" })
  #lessonKey = undefined
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
    this.node = element("div", { className: "player__parts" }, back, this.#stage.node, panel)
    this.#media.addEventListener("error", () => this.#fail(new Error("This browser can’t play the video."), () => this.#load()))
    this.#media.addEventListener("ended", () => this.#finish())
    this.#media.addEventListener("playing", () => (this.#hasOffered = false))
  }

  async start({ play }) {
    const { library } = this.#parts
    this.#stage.showLoading()
    try {
      this.#video = await library.video(this.id)
    } catch (error) {
      return this.#fail(error, () => this.start({ play }))
    }
    if (this.#isLeft) return
    document.title = `${this.#video.name} · Resume points`
    this.#title.textContent = this.#video.name
    this.#media.setAttribute("aria-label", this.#video.name)
    this.#kind.textContent = [kindOf(this.#video), this.#video.duration_seconds && clock(this.#video.duration_seconds)].filter(Boolean).join(" · ")
    this.showPoint()
    await Promise.all([this.#watch(), this.#load()])
    await this.#watching?.started
    if (play && !this.#isLeft) this.#stage.play()
  }

  stop() {
    this.#watching?.stop()
    this.#stage.close()
  }

  /** Show what the viewer's point says: whether the video is watched, and begun. */
  showPoint() {
    if (!this.#video) return
    const point = this.#parts.library.pointOf(this.id)
    this.#watched.textContent = point?.watched ? "Mark as not watched" : "Mark as watched"
    const { continued } = this.#parts.library
    const isContinued = Array.isArray(continued) && continued.some(({ video }) => video.id === this.id)
    if (!isContinued) keepFocus(this.#dismiss, this.#watched)
    this.#dismiss.hidden = !isContinued
    this.#showLesson(this.#parts.library.lessonOf(this.id))
  }

  #showLesson(lesson) {
    const key = JSON.stringify(lesson)
    if (key === this.#lessonKey) return // a new link would lose the focus
    this.#lessonKey = key
    this.#lesson.hidden = !lesson
    this.#lesson.replaceChildren(...(lesson ? lessonText(lesson) : []))
  }

  /** Show what the new lists say. */
  showLists() {
    this.showPoint()
    this.#offerNext()
  }

  get #isLeft() {
    return this.#stage.leaving.aborted
  }

  async #watch() {
    const { points } = this.#parts
    const watching = await points.watch(this.#media, { videoId: String(this.id), signal: this.#stage.leaving })
    if (this.#isLeft) return watching.stop()
    this.#watching = watching
    watching.addEventListener("resumed", ({ detail }) => this.#showResumed(detail.from))
    watching.addEventListener("elsewhere", ({ detail }) => this.#showElsewhere(detail))
    watching.addEventListener("saved", ({ detail }) => this.#showState(detail.applied ? "Saved" : ""))
    watching.addEventListener("queued", () => this.#showTrouble("No connection. Your position is kept on this device."))
    watching.addEventListener("refused", ({ detail }) => this.#showTrouble(`Your position can’t be saved: ${detail.error}`))
  }

  async #load() {
    try {
      await this.#stage.load(this.id)
      this.#actions.hidden = false
    } catch (error) {
      if (!this.#isLeft) this.#fail(error, () => this.#load())
    }
  }

  #fail(error, retry) {
    const canRetry = error.status !== 403 && error.status !== 404
    this.#title.textContent = this.#video?.name ?? "Not available"
    this.#stage.fail(error, canRetry ? retry : undefined)
    keepFocus(this.#actions, this.#title)
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

  /** Show a state that the viewer must know. Each save may meet it, but it is read out once. */
  #showTrouble(text) {
    if (this.#state.textContent !== text) this.#parts.announce(text)
    this.#showState(text)
  }

  #goTo(seconds) {
    this.#notices.hide("position")
    this.#media.currentTime = seconds
    this.#stage.play()
  }

  async #toggleWatched() {
    const isWatched = this.#parts.library.pointOf(this.id)?.watched === true
    await this.#parts.marks.setWatched(this.#video, !isWatched, this.#notices)
  }

  async #finish() {
    this.#notices.hide("position")
    await this.#parts.library.refresh()
    this.#offerNext()
  }

  /** Offer the episode after this one. Its last save may arrive after the first new lists. */
  #offerNext() {
    if (!this.#media.ended || this.#hasOffered || this.#isLeft) return
    const { library, openVideo } = this.#parts
    const isNext = ({ after }) => after.id === this.id // not the id of the series: each company chooses its own
    const next = Array.isArray(library.nextUp) && library.nextUp.find(isNext)
    if (!next) return
    this.#hasOffered = true
    this.#notices.show("position", `Next: ${next.video.name}`, [["Play", () => openVideo(next.video.id)]])
  }
}

function action(label, onclick, className = "") {
  return element("button", { className: `button ${className}`, type: "button", onclick }, label)
}
