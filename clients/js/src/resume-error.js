/** Why a route could not be called. `status` is 0 if there was no usable response. */
export class ResumeError extends Error {
  /** @param {{ status: number, body: any }} reply */
  constructor({ status, body }) {
    super(String(body?.error ?? (status ? `The service answered ${status}.` : "The service did not answer.")));
    this.name = "ResumeError";
    this.status = status;
    /** @type {Record<string, string[]> | undefined} for each invalid field, why */
    this.details = body?.details;
  }
}
