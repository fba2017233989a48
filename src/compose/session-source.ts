/** The store that an application chooses for its sessions. */
import type { SessionStore } from "../core/sessions.ts";
import type { Millis } from "../core/time.ts";
import type { SharedParts } from "../data/shared.ts";

/** How long sessions last, and how many a user has. */
export interface SessionLifetimes {
  /** The time without a use after which a session ends. */
  readonly idleMs: Millis;
  /** The time after which a session ends, however often it is used. */
  readonly absoluteMs: Millis;
  readonly maxPerUser: number;
}

/** A store of sessions. `durableSessions()` of the entry `strata/durable` makes one. */
export interface SessionSource {
  /** Opens the store. */
  open(parts: SharedParts, lifetimes: SessionLifetimes): SessionStore;
}
