/** Live streams for tests. */

const encoder = new TextEncoder();

export class Streams {
  /** @type {{ send(type: string, data: any): void, end(): void, write(text: string): void, isOpen: boolean, at: number }[]} */
  all = [];
  #clock;

  /** @param {import("./clock.js").Clock} clock */
  constructor(clock) {
    this.#clock = clock;
  }

  get open() {
    return this.all.filter(({ isOpen }) => isOpen);
  }

  /** @param {AbortSignal | null | undefined} signal */
  respond(signal) {
    /** @type {any} */
    let controller;
    const body = new ReadableStream({ start: (given) => void (controller = given) });
    const stream = {
      at: this.#clock.wall,
      isOpen: true,
      write: (/** @type {string} */ text) => controller.enqueue(encoder.encode(text)),
      send: (/** @type {string} */ type, /** @type {any} */ data) => stream.write(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`),
      end: () => {
        stream.isOpen = false;
        controller.close();
      },
    };
    signal?.addEventListener("abort", () => {
      if (stream.isOpen) controller.error(new DOMException("", "AbortError"));
      stream.isOpen = false;
    });
    this.all.push(stream);
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  }
}
