// The picture of the player: the <video>, and what covers it while it loads and after a failure.

import { element, keepFocus, problem } from "/site/site.js"
import { loadMedia } from "./media.js"

export class Stage {
  media = element("video", { className: "stage__video", controls: true, playsInline: true, preload: "auto" })
  #cover = element("div", { className: "stage__cover" })
  #neighbour
  #leaving = new AbortController()
  #url = null

  /** @param {HTMLElement} neighbour gets the focus when the cover disappears with it */
  constructor(neighbour) {
    this.#neighbour = neighbour
    this.node = element("div", { className: "stage" }, this.media, this.#cover)
  }

  /** Aborts when the viewer leaves the video. */
  get leaving() {
    return this.#leaving.signal
  }

  /** Load the bytes of a video. @throws {ApiError} */
  async load(videoId) {
    const share = this.showLoading()
    const url = await loadMedia(videoId, { signal: this.leaving, onProgress: (loaded) => (share.value = loaded) })
    this.#revoke()
    this.#url = url
    this.media.src = url
    this.#cover.hidden = true
  }

  /** Cover the video while something loads. @returns {HTMLProgressElement} */
  showLoading() {
    const share = element("progress", { max: 1, value: 0, "aria-label": "Loading the video" })
    this.#show(element("p", {}, "Loading the video"), share)
    return share
  }

  /** Cover the video with an error message. With `retry`, it has a button. */
  fail(error, retry) {
    this.#show(problem(error, retry))
  }

  /** Play. A browser may refuse this before a click on the page, and a failed video has its own message. */
  play() {
    this.media.play().catch(() => {})
  }

  close() {
    this.#leaving.abort()
    this.media.pause()
    this.media.removeAttribute("src")
    this.#revoke()
  }

  #show(...nodes) {
    keepFocus(this.#cover, this.#neighbour)
    this.#cover.replaceChildren(...nodes)
    this.#cover.hidden = false
  }

  #revoke() {
    if (this.#url) URL.revokeObjectURL(this.#url)
    this.#url = null
  }
}
