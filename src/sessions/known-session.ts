/** The session that a request has read, for the parts of the request that ask again. */
import type { Result } from "../core/result.ts";
import type { SessionRecord } from "../core/sessions.ts";
import type { EpochMs, Millis } from "../core/time.ts";

/** A session that a request has read is used for this long without another read. */
const REUSE_MS: Millis = 100;
/** Together with `REUSE_MS`, a session is used for at most 1 s after its read began. */
const MAX_AGE_MS: Millis = 900;

/** The session that was read for a request, and the id that it was read for. */
export interface KnownSession {
  readonly id: string;
  /** The instant at which it was read. Infinity: it has ended in this request. */
  readonly readAt: EpochMs;
  /** The instant at which the read ended. Undefined while it runs. */
  endedAt: EpochMs | undefined;
  readonly found: Promise<Result<SessionRecord | undefined>>;
}

/**
 * Whether a session that was read may be used again. If the body of the request comes slowly, the session may
 * have been revoked meanwhile.
 */
export function isRecent({ readAt, endedAt = Infinity }: KnownSession, now: EpochMs): boolean {
  if (readAt === Infinity || endedAt === Infinity) return true;
  return Math.abs(now - endedAt) < REUSE_MS && Math.abs(now - readAt) < MAX_AGE_MS;
}

/** The session of the cookie that a request gives its client. */
export interface OwnSession {
  readonly user: string;
  readonly hash: string;
}
