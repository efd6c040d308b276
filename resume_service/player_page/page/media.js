// The bytes of a video. A stream needs the token in a header, which a <video> can't send. So the page
// loads the whole video first, and plays it from memory.

import { ApiError, session } from "/site/site.js"

const LARGEST_BYTES = 256 * 1024 * 1024
const TOO_LARGE = "This video is too large for this page, which loads a video before it plays."

/**
 * Load a video. The caller revokes the URL.
 * @param {number} videoId
 * @param {{signal: AbortSignal, onProgress: (share: number) => void}} options `share` is 0 to 1
 * @returns {Promise<string>} a URL for <video>
 * @throws {ApiError}
 */
export async function loadMedia(videoId, { signal, onProgress }) {
  let response = await request(videoId, signal)
  if (response.status === 401) {
    await session.renew()
    response = await request(videoId, signal)
  }
  if (!response.ok) throw await errorOf(response)
  const parts = await readAll(response, onProgress)
  return URL.createObjectURL(new Blob(parts, { type: response.headers.get("Content-Type") ?? "" }))
}

async function request(videoId, signal) {
  const headers = { Authorization: `Bearer ${await session.token()}` }
  try {
    return await fetch(`/v1/videos/stream/${videoId}`, { headers, signal })
  } catch (fault) {
    throw unreachable(fault, signal)
  }
}

async function readAll(response, onProgress) {
  const total = Number(response.headers.get("Content-Length")) || Infinity
  const parts = []
  let size = 0
  try {
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
  } catch (fault) {
    throw fault instanceof ApiError ? fault : unreachable(fault)
  }
}

function unreachable(fault, signal) {
  if (signal?.aborted || fault.name === "AbortError") return fault
  return new ApiError(0, "The video can’t be loaded. Check your connection and try again.")
}

async function errorOf(response) {
  const body = await response.json().catch(() => null)
  const messages = { 403: "This video is not available to you.", 404: "This video does not exist any more." }
  return new ApiError(response.status, messages[response.status] ?? body?.error ?? "The video can’t be loaded.")
}
