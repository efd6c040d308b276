// Marks that the viewer sets by hand: watched, and removed from "continue watching".

export class Marks {
  #points
  #library

  /**
   * @param {import("/watch/resume-points/resume-points.js").ResumePoints} points
   * @param {import("./library.js").Library} library
   */
  constructor(points, library) {
    this.#points = points
    this.#library = library
  }

  /** Remove a video from "continue watching", and show an undo in `notices`. */
  async dismiss(video, notices) {
    await orShow(notices, `“${video.name}” could not be removed.`, async () => {
      await this.#points.dismiss(String(video.id))
      this.#library.drop(video)
      const text = `“${video.name}” is removed from “Continue watching” until you play it again.`
      notices.show("mark", text, [["Undo", () => this.#undoDismiss(video, notices)]])
    })
  }

  async setWatched(video, isWatched, notices) {
    await orShow(notices, `“${video.name}” could not be marked.`, async () => {
      await this.#points.markWatched(String(video.id), isWatched)
      notices.hide("mark")
      await this.#library.readPoint(video.id)
    })
  }

  async #undoDismiss(video, notices) {
    await orShow(notices, `“${video.name}” could not be put back.`, async () => {
      await this.#points.dismiss(String(video.id), false)
      await this.#library.refresh()
    })
  }
}

async function orShow(notices, failure, act) {
  try {
    await act()
  } catch (error) {
    notices.show("mark", `${failure} ${error.message}`)
  }
}
