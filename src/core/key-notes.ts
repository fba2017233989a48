/** Notes of one isolate on the last reads of a key that no tier answered. */
import type { FaultCode } from "./faults.ts";
import type { Policy } from "./policy.ts";
import type { EpochMs } from "./time.ts";

/**
 * Why the result of a load was not stored.
 *
 * - `no-store`, `private`, `varies`, `no-cache`, `silent`, `status`, `cookie`, `authorization`,
 *   `request`, `tags`: the response or its request forbids it, or nothing gives it a lifetime
 * - `unkeyed`: the handler read a part of the request that the key does not name
 * - `unstable`: the key function gave two keys for one request
 * - `loader`: the loader called `noStore`
 * - `unreachable`, `unconfirmed`: it was made of a value that was marked so
 * - `negative`: the policy's `negativeFor` is 0
 * - `body`: the body is too long, or cannot be stored
 * - `other`: none of these
 */
export type UnstoredReason =
  | "no-store"
  | "private"
  | "varies"
  | "no-cache"
  | "silent"
  | "status"
  | "cookie"
  | "authorization"
  | "request"
  | "tags"
  | "unkeyed"
  | "unstable"
  | "loader"
  | "unreachable"
  | "unconfirmed"
  | "negative"
  | "body"
  | "other";

/** The invalidation that made an entry invalid or stale. */
export interface Invalidation {
  /** The invalidation key, such as `t:products`. */
  readonly invalidationKey: string;
  /** Its instant by Redis' clock. Undefined while the log has given no number. */
  readonly at: EpochMs | undefined;
}

/** One thing that happened to a key in this isolate, away from the path of a hit. */
export type KeyNote = { readonly at: EpochMs } & (
  | { readonly type: "answered"; readonly status: "miss" | "joined" | "bypass" | "stale-on-error" }
  | {
      readonly type: "rejected";
      readonly tier: string;
      /** A `reason` of the event `entry.reject`. */
      readonly reason: string;
      readonly by: Invalidation | undefined;
    }
  | {
      readonly type: "stored";
      readonly freshUntil: EpochMs;
      readonly negative: boolean;
      readonly policy: Policy;
    }
  | {
      readonly type: "unstored";
      readonly why: UnstoredReason;
      /** The part of the request that the handler read, for `unkeyed`. */
      readonly part: string | undefined;
      readonly policy: Policy;
    }
  | { readonly type: "failed"; readonly fault: FaultCode; readonly policy: Policy }
  | {
      /** The entry was loaded and not sent to Redis. */
      readonly type: "unshared";
      readonly reason: "invalidated" | "unreachable";
    }
);

/** The requests for one path that a rate limit has refused. */
export interface Refusals {
  /** The number of refused requests. */
  readonly count: number;
  /** The instant of the last refusal, in milliseconds since the epoch. */
  readonly at: EpochMs;
}

/** Reads what one isolate remembers. Without telemetry it remembers nothing. */
export interface KeyNotes {
  /** Returns the notes of a key, the oldest first. */
  of(key: string): readonly KeyNote[];
  /** Returns the refusals of a path with its query. */
  refusalsOf(path: string): Refusals | undefined;
}
