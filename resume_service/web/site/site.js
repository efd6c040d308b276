// What every page of the service uses: the header, the sign-in, and requests to the API.

export { api, authorized } from "./api.js"
export { element, emptyState, keepFocus, problem, skeleton } from "./element.js"
export { installation, mountHeader } from "./header.js"
export { missingTitles, titlesOf } from "./prerequisites.js"
export { ApiError } from "./request.js"
export { session } from "./session.js"
export { focusHeading, mountSignIn } from "./sign-in.js"
export { clock, left } from "./times.js"
