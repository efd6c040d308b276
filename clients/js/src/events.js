/** Events with types: the map of an emitter names the detail of each event. There is no code at run time. */

/**
 * @template {Record<string, any>} Details
 * @typedef {object} Typed
 * @property {<K extends keyof Details & string>(type: K, listener: (event: CustomEvent<Details[K]>) => void, options?: boolean | AddEventListenerOptions) => void} addEventListener
 * @property {<K extends keyof Details & string>(type: K, listener: (event: CustomEvent<Details[K]>) => void, options?: boolean | EventListenerOptions) => void} removeEventListener
 * @property {(event: Event) => boolean} dispatchEvent
 */

export const TypedEventTarget = /** @type {new <D extends Record<string, any>>() => Typed<D>} */ (EventTarget);
