// The course with the user's progress and a checkbox per lesson. All figures come from the API.

const TOKEN = "token"
const element = (id) => document.getElementById(id)
const state = { modules: [], titles: new Map(), completed: new Map() }

class Failure extends Error {
  constructor(status, body, retryAfter) {
    super(body.error ?? `The service answered ${status}`)
    Object.assign(this, { status, details: body.details ?? {}, retryAfter })
  }
}

async function callApi(method, path) {
  const headers = { Authorization: `Bearer ${sessionStorage.getItem(TOKEN)}` }
  let response
  try {
    response = await fetch(path, { method, headers })
  } catch {
    throw new Failure(0, { error: "The service can't be reached. Try again." })
  }
  const body = await response.json().catch(() => ({}))
  if (!response.ok) throw new Failure(response.status, body, response.headers.get("Retry-After"))
  return body
}

function createElement(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties)
  node.append(...children)
  return node
}

function problemText(failure) {
  if (failure.status === 401) return "Your token is missing, wrong or expired. Sign in again."
  if (failure.status === 429) {
    return `Too many changes in a minute. Try again in ${failure.retryAfter} s.`
  }
  if (failure.details.prerequisites) {
    const names = failure.details.prerequisites.map((id) => state.titles.get(id) ?? "a hidden lesson")
    return `This lesson is locked. Complete first: ${names.join(", ")}.`
  }
  return failure.message
}

function showProblem(failure) {
  element("problem").textContent = failure ? problemText(failure) : ""
  element("problem").hidden = !failure
  if (failure?.status === 401) signOut()
}

function show(signedIn) {
  element("sign-in").hidden = signedIn
  element("course").hidden = !signedIn
}

function signOut() {
  sessionStorage.removeItem(TOKEN)
  element("modules").replaceChildren()
  show(false)
  element("token").focus()
}

const figure = (progress) => `${progress.percent} % · ${progress.completedCount} of ${progress.totalCount} lessons`

function showOverall(progress) {
  element("overall").textContent = figure(progress)
  element("overall-bar").value = progress.percent
}

function showModule(progress) {
  const { figures, bar } = state.modules.find((module) => module.id === progress.moduleId)
  figures.textContent = figure(progress)
  bar.value = progress.percent
}

function showLessons() {
  for (const { lessons } of state.modules) {
    for (const { id, prerequisites, box, note } of lessons) {
      const missing = prerequisites.filter((each) => !state.completed.has(each))
      if (!box.disabled) box.checked = state.completed.has(id) // a disabled box waits for its response
      if (state.completed.has(id)) {
        note.textContent = `Completed ${new Date(state.completed.get(id)).toLocaleString()}`
      } else if (missing.length) {
        const names = missing.map((each) => state.titles.get(each) ?? "a hidden lesson")
        note.textContent = `Locked. Complete first: ${names.join(", ")}`
      } else {
        note.textContent = ""
      }
    }
  }
}

// A change of this lesson may lock or unlock lessons of other modules, which changes their totals.
async function refreshModulesThatRequire(lesson, except) {
  const requires = ({ lessons }) => lessons.some(({ prerequisites }) => prerequisites.includes(lesson))
  const stale = state.modules.filter((each) => each.id !== except && each.isOpen && requires(each))
  for (const { id } of stale) showModule(await callApi("GET", `/api/progress/modules/${id}`))
}

async function toggle(lesson) {
  const { id, box } = lesson
  const method = box.checked ? "POST" : "DELETE"
  box.disabled = true
  try {
    const result = await callApi(method, `/api/progress/lessons/${id}`)
    if (result.completed) state.completed.set(id, result.completedAt)
    else state.completed.delete(id)
    showModule(result.module)
    showOverall(result.overall)
    showProblem(null)
    await refreshModulesThatRequire(id, result.module.moduleId)
  } catch (failure) {
    showProblem(failure)
  } finally {
    box.disabled = false
    showLessons()
    box.focus()
  }
}

function lessonItem(lesson) {
  lesson.box = createElement("input", { type: "checkbox", id: `lesson-${lesson.id}` })
  lesson.note = createElement("p", { className: "note", id: `note-${lesson.id}` })
  lesson.box.setAttribute("aria-describedby", lesson.note.id)
  lesson.box.addEventListener("change", () => toggle(lesson))
  return createElement("li", {}, createElement("label", {}, lesson.box, lesson.title), lesson.note)
}

function moduleCard(module, checklist) {
  const title = createElement("h2", { id: `module-${module.id}`, textContent: module.title })
  const card = createElement("article", {}, title)
  card.setAttribute("aria-labelledby", title.id)
  module.isOpen = checklist !== null
  if (!module.isOpen) {
    module.lessons = []
    card.append(createElement("p", { className: "note", textContent: "Not open to you: it needs an enrolment." }))
    return card
  }
  module.figures = createElement("p", { className: "figure" })
  module.bar = createElement("progress", { max: 100 })
  module.bar.setAttribute("aria-labelledby", title.id)
  const listed = new Set(checklist.lessons.map(({ lessonId }) => lessonId))
  module.lessons = module.lessons.filter(({ id }) => listed.has(id))
  card.append(module.figures, module.bar, createElement("ul", {}, ...module.lessons.map(lessonItem)))
  return card
}

async function checklistOf(module) {
  try {
    return await callApi("GET", `/api/progress/modules/${module.id}`)
  } catch (failure) {
    if (failure.status === 404) return null
    throw failure
  }
}

async function load() {
  try {
    const [course, summary, completed] = await Promise.all(
      ["/v1/course", "/api/progress/summary", "/api/progress/lessons"].map((path) => callApi("GET", path)),
    )
    state.modules = course.modules
    state.titles = new Map(course.modules.flatMap(({ lessons }) => lessons.map((each) => [each.id, each.title])))
    state.completed = new Map(completed.lessons.map((each) => [each.lessonId, each.completedAt]))
    const checklists = await Promise.all(state.modules.map(checklistOf))
    const cards = state.modules.map((module, n) => moduleCard(module, checklists[n]))
    element("modules").replaceChildren(...cards)
    checklists.filter(Boolean).forEach(showModule)
    showOverall(summary)
    showLessons()
    showProblem(null)
    show(true)
  } catch (failure) {
    show(false)
    showProblem(failure)
  }
}

element("sign-in").addEventListener("submit", (event) => {
  event.preventDefault()
  sessionStorage.setItem(TOKEN, element("token").value.trim())
  element("token").value = ""
  load()
})
element("sign-out").addEventListener("click", () => {
  showProblem(null)
  signOut()
})

if (sessionStorage.getItem(TOKEN)) load()
else show(false)
