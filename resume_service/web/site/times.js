// Times as people read them.

/** A position or a length: `1:05`, or `1:02:05` from an hour on. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds))
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60]
  const padded = String(whole % 60).padStart(2, "0")
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${padded}` : `${minutes}:${padded}`
}

/** What is left of a video, in minutes, or in seconds if it is less than a minute. A line does not break in it. */
export function left(seconds) {
  const text = seconds < 60 ? `${Math.max(1, Math.round(seconds))} s left` : `${Math.round(seconds / 60)} min left`
  return text.replaceAll(" ", "\u00a0")
}
