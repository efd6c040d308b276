// The player package, for the signed-in user of this page.

import { session } from "/site/site.js"
import { ResumePoints } from "/watch/resume-points/resume-points.js"

/** The package for this user. */
export function pointsOf(user) {
  return new ResumePoints({ url: location.origin, token: () => session.token(), userId: user.id, device: deviceName() })
}

/** What other devices show: "Firefox on Android", for example. */
function deviceName() {
  const agent = navigator.userAgent
  const first = (names) => names.find(([, pattern]) => pattern.test(agent))?.[0]
  const browser = first([["Edge", /Edg/], ["Firefox", /Firefox|FxiOS/], ["Chrome", /Chrom|CriOS/], ["Safari", /Safari/]])
  const system = first([["Android", /Android/], ["iPhone", /iPhone/], ["iPad", /iPad/], ["Windows", /Windows/], ["Mac", /Macintosh/], ["Linux", /Linux/]])
  return [browser ?? "Browser", system].filter(Boolean).join(" on ")
}
