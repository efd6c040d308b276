// One lesson of the list: a checkbox, or a lock with the reason, and a link to its video.

import { clock, element } from "/site/site.js"

const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" })
const names = new Intl.ListFormat("en", { type: "conjunction" })

export class LessonRow {
  #course
  #lesson
  #box
  #label
  #lock
  #note
  #problem
  #next = element("span", { className: "lesson__next" }, "Next")
  #link
  #isPending = false

  /**
   * @param {import("./course.js").Course} course
   * @param {import("./course.js").Lesson} lesson
   * @param {{hasPlayer: boolean, onToggle: (row: LessonRow, completed: boolean) => Promise<void>}} options
   */
  constructor(course, lesson, { hasPlayer, onToggle }) {
    const { id, title, videoId } = lesson
    this.#course = course
    this.#lesson = lesson
    this.#box = element("input", { type: "checkbox", className: "checkbox lesson__box", id: `box-${id}`, "aria-describedby": `note-${id}` })
    this.#label = element("label", { className: "lesson__title", htmlFor: `box-${id}` }, title)
    this.#lock = element("span", { className: "padlock lesson__lock" })
    this.#note = element("p", { className: "lesson__note", id: `note-${id}` })
    this.#problem = element("p", { className: "lesson__problem", role: "alert", hidden: true })
    this.#link = hasPlayer && videoId ? videoLink(lesson) : null
    const head = element("div", { className: "lesson__head" }, this.#label, this.#next)
    const text = element("div", { className: "lesson__text" }, head, this.#note, this.#problem)
    this.node = element("li", { className: "lesson", id: `lesson-${id}`, tabIndex: -1 }, this.#box, this.#lock, text, this.#link)
    this.#box.addEventListener("click", (event) => {
      if (this.#isPending) event.preventDefault() // the box is not disabled, because it would lose the focus
    })
    this.#box.addEventListener("change", () => this.#toggle(onToggle))
    this.show()
  }

  get lesson() {
    return this.#lesson
  }

  /** Show the state of the course. A box that waits for its response stays as the user set it. */
  show() {
    const missing = this.#course.missing(this.#lesson)
    const completedAt = this.#course.completedAt(this.#lesson)
    if (!this.#isPending) this.#box.checked = completedAt !== null
    this.#showLock(missing.length > 0)
    this.#showNext(this.#course.next?.id === this.#lesson.id)
    this.#note.textContent = this.#noteText(missing, completedAt)
    this.#note.hidden = !this.#note.textContent
  }

  #noteText(missing, completedAt) {
    if (missing.length) return `Locked. Complete ${names.format(missing)} first.`
    if (completedAt) return `Completed on ${day.format(new Date(completedAt))}`
    const position = this.#course.position(this.#lesson)
    return position === null ? "" : `Stopped at ${clock(position)}`
  }

  /** @param {string | null} message why the last change failed */
  showProblem(message) {
    this.#problem.textContent = message ?? ""
    this.#problem.hidden = !message
  }

  #showLock(isLocked) {
    const hadFocus = document.activeElement === this.#box
    this.node.classList.toggle("lesson--locked", isLocked)
    this.#box.hidden = isLocked
    this.#lock.hidden = !isLocked
    if (this.#link) this.#link.hidden = isLocked
    if (isLocked && hadFocus) this.node.focus()
  }

  #showNext(isNext) {
    this.node.classList.toggle("lesson--next", isNext)
    this.#next.hidden = !isNext
    this.#link?.classList.toggle("button--primary", isNext)
    this.#link?.classList.toggle("button--quiet", !isNext)
  }

  async #toggle(onToggle) {
    this.#isPending = true
    this.node.ariaBusy = "true"
    this.showProblem(null)
    try {
      await onToggle(this, this.#box.checked)
    } finally {
      this.#isPending = false
      this.node.ariaBusy = "false"
      this.show()
    }
  }
}

function videoLink({ id, title, videoId }) {
  const hidden = element("span", { className: "visually-hidden" }, ` ${title}`)
  return element("a", { className: "button", id: `video-${id}`, href: `/watch?video=${encodeURIComponent(videoId)}` }, "Watch", hidden)
}
