// One request to the service. Failures have messages that a page can show.

const TIMEOUT_MS = 15_000

/** A request failed. `status` is 0 if there was no response. `retryAfter` is in seconds, or null. */
export class ApiError extends Error {
  constructor(status, message, details = {}, retryAfter = null) {
    super(message)
    Object.assign(this, { name: "ApiError", status, details, retryAfter })
  }
}

/**
 * Send JSON and return the JSON of the response, or null if it has no body.
 * @param {string} path
 * @param {{method?: string, body?: unknown, token?: string | null, signal?: AbortSignal, keepalive?: boolean}} [options]
 * @throws {ApiError}
 */
export async function send(path, { method = "GET", body, token, signal, keepalive } = {}) {
  const headers = { Accept: "application/json" }
  if (token) headers.Authorization = `Bearer ${token}`
  if (body !== undefined) headers["Content-Type"] = "application/json"
  const timeout = AbortSignal.timeout(TIMEOUT_MS)
  let response
  let text
  try {
    response = await fetch(path, {
      method,
      headers,
      keepalive,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    })
    text = await response.text()
  } catch (fault) {
    if (signal?.aborted) throw fault
    throw new ApiError(0, "The service can't be reached. Check your connection and try again.")
  }
  const content = parsed(text)
  if (!response.ok) throw errorOf(response, content)
  return content
}

function parsed(text) {
  try {
    return text ? JSON.parse(text) : null
  } catch {
    return null // a proxy's page, for example
  }
}

function errorOf(response, content) {
  const seconds = Number(response.headers.get("Retry-After")) || null
  const again = seconds ? `Try again in ${seconds} s.` : "Try again in a moment."
  const messages = {
    429: `Too many requests. ${again}`,
    503: `The service is not available at the moment. ${again}`,
  }
  const message = messages[response.status] ?? content?.error ?? `The service answered ${response.status}.`
  return new ApiError(response.status, message, content?.details, seconds)
}
