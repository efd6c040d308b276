// Short messages below the player, each with what the viewer can do about it.

import { element } from "/site/site.js"

export class Notices {
  node = element("div", { className: "notices" })
  #announce
  #neighbour

  /**
   * @param {(text: string) => void} announce reads a text out to users of screen readers
   * @param {HTMLElement} neighbour gets the focus when the focused message closes
   */
  constructor(announce, neighbour) {
    this.#announce = announce
    this.#neighbour = neighbour
  }

  /**
   * Show a message. It replaces an earlier one with the same `name`. Each action closes it.
   * @param {string} name
   * @param {string} text
   * @param {Array<[string, () => void]>} [actions] label and function
   */
  show(name, text, actions = []) {
    const buttons = actions.map(([label, act]) => {
      const onclick = () => {
        this.hide(name)
        act()
      }
      return element("button", { className: "button", type: "button", onclick }, label)
    })
    const close = element("button", { className: "notice__close", type: "button", "aria-label": `Close: ${text}`, onclick: () => this.hide(name) }, "×")
    const row = buttons.length ? element("div", { className: "notice__actions" }, ...buttons) : null
    const node = element("div", { className: "notice" }, element("p", {}, text), close, row)
    node.dataset.name = name
    this.#find(name)?.remove()
    this.node.append(node)
    this.#announce([text, ...actions.map(([label]) => label)].join(" "))
  }

  hide(name) {
    const node = this.#find(name)
    if (node?.contains(document.activeElement)) this.#neighbour.focus()
    node?.remove()
  }

  #find(name) {
    return [...this.node.children].find((each) => each.dataset.name === name)
  }
}
