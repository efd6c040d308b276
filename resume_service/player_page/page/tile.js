// One video in a list: its picture with a progress bar, its name, and a button to remove it.

import { clock, element, left } from "/site/site.js"
import { kindOf, paletteOf, signOf } from "./video-text.js"

export class Tile {
  #bar = element("progress", { className: "tile__bar", max: 100, hidden: true })
  #badge = element("span", { className: "tile__badge" })
  #state = element("span", { className: "tile__state" })
  #video
  #isContinued

  /**
   * @param {any} video
   * @param {{point?: any, level?: string, prefix?: string, onRemove?: () => void}} [options] `level` is
   *   the tag of the name. Only screen readers read `prefix`, the start of the name that the heading of
   *   the list has already. `onRemove` adds a button: the tile is in “Continue watching”.
   */
  constructor(video, { point, level = "h3", prefix = "", onRemove } = {}) {
    this.#video = video
    this.#isContinued = onRemove !== undefined
    this.#bar.setAttribute("aria-label", "Watched")
    const sign = element("span", { className: "tile__sign", "aria-hidden": "true" }, signOf(video))
    const picture = element("span", { className: `tile__picture palette-${paletteOf(video)}` }, sign, this.#badge, this.#bar)
    const link = element("a", { className: "tile__link", href: `/watch?video=${video.id}` }, hiddenText(prefix), video.name.slice(prefix.length))
    link.dataset.video = String(video.id)
    // The picture shows the number of an episode already.
    const note = element("p", { className: "tile__note quiet small" }, hiddenText(`${kindOf(video)} `), this.#state)
    const text = element("div", { className: "tile__text" }, element(level, { className: "tile__name" }, link), note)
    const label = `Remove ${video.name} from “Continue watching”`
    const remove = onRemove && element("button", { className: "tile__remove", type: "button", "aria-label": label, title: "Remove", onclick: onRemove }, "×")
    this.node = element("li", { className: "tile" }, picture, text, remove)
    this.show(point)
  }

  get videoId() {
    return String(this.#video.id)
  }

  /** Show how far the viewer is. @param {any} point undefined if the video was never started */
  show(point) {
    const duration = point?.duration ?? this.#video.duration_seconds
    const isWatched = point?.watched === true
    // The service decides what can be continued: also a watched video that the viewer has begun again.
    const isBegun = point?.currentTime > 0 && (this.#isContinued || !isWatched)
    this.#bar.hidden = !isBegun || !duration
    if (isBegun && duration) this.#bar.value = Math.min(100, (100 * point.currentTime) / duration)
    this.#badge.textContent = duration ? clock(duration) : ""
    this.#badge.hidden = !duration
    this.#state.textContent = isBegun ? (duration ? left(duration - point.currentTime) : "") : isWatched ? "✓ Watched" : ""
  }
}

function hiddenText(text) {
  return text ? element("span", { className: "visually-hidden" }, text) : null
}

/** Grey tiles in the place of a list that is being loaded. */
export function tileSkeletons(label, count) {
  const tiles = Array.from({ length: count }, () =>
    element("div", { className: "tile", "aria-hidden": "true" }, element("span", { className: "tile__picture tile__picture--empty skeleton__bar" }), element("span", { className: "skeleton__bar" })),
  )
  return element("div", { className: "tiles", role: "status" }, element("span", { className: "visually-hidden" }, label), ...tiles)
}
