// Who is signed in. The tokens stay in sessionStorage: they outlive a reload and the way to another
// page, but not the tab. The access token is stored too. Otherwise each page would use up a refresh
// token, and a page that is left during this request would lose the new one.

import { ApiError, send } from "./request.js"

const KEY = "sign-in"
const RENEW_BEFORE_MS = 30_000
const ENDED = "Your sign-in has ended. Sign in again."
const REFUSED = "The service refuses this token. It may have expired."

/** Fires `change` after a sign-in, a sign-out, and the end of a sign-in. */
class Session extends EventTarget {
  #kept = restored()
  #renewal = null

  /** Why the last sign-in ended, as a sentence for the user, or null. */
  reason = null

  /** The signed-in user `{id, name, email, role}`, or null. */
  get user() {
    return this.#kept?.user ?? null
  }

  /**
   * A valid access token, or null if no user is signed in.
   * @throws {ApiError} The token must be renewed and the service can't be reached.
   */
  async token() {
    const kept = this.#kept
    if (kept?.refreshToken && Date.now() > kept.expiresAt - RENEW_BEFORE_MS) await this.renew()
    return this.#kept?.token ?? null
  }

  /** Get a new access token now. If this is refused, the sign-in ends. @throws {ApiError} */
  async renew() {
    this.#renewal ??= this.#renew().finally(() => (this.#renewal = null))
    await this.#renewal
  }

  async #renew() {
    const before = this.#kept
    if (!before) return // signed out since the request
    if (!before.refreshToken) return this.end(REFUSED)
    try {
      const pair = await send("/v1/auth/refresh", { method: "POST", body: { refresh_token: before.refreshToken } })
      if (this.#kept === before) this.#keep(fromPair(pair, before.user.email))
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error
      if (this.#kept === before) this.end(ENDED)
    }
  }

  /** @throws {ApiError} 401 if the address or the password is wrong. */
  async signIn(email, password) {
    const pair = await send("/v1/auth/login", { method: "POST", body: { email, password } })
    this.#keep(fromPair(pair, email))
    this.#changed(null)
  }

  /** Use a pasted access token. @throws {Error} The text is no token. */
  useToken(text) {
    const token = text.trim().replace(/^bearer\s+/i, "")
    const user = userOf(token)
    if (!user) throw new Error("This is not an access token. Copy the whole token, without quotes.")
    this.#keep({ token, user })
    this.#changed(null)
  }

  /** End the sign-in here and at the service. */
  signOut() {
    const refreshToken = this.#kept?.refreshToken
    this.end(null)
    if (!refreshToken) return
    const body = { refresh_token: refreshToken }
    send("/v1/auth/logout", { method: "POST", body, keepalive: true }).catch(() => {}) // it expires by itself
  }

  /** Forget the tokens, because the service refuses them. `reason` is a sentence for the user. */
  end(reason) {
    this.#keep(null)
    this.#changed(reason)
  }

  #keep(kept) {
    this.#kept = kept
    if (kept) sessionStorage.setItem(KEY, JSON.stringify(kept))
    else sessionStorage.removeItem(KEY)
  }

  #changed(reason) {
    this.reason = reason
    this.dispatchEvent(new Event("change"))
  }
}

function restored() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY))
  } catch {
    return null
  }
}

function fromPair(pair, email) {
  return {
    token: pair.access_token,
    refreshToken: pair.refresh_token,
    expiresAt: Date.now() + pair.expires_in * 1000,
    user: userOf(pair.access_token, email),
  }
}

/** The user that a token names. It is only shown: the service checks the signature. */
function userOf(token, email = null) {
  try {
    const [, payload] = token.split(".")
    const bytes = Uint8Array.from(atob(payload.replace(/-/g, "+").replace(/_/g, "/")), (each) => each.charCodeAt(0))
    const claims = JSON.parse(new TextDecoder().decode(bytes))
    const address = email ?? claims.email ?? null
    return { id: claims.sub, name: address ?? claims.name ?? claims.sub, email: address, role: claims.role ?? null }
  } catch {
    return null
  }
}

export const session = new Session()
