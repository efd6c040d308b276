// The header of every page: the service, its pages, the user.

import { element } from "./element.js"
import { send } from "./request.js"
import { session } from "./session.js"

/** The pages and ways to sign in that this installation has. `pages` is empty if they can't be read. */
export const installation = send("/site/pages.json").catch(() => ({ pages: [], password: true })) // most have passwords

/**
 * Fill `<header data-site-header>`.
 * @param {{page: string, signIn?: () => void}} options `page` is the path of this page, without "/".
 *   `signIn` opens the sign-in of a page that shows it on request; the header then has a button.
 */
export function mountHeader({ page, signIn }) {
  const header = document.querySelector("[data-site-header]")
  const links = element("ul", { className: "site-nav__list" })
  const account = element("div", { className: "site-account" })
  const logo = element("img", { src: "/site/icon.svg", alt: "", width: 28, height: 28 })
  header.classList.add("site-header")
  header.append(
    element("a", { className: "skip-link", href: "#content" }, "Skip to the content"),
    element(
      "div",
      { className: "site-header__bar" },
      element("a", { className: "site-brand", href: "/" }, logo, "Resume points"),
      element("nav", { className: "site-nav", "aria-label": "Pages" }, links),
      account,
    ),
  )
  showAccount(account, signIn)
  session.addEventListener("change", () => showAccount(account, signIn))
  const [title] = document.title.split(" · ") // now: a page may change its title later
  const itself = { path: `/${page}`, title }
  installation.then(({ pages }) => links.append(...(pages.length ? pages : [itself]).map((each) => link(each, page))))
}

function link({ path, title }, page) {
  const current = path === `/${page}` ? "page" : undefined
  return element("li", {}, element("a", { href: path, "aria-current": current }, title))
}

function showAccount(account, signIn) {
  const { user } = session
  if (!user) {
    const button = signIn && element("button", { className: "button", type: "button", onclick: signIn }, "Sign in")
    account.replaceChildren(...(button ? [button] : []))
    return
  }
  const signOut = () => {
    session.signOut()
    if (document.activeElement === document.body) account.querySelector("button")?.focus()
  }
  const at = user.name.indexOf("@")
  const [name, host] = at > 0 ? [user.name.slice(0, at), user.name.slice(at)] : [user.name, ""]
  account.replaceChildren(
    element("span", { className: "site-account__name", title: user.name }, name, element("span", { className: "site-account__host" }, host)),
    element("button", { className: "button", type: "button", onclick: signOut }, "Sign out"),
  )
}
