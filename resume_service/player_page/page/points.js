// The player package, for the signed-in user of this page.

import { session } from "/site/site.js"
import { ResumePoints } from "/watch/resume-points/resume-points.js"

const PAGE_SIZE = 100
const MOST_PAGES = 5 // older videos then look as if never started, but no viewer waits for thousands of points

/** The package for this user. */
export function pointsOf(user) {
  return new ResumePoints({ url: location.origin, token: () => session.token(), userId: user.id, device: deviceName() })
}

/**
 * The stored points of the viewer, newest first, in pages.
 * @throws {ResumeError}
 */
export async function* pagesOfPoints(points) {
  let page = { next: undefined }
  for (let count = 0; count < MOST_PAGES; count += 1) {
    page = await points.list({ limit: PAGE_SIZE, cursor: page.next })
    yield page
    if (!page.next) return
  }
}

/** What other devices show: "Firefox on Android", for example. */
function deviceName() {
  const agent = navigator.userAgent
  const first = (names) => names.find(([, pattern]) => pattern.test(agent))?.[0]
  const browser = first([["Edge", /Edg/], ["Firefox", /Firefox|FxiOS/], ["Chrome", /Chrom|CriOS/], ["Safari", /Safari/]])
  const system = first([["Android", /Android/], ["iPhone", /iPhone/], ["iPad", /iPad/], ["Windows", /Windows/], ["Mac", /Macintosh/], ["Linux", /Linux/]])
  return [browser ?? "Browser", system].filter(Boolean).join(" on ")
}
