// Where the focus is in the shelves, and where it goes if its element disappears.

import { focusHeading } from "/site/site.js"

/** What has the focus in a shelf, or null. `videoId` is undefined if it is not in a tile. */
export function focusedPlace() {
  const node = document.activeElement
  const shelf = node?.closest(".shelf")
  if (!shelf) return null
  const videoId = node.closest(".tile")?.querySelector("a").dataset.video
  return { node, shelf, videoId, onButton: node.matches("button"), videoIds: linksIn(shelf).map((link) => link.dataset.video) }
}

/**
 * Move the focus if its element has disappeared: to the same video or the one in its place. After
 * "Show more videos", it goes to the first new video. In all other cases, it goes to a heading.
 */
export function restoreFocus({ node, shelf, videoId, onButton, videoIds }) {
  if (shelf.hidden) return focusHeading()
  if (node.isConnected) return
  const links = linksIn(shelf)
  const link = videoId ? sameOrNext(links, videoId, videoIds) : firstNew(links, videoIds)
  const button = onButton && videoId && link?.closest(".tile").querySelector("button")
  const target = button || link || shelf.querySelector("h2")
  target.focus({ preventScroll: videoId !== undefined })
}

function sameOrNext(links, videoId, before) {
  return links.find((link) => link.dataset.video === videoId) ?? links[Math.min(before.indexOf(videoId), links.length - 1)]
}

function firstNew(links, before) {
  return before.length ? links.find((link) => !before.includes(link.dataset.video)) : undefined
}

function linksIn(shelf) {
  return [...shelf.querySelectorAll(".tile a")]
}
