// The course as one user sees it: which lessons are open, completed and locked.
//
// The totals count every lesson that the page shows, also the locked ones. The API's totals leave
// locked lessons out, so its "1 of 1" would stand above a list of two.

import { missingTitles, titlesOf } from "/site/site.js"

/**
 * @typedef {{id: string, title: string, videoId: string | null, prerequisites: string[]}} Lesson
 * @typedef {{id: string, title: string, isOpen: boolean, lessons: Lesson[]}} Module
 */

export class Course {
  /** @type {Module[]} */
  modules

  #titles
  #completedAt
  #positions

  /**
   * @param {any} offered the response of `/v1/course`
   * @param {any} completed the response of `/api/progress/lessons`
   * @param {any[]} checklists the response of `/api/progress/modules/{id}` for each module, or null
   * @param {any[]} points the user's points in progress
   */
  constructor(offered, completed, checklists, points) {
    const all = offered.modules.flatMap(({ lessons }) => lessons)
    this.#titles = new Map(all.map(({ id, title }) => [id, title]))
    this.#completedAt = new Map(completed.lessons.map((each) => [each.lessonId, each.completedAt]))
    this.#positions = new Map(points.map((each) => [each.tmdbId, each.currentTime]))
    this.modules = offered.modules.map(({ id, title, lessons }, index) => {
      const open = new Set(checklists[index]?.lessons.map(({ lessonId }) => lessonId))
      return { id, title, isOpen: checklists[index] !== null, lessons: lessons.filter((each) => open.has(each.id)).map(asLesson) }
    })
  }

  /** All lessons that are open to the user, in the course's order. */
  get lessons() {
    return this.modules.flatMap(({ lessons }) => lessons)
  }

  /** The first lesson that the user can complete now, or undefined. */
  get next() {
    return this.lessons.find((each) => !this.completedAt(each) && !this.missing(each).length)
  }

  /** When the user completed the lesson (ISO 8601), or null. */
  completedAt({ id }) {
    return this.#completedAt.get(id) ?? null
  }

  /** Where the user stopped in the video of the lesson, in seconds, or null. */
  position({ videoId }) {
    return this.#positions.get(videoId) ?? null
  }

  /** The titles of the lessons that the user must complete before this one. */
  missing(lesson) {
    return missingTitles(lesson, this.#completedAt, this.#titles)
  }

  titles(ids) {
    return titlesOf(ids, this.#titles)
  }

  /** Take over the response to a mark or an unmark. */
  update({ lessonId, completed, completedAt }) {
    if (completed) this.#completedAt.set(lessonId, completedAt)
    else this.#completedAt.delete(lessonId)
  }

  /** How many of these lessons are completed: `{completed, total, percent}`, in whole percent. */
  progress(lessons) {
    const completed = lessons.filter((each) => this.#completedAt.has(each.id)).length
    const total = lessons.length
    // Only a finished course has 100 %, and only an untouched one 0 %.
    const percent = completed === total ? 100 : Math.min(99, Math.max(completed && 1, Math.round((100 * completed) / total)))
    return { completed, total, percent: total ? percent : 0 }
  }
}

function asLesson({ id, title, video_id, prerequisites }) {
  return { id, title, videoId: video_id, prerequisites }
}
