// The bytes of a video. A stream needs the token in a header, which a <video> can't send. So the page
// loads the whole video first, and plays it from memory.

import { ApiError, authorized } from "/site/site.js"

const LARGEST_BYTES = 256 * 1024 * 1024
const LONGEST_SILENCE_MS = 15_000
const TOO_LARGE = "This video is too large for this page, which loads a video before it plays."

/**
 * Load a video. The caller revokes the URL.
 * @param {number} videoId
 * @param {{signal: AbortSignal, onProgress: (share: number) => void}} options `share` is 0 to 1
 * @returns {Promise<string>} a URL for <video>
 * @throws {ApiError} also if no byte comes for 15 s
 */
export async function loadMedia(videoId, { signal, onProgress }) {
  const silence = new Silence()
  try {
    const response = await authorized((token) => request(videoId, token, AbortSignal.any([signal, silence.signal])))
    const parts = await readAll(response, (share) => {
      silence.restart()
      onProgress(share)
    })
    return URL.createObjectURL(new Blob(parts, { type: response.headers.get("Content-Type") ?? "" }))
  } catch (fault) {
    if (fault instanceof ApiError || signal.aborted) throw fault
    throw new ApiError(0, "The video can’t be loaded. Check your connection and try again.")
  } finally {
    silence.stop()
  }
}

/** Its `signal` aborts if there is no `restart` for LONGEST_SILENCE_MS. */
class Silence {
  #end = new AbortController()
  #timer = 0

  constructor() {
    this.restart()
  }

  get signal() {
    return this.#end.signal
  }

  restart() {
    this.stop()
    this.#timer = setTimeout(() => this.#end.abort(), LONGEST_SILENCE_MS)
  }

  stop() {
    clearTimeout(this.#timer)
  }
}

async function request(videoId, token, signal) {
  const response = await fetch(`/v1/videos/stream/${videoId}`, { headers: { Authorization: `Bearer ${token}` }, signal })
  if (!response.ok) throw await errorOf(response)
  return response
}

async function readAll(response, onProgress) {
  const total = Number(response.headers.get("Content-Length")) || Infinity
  const parts = []
  let size = 0
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read()
    if (done) return parts
    parts.push(value)
    size += value.byteLength
    if (size > LARGEST_BYTES || (total > LARGEST_BYTES && total < Infinity)) {
      reader.cancel()
      throw new ApiError(0, TOO_LARGE)
    }
    onProgress(size / total)
  }
}

async function errorOf(response) {
  const body = await response.json().catch(() => null)
  const messages = { 403: "This video is not available to you.", 404: "This video does not exist any more." }
  return new ApiError(response.status, messages[response.status] ?? body?.error ?? "The video can’t be loaded.")
}
