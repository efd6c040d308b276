// Small functions that make DOM nodes. Text is always set as text, never as HTML.

/**
 * Make an element. `props` are properties (`className`, `hidden`), listeners (`onclick`) and
 * attributes: each name with a hyphen, and `role`. A property that is undefined is left out.
 * @param {string} tag
 * @param {Record<string, any>} [props]
 * @param {...(Node | string | null | undefined)} children null and undefined are left out
 * @returns {HTMLElement}
 */
export function element(tag, props = {}, ...children) {
  const node = document.createElement(tag)
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined) continue
    if (name.includes("-") || name === "role") node.setAttribute(name, value)
    else node[name] = value
  }
  node.append(...children.filter((child) => child != null))
  return node
}

/**
 * An error message, which screen readers read out at once. With `retry`, it has a button.
 * @param {Error} error
 * @param {() => void} [retry]
 */
export function problem(error, retry) {
  const button = retry && element("button", { className: "button", type: "button", onclick: retry }, "Try again")
  return element("div", { className: "problem", role: "alert" }, element("p", {}, error.message), button)
}

/** Grey bars in the place of content that is being loaded. Screen readers read `label`. */
export function skeleton(label, bars = 3) {
  const lines = Array.from({ length: bars }, () => element("div", { className: "skeleton__bar" }))
  const text = element("span", { className: "visually-hidden" }, label)
  return element("div", { className: "card skeleton", role: "status" }, text, ...lines)
}

/** Move the focus to `target`, if it is in a `node` that is about to disappear. */
export function keepFocus(node, target) {
  if (node.contains(document.activeElement)) target.focus()
}

/**
 * A sentence in the place of content that does not exist, with at most one action.
 * @param {string} title
 * @param {string} text
 * @param {Node} [action]
 */
export function emptyState(title, text, action) {
  return element(
    "div",
    { className: "card empty" },
    element("p", { className: "empty__title" }, title),
    element("p", { className: "quiet" }, text),
    action,
  )
}
