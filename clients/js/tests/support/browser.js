/** The browser around a page: its events, Web Locks and channels between tabs. */

import assert from "node:assert/strict";

/** Web Locks that all tabs share: only what the package uses. */
export class Locks {
  held = new Set();
  /** @type {{ name: string, start: () => void }[]} */
  waiting = [];

  /**
   * @param {string} name
   * @param {{ ifAvailable?: boolean, signal?: AbortSignal }} options
   * @param {(lock: object | null) => any} use
   */
  async request(name, { ifAvailable, signal }, use) {
    if (this.held.has(name)) {
      if (ifAvailable) return use(null);
      await new Promise((resolve, reject) => {
        const entry = { name, start: () => resolve(undefined) };
        this.waiting.push(entry);
        signal?.addEventListener("abort", () => {
          this.waiting = this.waiting.filter((other) => other !== entry);
          reject(new DOMException("", "AbortError"));
        });
      });
    }
    this.held.add(name);
    try {
      return await use({ name });
    } finally {
      this.held.delete(name);
      const next = this.waiting.find((entry) => entry.name === name);
      this.waiting = this.waiting.filter((entry) => entry !== next);
      next?.start();
    }
  }
}

/** @type {Set<Channel>} */
const channels = new Set();

class Channel {
  /** @type {((event: { data: any }) => void) | null} */
  onmessage = null;

  /** @param {string} name */
  constructor(name) {
    this.name = name;
    channels.add(this);
  }

  /** @param {any} data */
  postMessage(data) {
    assert.ok(channels.has(this), "the channel is closed");
    for (const other of channels) if (other !== this && other.name === this.name) queueMicrotask(() => other.onmessage?.({ data: structuredClone(data) }));
  }

  close() {
    channels.delete(this);
  }
}

/** @param {{ after(end: () => void): void }} test */
export function fakeBrowser(test) {
  const document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  const window = new EventTarget();
  const locks = new Locks();
  const before = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  const { BroadcastChannel } = globalThis;
  Object.defineProperty(globalThis, "navigator", { value: { locks }, configurable: true });
  Object.assign(globalThis, { document, window, BroadcastChannel: Channel });
  test.after(() => {
    channels.clear();
    Object.assign(globalThis, { document: undefined, window: undefined, BroadcastChannel });
    Object.defineProperty(globalThis, "navigator", before ?? { value: undefined, configurable: true });
  });
  return {
    locks,
    channels,
    hide: () => {
      document.visibilityState = "hidden";
      document.dispatchEvent(new Event("visibilitychange"));
    },
    show: () => {
      document.visibilityState = "visible";
      document.dispatchEvent(new Event("visibilitychange"));
    },
    freeze: () => document.dispatchEvent(new Event("freeze")),
    unload: () => window.dispatchEvent(new Event("beforeunload")),
    leave() {
      window.dispatchEvent(Object.assign(new Event("pagehide"), { persisted: true }));
      this.hide();
    },
    restore() {
      this.show();
      window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
    },
    online: () => window.dispatchEvent(new Event("online")),
  };
}
