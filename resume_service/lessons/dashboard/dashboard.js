// The course with the user's progress. A lesson is marked here, or by watching its video.

import { api, element, emptyState, focusHeading, installation, mountHeader, mountSignIn, problem, session, skeleton } from "/site/site.js"
import { Course } from "./course.js"
import { LessonRow } from "./lesson-row.js"

const place = document.getElementById("course")
const announcement = document.getElementById("announcement")

async function readCourse() {
  const [offered, completed, points] = await Promise.all([api("/v1/course"), api("/api/progress/lessons"), readPoints()])
  return new Course(offered, completed, await Promise.all(offered.modules.map(readChecklist)), points)
}

/** The newest videos in progress. Without them, the course is still useful. */
async function readPoints() {
  const user = encodeURIComponent(session.user.id)
  return api(`/api/progress/${user}?status=in-progress&limit=100`).catch(() => [])
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
    show(course, { hasPlayer: pages.some(({ path }) => path === "/watch"), quietly })
  } catch (error) {
    // A course on the page is better than an error message in its place.
    if (session.user?.id === userId && !quietly) place.replaceChildren(problem(error, retry))
  }
}

function retry() {
  focusHeading() // the button disappears
  load()
}

function show(course, { hasPlayer, quietly }) {
  const focused = place.contains(document.activeElement) ? document.activeElement : null
  if (!course.modules.length) {
    place.replaceChildren(emptyState("No lessons yet", "They appear here as soon as the course has some."))
    if (focused) focusHeading()
    return
  }
  const overall = overallCard(course)
  const cards = course.modules.map((module) => moduleCard(course, module, { hasPlayer, onToggle }))
  const shown = [overall, ...cards]
  place.replaceChildren(overall.node, element("div", { className: "modules" }, ...cards.map(({ node }) => node)))
  if (!quietly) document.getElementById(location.hash.slice(1))?.focus() // the link from a video
  else if (focused) focusAgain(focused)

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

/** Focus the new version of a node that was replaced, or else its lesson. */
function focusAgain({ id }) {
  const node = document.getElementById(id)
  const target = node?.checkVisibility() ? node : node?.closest(".lesson")
  if (target) target.focus({ preventScroll: true })
  else focusHeading()
}

function reason(error, course) {
  const missing = error.details?.prerequisites
  return missing ? `This lesson is locked. Complete first: ${course.titles(missing).join(", ")}.` : error.message
}

function overallCard(course) {
  const title = element("h2", { id: "overall-title", className: "visually-hidden" }, "Overall")
  const text = element("p", { className: "quiet small" })
  const bar = element("progress", { max: 100, "aria-labelledby": title.id })
  const percent = element("p", { className: "overall__percent" })
  const help = element("p", { className: "overall__help quiet small" })
  const meter = element("div", { className: "meter" }, text, bar)
  const node = element("section", { className: "card overall", "aria-labelledby": title.id }, title, percent, meter, help)
  return shown(node, () => {
    const all = course.progress(course.lessons)
    percent.textContent = `${all.percent}%`
    text.textContent = figures(all)
    bar.value = all.percent
    help.textContent = helpText(all)
  })
}

function helpText({ completed, total }) {
  if (!total) return "No lesson is open to you."
  if (completed === total) return "You have completed every lesson that is open to you."
  return "Tick a lesson when you have finished it. Watching its video to the end ticks it, too."
}

function moduleCard(course, module, options) {
  const title = element("h2", { id: `module-${module.id}` }, module.title)
  const text = element("p", { className: "quiet small" })
  const head = element("div", { className: "module__head" }, title, text)
  const node = element("article", { className: "card module", "aria-labelledby": title.id }, head)
  if (!module.isOpen) {
    node.classList.add("module--closed")
    node.append(element("p", { className: "quiet" }, "Not open to you: it needs an enrolment."))
    return shown(node, () => {})
  }
  const rows = module.lessons.map((lesson) => new LessonRow(course, lesson, options))
  node.append(element("ul", { className: "lessons" }, ...rows.map((row) => row.node)))
  return shown(node, () => {
    text.textContent = figures(course.progress(module.lessons))
    for (const row of rows) row.show()
  })
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
  document.querySelector("h1").textContent = session.user ? "Your course" : "Sign in"
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
