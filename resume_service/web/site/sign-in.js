// The sign-in form: an address and a password, or a pasted token.

import { element } from "./element.js"
import { installation } from "./header.js"
import { session } from "./session.js"

/**
 * Put the sign-in form into `container`. It is hidden while a user is signed in. After a sign-in,
 * the focus moves to the heading of the page.
 * @param {HTMLElement} container
 */
export function mountSignIn(container) {
  const problem = element("p", { className: "problem", role: "alert", id: "sign-in-problem", hidden: true })
  const email = input("email", "sign-in-email", "username")
  const password = input("password", "sign-in-password", "current-password")
  const token = input("password", "sign-in-token", "off")
  const byPassword = form("Sign in", [field("Email address", email), field("Password", password)])
  const byToken = form("Use this token", [field("Access token", token)])
  const folded = element("details", {}, element("summary", {}, "Use an access token instead"), byToken)

  function show(message, ...wrong) {
    problem.textContent = message ?? ""
    problem.hidden = !message
    for (const each of [email, password, token]) {
      each.toggleAttribute("aria-invalid", false)
      each.removeAttribute("aria-describedby")
    }
    for (const each of wrong) {
      each.setAttribute("aria-invalid", "true")
      each.setAttribute("aria-describedby", problem.id)
    }
    wrong.at(-1)?.focus()
  }

  function finish() {
    byPassword.reset()
    byToken.reset()
    show(null)
    focusHeading()
  }

  byPassword.addEventListener("submit", async (event) => {
    event.preventDefault()
    if (byPassword.ariaBusy === "true") return
    setBusy(byPassword, true)
    try {
      await session.signIn(email.value, password.value)
      finish()
    } catch (error) {
      if (error.status === 401) show("The email address or the password is wrong.", email, password)
      else if (error.status === 404) show("This service has no passwords. Use an access token.")
      else show(error.message)
    } finally {
      setBusy(byPassword, false)
    }
  })
  byToken.addEventListener("submit", (event) => {
    event.preventDefault()
    try {
      session.useToken(token.value)
      finish()
    } catch (error) {
      show(error.message, token)
    }
  })
  session.addEventListener("change", () => {
    container.hidden = session.user !== null
    if (session.user) return
    show(session.reason)
    const first = byPassword.hidden || folded.open ? token : email
    first.focus() // a form in a closed dialog ignores this
  })
  installation.then((has) => {
    byPassword.hidden = !has.password
    folded.open ||= !has.password
  })
  container.classList.add("sign-in")
  container.append(problem, byPassword, folded)
  container.hidden = session.user !== null
}

/** Move the focus to the heading of the page, for example after its content was replaced. */
export function focusHeading() {
  const heading = document.querySelector("main h1")
  heading?.setAttribute("tabindex", "-1")
  heading?.focus()
}

function input(type, id, autocomplete) {
  return element("input", { className: "input", type, id, autocomplete, required: true, spellcheck: false })
}

function field(label, control) {
  return element("div", { className: "field" }, element("label", { htmlFor: control.id }, label), control)
}

function form(submit, fields) {
  const button = element("button", { className: "button button--primary", type: "submit" }, submit)
  return element("form", {}, ...fields, button)
}

// The button stays enabled, because a disabled button loses the focus.
function setBusy(node, isBusy) {
  const button = node.querySelector("button")
  node.ariaBusy = String(isBusy)
  button.textContent = isBusy ? "Signing in…" : "Sign in"
}
