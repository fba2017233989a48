/** Lets further clients of a response read its body while it is still arriving. */
import type { Entry } from "../../core/entry.ts";
import type { EpochMs } from "../../core/time.ts";
import type { Selectors } from "../rfc/vary.ts";

/** A storable response whose body is still arriving. */
export interface Arrival {
  /** The entry that the response becomes, without its body. */
  readonly head: Entry;
  /** The request fields that select the response (RFC 9111, 4.1). */
  readonly selectors: Selectors;
  /** When its load began: the response was current then or later. */
  readonly since: EpochMs;
  /** Makes a stream of the whole body for one more client. Undefined if it is too late. */
  join(): ReadableStream<Uint8Array> | undefined;
}

export interface Listener {
  /** Resolves with the next response that arrives for the key, or with the one that is arriving now. */
  readonly arrival: Promise<Arrival>;
  stop(): void;
}

export interface Arrivals {
  /** Makes the response known to the listeners of its key until `ended` settles. */
  announce(key: string, arrival: Arrival, ended: Promise<unknown>): void;
  listen(key: string): Listener;
}

/** Creates the arrivals of one isolate. */
export function createArrivals(): Arrivals {
  const arriving = new Map<string, Arrival>();
  const listeners = new Map<string, Set<(arrival: Arrival) => void>>();

  return {
    announce(key, arrival, ended) {
      arriving.set(key, arrival);
      for (const listener of listeners.get(key) ?? []) listener(arrival);
      void ended.finally(() => {
        if (arriving.get(key) === arrival) arriving.delete(key);
      });
    },

    listen(key) {
      const { promise, resolve } = Promise.withResolvers<Arrival>();
      const present = arriving.get(key);
      if (present !== undefined) {
        resolve(present);
        return { arrival: promise, stop: () => undefined };
      }
      const waiting = listeners.get(key) ?? new Set();
      waiting.add(resolve);
      listeners.set(key, waiting);
      return {
        arrival: promise,
        stop() {
          waiting.delete(resolve);
          if (waiting.size === 0 && listeners.get(key) === waiting) listeners.delete(key);
        },
      };
    },
  };
}
