// Our own versions of parts of Swagger UI. Its own ones put buttons into buttons, a second `main`
// into the page, and headings in the wrong order.

const CONVENTIONS = "## Conventions"
const TRYING = "“Try it out” sends real requests. They change the data of the user who is signed in on this page."

/** A plugin of Swagger UI: the layout "Site" and the parts in it. */
export function parts({ React }) {
  const create = React.createElement
  const replaceBy = (part) => () => part

  function Site({ getComponent }) {
    const [Introduction, Errors, Operations] = ["Introduction", "errors", "operations"].map((name) => getComponent(name, true))
    return create("div", { className: "swagger-ui" }, create(Introduction), create(Errors), create(Operations))
  }

  function Introduction({ specSelectors, getComponent }) {
    const info = specSelectors.info()
    if (!info.get("version")) return null
    const link = create("a", { href: "/openapi.json" }, "openapi.json")
    const Markdown = getComponent("Markdown", true)
    const [start, conventions] = info.get("description").split(CONVENTIONS)
    return create(
      "section",
      { className: "introduction", "aria-label": "Introduction" },
      create(Markdown, { source: start }),
      create("p", {}, TRYING),
      conventions && create("details", {}, create("summary", {}, "Conventions"), create(Markdown, { source: conventions })),
      create("p", { className: "quiet small" }, `Version ${info.get("version")} · `, link),
    )
  }

  function Group({ tagObj, tag, children, layoutSelectors, layoutActions, getComponent }) {
    const key = ["operations-tag", tag]
    const isOpen = layoutSelectors.isShown(key, false)
    const text = tagObj.getIn(["tagDetails", "description"])
    const button = create(
      "button",
      { className: "group__button", type: "button", "aria-expanded": isOpen, onClick: () => layoutActions.show(key, !isOpen) },
      tag,
    )
    return create(
      "section",
      { className: "group", ref: (node) => node && layoutActions.readyToScroll(key, node) }, // for #/Group
      create(
        "div",
        { className: "group__head" },
        create("h2", { id: key.join("-").replace(/\s/g, "_"), className: "group__name", "data-tag": tag, "data-is-open": isOpen }, button),
        text && create("div", { className: "group__text" }, create(getComponent("Markdown", true), { source: text })),
      ),
      isOpen && children,
    )
  }

  function RouteHead({ isShown, toggleShown, operationProps }) {
    const { path, op, summary, security, ...rest } = operationProps.toObject()
    const method = rest.method.toUpperCase()
    const isClosed = security?.some((each) => each.size > 0)
    const text = op.get("summary") ?? summary
    // The path has places for line breaks, which some screen readers read as spaces.
    const name = `${method} ${path}: ${text}${isClosed ? " Needs a token." : ""}`
    return create(
      "h3",
      { className: "opblock-summary route__head" },
      create(
        "button",
        { className: "route__button", type: "button", "aria-expanded": isShown, "aria-label": name, onClick: toggleShown },
        create("span", { className: "opblock-summary-method route__method" }, method),
        create("span", { className: "opblock-summary-path route__path" }, ...breakable(path)),
        create("span", { className: "route__text" }, text),
        isClosed && create("span", { className: "padlock route__lock", title: "Needs a token" }),
      ),
    )
  }

  /** The path, with a place to break the line before each "/". */
  function breakable(path) {
    return path.split(/(?=\/)/).flatMap((part, index) => (index ? [create("wbr", { key: index }), part] : [part]))
  }

  // Each table of responses is a landmark without a name.
  const removeRole = (node) => node?.querySelector("[role=region]")?.removeAttribute("role")
  const withoutRole = (Original) => (props) => create("div", { ref: removeRole }, create(Original, props))

  // The field of a parameter has its name only as a placeholder, a list of choices not even that.
  const addLabel = (node, name) => name && node?.querySelector("input, select")?.setAttribute("aria-label", name)
  const named = (Original) => (props) =>
    create("div", { ref: (node) => addLabel(node, props.description) }, create(Original, props))
  const labelled = (Original) => (props) => create(Original, { "aria-label": "Request body", ...props })

  return {
    components: { Site, Introduction },
    wrapComponents: {
      OperationTag: replaceBy(Group),
      OperationSummary: replaceBy(RouteHead),
      TextArea: labelled,
      JsonSchemaForm: named,
      responses: withoutRole,
    },
  }
}
