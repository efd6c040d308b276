// Our own versions of parts of Swagger UI.

/** A plugin of Swagger UI. */
export function parts({ React }) {
  const create = React.createElement
  const nothing = () => () => null

  // The padlock says which routes need a token. It was a button for a second sign-in.
  const padlock = () => () =>
    create("span", { className: "padlock", role: "img", "aria-label": "needs a token", title: "Needs a token" })

  const introduction =
    () =>
    ({ specSelectors, getComponent }) => {
      const info = specSelectors.info()
      const Markdown = getComponent("Markdown", true)
      return create(
        "section",
        { className: "introduction", "aria-label": "Rules of all routes" },
        create(Markdown, { source: info.get("description") }),
        create("p", { className: "quiet small" }, `Version ${info.get("version")} · `, create("a", { href: "/openapi.json" }, "openapi.json")),
      )
    }

  return {
    wrapComponents: {
      authorizeBtn: nothing,
      authorizeOperationBtn: padlock,
      SchemesContainer: nothing,
      InfoContainer: introduction,
    },
  }
}
