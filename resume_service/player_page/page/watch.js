// The page /watch: it shows the lists, and the player if the address names a video.

import { element, focusHeading, mountHeader, mountSignIn, session } from "/site/site.js"
import { Library } from "./library.js"
import { Marks } from "./marks.js"
import { Player } from "./player.js"
import { pointsOf } from "./points.js"
import { Shelves } from "./shelves.js"

const intro = document.getElementById("intro")
const shelvesPlace = document.getElementById("shelves")
const playerPlace = document.getElementById("player")
const announcement = document.getElementById("announcement")
const TITLE = document.title

/** What belongs to the signed-in user, or null. @type {{library: Library, player: Player, shelves: Shelves, stop: () => void} | null} */
let viewer = null

/** Read a text out to users of screen readers. A new element is read out also if the text is the same. */
function announce(text) {
  announcement.replaceChildren(element("span", {}, text))
}

function start() {
  viewer?.stop()
  viewer = session.user && viewerOf(session.user)
  document.getElementById("invitation").hidden = viewer !== null
  document.querySelector("#intro h1").textContent = viewer ? "Watch" : "Sign in"
  shelvesPlace.hidden = viewer === null
  if (!viewer) shelvesPlace.replaceChildren()
  route()
}

function viewerOf(user) {
  const points = pointsOf(user)
  const library = new Library(points)
  const leaving = new AbortController()
  const marks = new Marks(points, library)
  const player = new Player(playerPlace, { points, library, marks, announce, openVideo })
  const shelves = new Shelves(shelvesPlace, library, { announce, retry: () => library.retry(), dismiss: (video, notices) => marks.dismiss(video, notices) })
  library.load()
  follow(points, library, leaving.signal)
  return {
    library,
    player,
    shelves,
    stop() {
      leaving.abort()
      library.close()
      player.close()
      points.close()
    },
  }
}

/** Take over what the viewer's other devices and windows do. */
async function follow(points, library, signal) {
  const live = await points.listen({ signal }).catch(() => null)
  if (!live) return // a module could not be loaded: the page then shows changes of other devices after a reload
  live.addEventListener("point", ({ detail }) => library.apply(detail))
  live.addEventListener("points", ({ detail }) => detail.forEach((point) => library.apply(point)))
  live.addEventListener("gone", ({ detail }) => library.remove(detail.videoId))
}

/** Show what the address names. With `play`, the viewer has just chosen the video. */
function route({ play = false } = {}) {
  const id = Number(new URLSearchParams(location.search).get("video"))
  const hasVideo = viewer !== null && Number.isSafeInteger(id) && id > 0
  intro.hidden = hasVideo
  playerPlace.hidden = !hasVideo
  viewer?.shelves.setPlaying(hasVideo ? id : null)
  if (hasVideo) {
    viewer.player.open(id, { play })
  } else {
    viewer?.player.close()
    document.title = TITLE
  }
}

function openVideo(id) {
  history.pushState(null, "", id === null ? "/watch" : `/watch?video=${id}`)
  route({ play: id !== null })
  scrollTo({ top: 0 })
  focusHeading()
}

mountHeader({ page: "watch" })
mountSignIn(document.getElementById("sign-in"))
session.addEventListener("change", start)
addEventListener("popstate", () => {
  route()
  focusHeading()
})
addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return
  viewer?.library.refresh()
  viewer?.library.loadLessons() // another page may have completed one
})
addEventListener("click", (event) => {
  const link = event.target.closest("a[data-video]")
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return
  event.preventDefault()
  openVideo(Number(link.dataset.video))
})
start()
