/** The port to the store of sessions, and the record of a session. */
import type { Context } from "./context.ts";
import type { Fault } from "./faults.ts";
import type { Result } from "./result.ts";
import type { EpochMs } from "./time.ts";

/**
 * The SHA-256 of a session id as 64 hexadecimal digits. The store knows only the hash, so that its content
 * opens no session.
 */
export type SessionHash = string;

/** One session as the store keeps it. Instants are by the clock of the store. */
export interface SessionRecord {
  readonly hash: SessionHash;
  /** The user who signed in. */
  readonly user: string;
  readonly createdAt: EpochMs;
  /** The instant at which the session ends, however often it is used. */
  readonly endsAt: EpochMs;
}

/** A session in the list of a user. */
export interface ListedSession extends SessionRecord {
  readonly lastUsedAt: EpochMs;
}

/**
 * The store of sessions. Each operation seems to happen as a whole, at one instant, to those who see its answer. An
 * operation that returns a fault may have happened, or a part of it.
 */
export interface SessionStore {
  /**
   * Creates a session, and ends the session `replaced` in the same step. A user with too many
   * sessions loses the oldest. Returns undefined if all sessions of the user have been revoked since
   * `lastRevocation` returned `revocation`.
   */
  create(
    session: NewSession,
    ctx: Context,
  ): Promise<Result<Pick<SessionRecord, "createdAt" | "endsAt"> | undefined>>;
  /** Returns the name of the last revocation of all sessions of the user; empty if there was none in the last hour. */
  lastRevocation(user: string, ctx: Context): Promise<Result<string>>;
  /** Returns a session, and begins its idle time anew. Returns undefined if there is none. */
  read(hash: SessionHash, ctx: Context): Promise<Result<SessionRecord | undefined>>;
  /** Gives a session another hash. Returns false if the session has ended. */
  rotate(from: SessionRecord, to: SessionHash, ctx: Context): Promise<Result<boolean>>;
  /** Returns the sessions of a user, the oldest first. It does not begin their idle time anew. */
  list(user: string, ctx: Context): Promise<Result<readonly ListedSession[]>>;
  /** Ends one session of a user. Returns false if the user has no such session. */
  revoke(user: string, hash: SessionHash, ctx: Context): Promise<Result<boolean>>;
  /** Ends all sessions of a user. Returns their number. */
  revokeAll(user: string, ctx: Context): Promise<Result<number>>;
}

/** The argument of `SessionStore.create`. */
export interface NewSession {
  readonly hash: SessionHash;
  readonly user: string;
  /** The session that the new one replaces. */
  readonly replaced?: SessionHash | undefined;
  /** The last revocation when the sign-in began. Undefined: the session is created in any case. */
  readonly revocation?: string | undefined;
}

/** The form of a user's name. Keys of the store and accounts of the rate limiter contain it. */
export const USER_PATTERN = /^[\w.@~-]{1,128}$/;
/** The form of a hash. */
export const HASH_PATTERN = /^[0-9a-f]{64}$/;

const RECORD = /^([0-9a-f]{64}) (\d{1,16}) (\d{1,16}) ([\w.@~-]{1,128})$/;

/**
 * Reads a stored session. Returns undefined if the text is not the session of this hash. A faulty
 * connection can give a caller the answer to another call; the hash in the text shows it.
 */
export function readSessionRecord(hash: SessionHash, text: unknown): SessionRecord | undefined {
  const match = typeof text === "string" ? RECORD.exec(text) : null;
  if (match === null) return undefined;
  const [, own, createdAt, endsAt, user = ""] = match;
  if (own !== hash) return undefined;
  return { hash, user, createdAt: Number(createdAt), endsAt: Number(endsAt) };
}

/**
 * Thrown by sessions if their store does not answer, or not usably. It does not say whether there is a
 * session: answer 503, and do not treat the client as signed out. A change may have been made or not.
 *
 * @example
 * app.onError((error, c) =>
 *   error instanceof SessionsUnavailable ? c.text("try again", 503, { "Retry-After": "1" }) : c.text("error", 500),
 * );
 */
export class SessionsUnavailable extends Error {
  /** The failure of the store. */
  readonly fault: Fault;
  constructor(cause: Fault) {
    super(`${cause.code}: ${cause.message}`);
    this.name = "SessionsUnavailable";
    this.fault = cause;
  }
}
