// The player: it shows one video at a time.

import { OpenVideo } from "./open-video.js"

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
    parts.library.addEventListener("lists", () => this.#current?.showLists())
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
