// The lessons of the course, for the link from a video to its lesson.

import { api, element, missingTitles } from "/site/site.js"

const names = new Intl.ListFormat("en", { type: "conjunction" })

/** @typedef {{id: string, title: string, missing: string[]}} Lesson `missing` has the titles to complete first */

/**
 * The lesson of each video that belongs to one, by the id of the video.
 * @returns {Promise<Map<string, Lesson>>}
 * @throws {ApiError}
 */
export async function lessonsByVideo() {
  const [course, { lessons: done }] = await Promise.all([api("/v1/course"), api("/api/progress/lessons")])
  const lessons = course.modules.flatMap((module) => module.lessons)
  const titles = new Map(lessons.map(({ id, title }) => [id, title]))
  const completed = new Set(done.map(({ lessonId }) => lessonId))
  const asLesson = (lesson) => ({ id: lesson.id, title: lesson.title, missing: missingTitles(lesson, completed, titles) })
  const withVideo = lessons.filter((lesson) => lesson.video_id)
  return new Map(withVideo.map((lesson) => [lesson.video_id, asLesson(lesson)]))
}

/** A link to the lesson, and what the viewer must complete first. The video plays in any case. */
export function lessonText({ id, title, missing }) {
  const link = element("a", { href: `/dashboard#lesson-${id}` }, title)
  return ["Lesson: ", link, missing.length ? ` (locked: complete ${names.format(missing)} first)` : ""]
}
