// Requests with the token of the signed-in user.

import { ApiError, send } from "./request.js"
import { session } from "./session.js"

const REFUSED = 401

/**
 * Send JSON as the signed-in user.
 * @param {string} path
 * @param {{method?: string, body?: unknown, signal?: AbortSignal}} [options]
 * @returns {Promise<any>} the JSON of the response, or null if it has no body
 * @throws {ApiError}
 */
export function api(path, options = {}) {
  return authorized((token) => send(path, { ...options, token }))
}

/**
 * Make a request with the token of the signed-in user. A refused token is renewed once, and the request
 * is made again. If that fails, the sign-in ends.
 * @template T
 * @param {(token: string) => Promise<T>} request rejects with an ApiError of status 401 if the service refuses the token
 * @returns {Promise<T>}
 * @throws {ApiError} also if no user is signed in: no request is made then
 */
export async function authorized(request) {
  const userId = session.user?.id
  const token = await session.token()
  if (!token) throw new ApiError(REFUSED, "Sign in first.")
  try {
    return await request(token)
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== REFUSED) throw error
    // Another request may have renewed the token already.
    if ((await session.token()) === token) await session.renew()
    const renewed = await session.token()
    // The next user of this page must not repeat a request of the one before.
    if (!renewed || session.user?.id !== userId) throw error
    return request(renewed)
  }
}
