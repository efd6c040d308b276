// The course with the user's progress. A lesson is marked here, or by watching its video.

import { api, element, emptyState, focusHeading, installation, mountHeader, mountSignIn, problem, session, skeleton } from "/site/site.js"
import { Course } from "./course.js"
import { LessonRow, videoLink } from "./lesson-row.js"

const place = document.getElementById("course")
const announcement = document.getElementById("announcement")

async function readCourse() {
  const [offered, completed] = await Promise.all([api("/v1/course"), api("/api/progress/lessons")])
  return new Course(offered, completed, await Promise.all(offered.modules.map(readChecklist)))
}

/** The lessons of a module that are open to the user, or null if none is. */
async function readChecklist({ id }) {
  try {
    return await api(`/api/progress/modules/${id}`)
  } catch (error) {
    if (error.status === 404) return null
    throw error
  }
}

/** @param {{quietly?: boolean}} [options] `quietly` keeps the shown course until the new one is there. */
async function load({ quietly = false } = {}) {
  const userId = session.user?.id
  if (!quietly) place.replaceChildren(skeleton("Loading your course", 6))
  try {
    const [course, { pages }] = await Promise.all([readCourse(), installation])
    if (session.user?.id !== userId) return
    show(course, pages.some(({ path }) => path === "/watch"))
  } catch (error) {
    if (session.user?.id === userId) place.replaceChildren(problem(error, retry))
  }
}

function retry() {
  focusHeading() // the button disappears
  load()
}

function show(course, hasPlayer) {
  if (!course.modules.length) {
    place.replaceChildren(emptyState("No lessons yet", "They appear here as soon as the course has some."))
    return
  }
  const overall = overallCard(course, hasPlayer)
  const cards = course.modules.map((module) => moduleCard(course, module, { hasPlayer, onToggle }))
  const shown = [overall, ...cards]
  place.replaceChildren(...shown.map(({ node }) => node))
  document.getElementById(location.hash.slice(1))?.focus() // the link from a video

  async function onToggle(row, completed) {
    const { id, title } = row.lesson
    try {
      course.update(await api(`/api/progress/lessons/${id}`, { method: completed ? "POST" : "DELETE" }))
      for (const each of shown) each.show()
      const all = course.progress(course.lessons)
      announcement.textContent = `${title}: ${completed ? "completed" : "not completed"}. ${figures(all)}`
    } catch (error) {
      row.showProblem(reason(error, course))
    }
  }
}

function reason(error, course) {
  const missing = error.details?.prerequisites
  return missing ? `This lesson is locked. Complete first: ${course.titles(missing).join(", ")}.` : error.message
}

function overallCard(course, hasPlayer) {
  const title = element("h2", { id: "overall-title", className: "visually-hidden" }, "Overall")
  const meter = progressMeter(title.id)
  const percent = element("p", { className: "overall__percent" })
  const next = element("p", { className: "overall__next" })
  const node = element("section", { className: "card overall", "aria-labelledby": title.id }, title, percent, meter.node, next)
  return shown(node, () => {
    const all = course.progress(course.lessons)
    percent.textContent = `${all.percent} %`
    meter.show(all)
    const lesson = course.next
    const link = hasPlayer && lesson?.videoId ? videoLink(lesson, "button button--primary") : null
    next.hidden = !lesson && all.completed < all.total
    if (lesson) next.replaceChildren(element("span", {}, element("span", { className: "quiet" }, "Next: "), lesson.title), ...(link ? [link] : []))
    else next.textContent = all.total ? "You have completed every lesson that is open to you." : "No lesson is open to you."
  })
}

function moduleCard(course, module, options) {
  const title = element("h2", { id: `module-${module.id}` }, module.title)
  const node = element("article", { className: "card module", "aria-labelledby": title.id }, title)
  if (!module.isOpen) {
    node.classList.add("module--closed")
    node.append(element("p", { className: "quiet" }, "Not open to you: it needs an enrolment."))
    return shown(node, () => {})
  }
  const meter = progressMeter(title.id)
  const rows = module.lessons.map((lesson) => new LessonRow(course, lesson, options))
  node.append(meter.node, element("ul", { className: "lessons" }, ...rows.map((row) => row.node)))
  return shown(node, () => {
    meter.show(course.progress(module.lessons))
    for (const row of rows) row.show()
  })
}

function progressMeter(labelId) {
  const bar = element("progress", { max: 100, "aria-labelledby": labelId })
  const text = element("p", { className: "quiet small" })
  return {
    node: element("div", { className: "meter" }, text, bar),
    show(progress) {
      text.textContent = figures(progress)
      bar.value = progress.percent
    },
  }
}

/** A part of the page with its first state shown. */
function shown(node, show) {
  show()
  return { node, show }
}

function figures({ completed, total }) {
  return `${completed} of ${total} ${total === 1 ? "lesson" : "lessons"} completed`
}

function start() {
  document.getElementById("invitation").hidden = session.user !== null
  place.replaceChildren()
  announcement.textContent = ""
  if (session.user) load()
}

mountHeader({ page: "dashboard" })
mountSignIn(document.getElementById("sign-in"))
session.addEventListener("change", start)
addEventListener("pageshow", ({ persisted }) => {
  if (persisted && session.user) load({ quietly: true }) // a video may have completed a lesson
})
start()
