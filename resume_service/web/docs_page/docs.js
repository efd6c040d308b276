// Swagger UI with the sign-in of the site. Its own sign-in, its bar, and its box for the address of
// another document are left out.

import { mountHeader, mountSignIn, problem, session, skeleton } from "/site/site.js"
import { parts } from "./parts.js"

const reference = document.getElementById("reference")
const dialog = document.getElementById("sign-in-dialog")

/** Add the token of the signed-in user to the requests of "Try it out". */
async function addToken(request) {
  const isOurs = new URL(request.url, location.href).origin === location.origin
  const token = request.loadSpec || !isOurs ? null : await session.token()
  if (token) request.headers.Authorization ??= `Bearer ${token}`
  return request
}

/** The dialog opens if a sign-in ends by itself, because the reason is in it. */
function showOrCloseSignIn() {
  if (!session.reason) dialog.close()
  else if (!dialog.open) dialog.showModal()
}

function showApi() {
  reference.append(skeleton("Loading the API", 8))
  window.SwaggerUIBundle({
    url: "/openapi.json",
    domNode: reference,
    layout: "Site",
    deepLinking: true,
    docExpansion: "none",
    defaultModelsExpandDepth: -1,
    displayRequestDuration: true,
    validatorUrl: null,
    syntaxHighlight: false, // its colours are for a dark background only
    requestInterceptor: addToken,
    plugins: [parts],
  })
}

mountHeader({ page: "docs", signIn: () => dialog.showModal() })
session.addEventListener("change", showOrCloseSignIn) // before the sign-in moves the focus
mountSignIn(document.getElementById("sign-in"))
if (window.SwaggerUIBundle) showApi()
else reference.append(problem(new Error("The API can’t be shown, because a file is missing. Check your connection and try again."), () => location.reload()))
