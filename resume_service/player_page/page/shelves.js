// The lists below the player: continue watching, next up, all videos.

import { element, emptyState, problem } from "/site/site.js"
import { groupsOf } from "./groups.js"
import { Notices } from "./notices.js"
import { focusedPlace, restoreFocus } from "./shelf-focus.js"
import { Tile, tileSkeletons } from "./tile.js"

export class Shelves {
  #library
  #actions
  #continued
  #nextUp
  #all
  #playingId = null

  /**
   * @param {HTMLElement} place
   * @param {import("./library.js").Library} library
   * @param {{dismiss: (video: any, notices: Notices) => void, retry: () => void, announce: (text: string) => void}} actions
   */
  constructor(place, library, actions) {
    this.#library = library
    this.#actions = actions
    this.#continued = new Shelf("continue", "Continue watching")
    this.notices = new Notices(actions.announce, this.#continued.heading)
    this.#continued.keep(this.notices.node)
    this.#nextUp = new Shelf("next-up", "Next up")
    this.#all = new Shelf("all", "All videos")
    place.replaceChildren(...this.#shelves.map(({ node }) => node))
    library.addEventListener("lists", () => this.show())
    library.addEventListener("point", ({ detail }) => this.#update(detail))
    this.show()
  }

  get #shelves() {
    return [this.#continued, this.#nextUp, this.#all]
  }

  /** Leave the video in the player out of the personal lists. @param {number | null} id */
  setPlaying(id) {
    this.#playingId = id
    this.show()
  }

  /** Show the lists of the library. The focus stays on the same video, or near it. */
  show() {
    const { videos, hasMoreVideos } = this.#library
    const continued = this.#withoutPlaying(this.#library.continued)
    const nextUp = this.#withoutPlaying(this.#library.nextUp)
    const focused = focusedPlace()
    this.#continued.show(`${keyOf(continued)} ${this.#playingId}`, () => this.#continueContent(continued))
    this.#nextUp.show(keyOf(nextUp), () => this.#nextUpContent(nextUp))
    this.#all.show(`${keyOf(videos)} ${hasMoreVideos}`, () => this.#allContent(videos))
    if (focused) restoreFocus(focused)
  }

  #withoutPlaying(items) {
    return Array.isArray(items) ? items.filter(({ video }) => video.id !== this.#playingId) : items
  }

  #update(videoId) {
    for (const { tiles } of this.#shelves)
      for (const tile of tiles) if (tile.videoId === videoId) tile.show(this.#library.pointOf(videoId))
  }

  #continueContent(continued) {
    if (!Array.isArray(continued)) return this.#pending(continued, 4)
    if (!continued.length && this.#library.continued.length) return [element("p", { className: "quiet" }, "Nothing else to continue.")]
    if (!continued.length) return [emptyState("Nothing to continue", "Start a video below. It stays here until you have watched it, on all your devices.")]
    return [list(continued.map(({ video }) => this.#tile(video, { onRemove: () => this.#actions.dismiss(video, this.notices) })))]
  }

  #nextUpContent(nextUp) {
    if (!Array.isArray(nextUp)) return this.#pending(nextUp, 2)
    return nextUp.length ? [list(nextUp.map(({ video }) => this.#tile(video)))] : []
  }

  #allContent(videos) {
    if (!Array.isArray(videos)) return this.#pending(videos, 8)
    const hasMore = this.#library.hasMoreVideos
    if (!videos.length && !hasMore) return [noVideos()]
    const groups = groupsOf(videos).map((group) => this.#group(group))
    return hasMore ? [...groups, this.#moreButton()] : groups
  }

  /** What stands in the place of a list: `state` is null or an Error. */
  #pending(state, count) {
    return [state ? problem(state, this.#actions.retry) : tileSkeletons("Loading", count)]
  }

  #group({ name, prefix, videos }) {
    const tiles = videos.map((video) => this.#tile(video, { level: "h4", prefix }))
    return element("div", { className: "group" }, element("h3", {}, name), list(tiles))
  }

  #moreButton() {
    const load = async () => {
      try {
        await this.#library.moreVideos()
      } catch (error) {
        this.#all.showProblem(error)
      }
    }
    return element("button", { className: "button", type: "button", onclick: load }, "Show more videos")
  }

  #tile(video, options) {
    return new Tile(video, { ...options, point: this.#library.pointOf(video.id) })
  }
}

/** A heading with a list. */
class Shelf {
  /** @type {Tile[]} */
  tiles = []
  #content = element("div", { className: "shelf__content" })
  #key = ""

  constructor(id, title) {
    this.heading = element("h2", { id: `${id}-title`, tabIndex: -1 }, title)
    this.node = element("section", { className: "shelf", id, "aria-labelledby": this.heading.id }, this.heading, this.#content)
  }

  /** Keep a node below the heading, whatever the content is. */
  keep(node) {
    this.heading.after(node)
  }

  /** Show below the list that more of it could not be loaded. */
  showProblem(error) {
    this.#content.querySelector(":scope > .problem")?.remove()
    this.#content.append(problem(error))
  }

  /**
   * Show other content, but only if `key` has changed: a click on a tile must not meet a new one.
   * Without content, the shelf is hidden.
   * @param {() => Array<Node>} content
   */
  show(key, content) {
    if (key === this.#key) return
    this.#key = key
    const nodes = content()
    this.tiles = nodes.flatMap(tilesIn)
    this.node.hidden = nodes.length === 0
    this.#content.replaceChildren(...nodes)
  }
}

/** The tile of each node in a list. @type {WeakMap<Element, Tile>} */
const tileOf = new WeakMap()

function tilesIn(node) {
  return [...node.querySelectorAll(".tile")].map((each) => tileOf.get(each)).filter(Boolean)
}

function keyOf(state) {
  if (!Array.isArray(state)) return state ? `error ${state.message}` : "loading"
  return `list ${state.map((each) => JSON.stringify(each.video ?? each)).join()}`
}

/** @param {Tile[]} tiles */
function list(tiles) {
  for (const tile of tiles) tileOf.set(tile.node, tile)
  return element("ul", { className: "tiles", role: "list" }, ...tiles.map(({ node }) => node))
}

function noVideos() {
  const link = element("a", { className: "button", href: "/docs" }, "Open the API")
  return emptyState("No videos yet", "An administrator adds videos with the API. For a try, the demo has some.", link)
}
