/** What the clients of a simulation have learned of sessions, and the rules that a read must not break. */

/** A revoked session is not seen later than this after the answer to its revocation. */
const REVOCATION_MS = 1_000;
/** The longest way of a request in the simulation, and the difference of the clocks. */
const SLACK_MS = 4_000;

export interface Lifetimes {
  readonly idleMs: number;
  readonly absoluteMs: number;
  readonly maxPerUser: number;
}

interface Issued {
  readonly user: string;
  readonly signedInAt: number;
  /** The sending of the request that made the id, and its answer. */
  readonly sentAt: number;
  readonly at: number;
  /** The last request with the id, whether or not Redis got it. */
  lastUsedAt: number;
  /** The last request with the id that found the session. */
  lastFoundAt: number;
  revoked: { readonly sentAt: number; readonly at: number } | undefined;
}

interface RevokedAll {
  readonly user: string;
  readonly sentAt: number;
  readonly at: number;
}

/** A request that may end sessions of a user: `Infinity` while it runs. */
interface Disturbance {
  readonly user: string;
  until: number;
}

export interface SessionHistory {
  readonly violations: string[];
  /** The number of reads that found a session. */
  readonly found: () => number;
  issued(id: string, user: string, sentAt: number, at: number): void;
  /** A request with the id was sent, or has ended. */
  used(id: string, at: number): void;
  /** A sign-in of the user is sent. */
  starts(user: string, sentAt: number): void;
  /** A request that may end sessions of the user is sent. Returns the function to call when it has ended. */
  disturbs(user: string): (at: number) => void;
  userOf(id: string): string | undefined;
  rotated(from: string, to: string, sentAt: number, at: number): void;
  revoked(id: string, sentAt: number, at: number): void;
  revokedHash(hash: string, sentAt: number, at: number): void;
  revokedAll(user: string, sentAt: number, at: number): void;
  failedOver(at: number, lagMs: number): void;
  /** A sign-in that began at `begunAt` succeeded, and its session was asked for at `sentAt`. */
  signedIn(user: string, begunAt: number, sentAt: number): void;
  /** A read has ended. `user` is the user of the session that it found. */
  read(id: string, user: string | undefined, sentAt: number, at: number): void;
  /** Whether a read of the id must find a session if nothing fails. */
  mustBeFound(id: string, at: number): boolean;
}

export function createSessionHistory(
  lifetimes: Lifetimes,
  hashOf: (id: string) => string,
): SessionHistory {
  const { idleMs, absoluteMs, maxPerUser } = lifetimes;
  const ids = new Map<string, Issued>();
  const all: RevokedAll[] = [];
  const starts: { readonly user: string; readonly sentAt: number }[] = [];
  const disturbances: Disturbance[] = [];
  const violations: string[] = [];
  let failedOverAt = Number.NEGATIVE_INFINITY;
  let found = 0;

  function revoke(id: string, sentAt: number, at: number): void {
    // A fail-over may have lost what a request did that was under way.
    if (sentAt <= failedOverAt) return;
    const known = ids.get(id);
    if (known !== undefined) known.revoked ??= { sentAt, at };
  }

  return {
    violations,
    found: () => found,

    issued(id, user, sentAt, at) {
      const instants = { signedInAt: at, sentAt, at, lastUsedAt: at, lastFoundAt: at };
      ids.set(id, { user, ...instants, revoked: undefined });
    },

    used(id, at) {
      const known = ids.get(id);
      if (known !== undefined) known.lastUsedAt = at;
    },

    starts: (user, sentAt) => void starts.push({ user, sentAt }),

    disturbs(user) {
      const one = { user, until: Infinity };
      disturbances.push(one);
      return (at) => void (one.until = at);
    },

    userOf: (id) => ids.get(id)?.user,

    rotated(from, to, sentAt, at) {
      const before = ids.get(from);
      if (before === undefined) return;
      const instants = { sentAt, at, lastUsedAt: at, lastFoundAt: at };
      ids.set(to, { ...before, ...instants, revoked: undefined });
      // The session is older than a revocation during the rotation, so that its new id is revoked too.
      for (const one of all)
        if (one.user === before.user && one.sentAt >= before.signedInAt)
          revoke(to, one.sentAt, one.at);
      revoke(from, sentAt, at);
    },

    revoked: revoke,

    revokedHash(hash, sentAt, at) {
      for (const id of ids.keys()) if (hashOf(id) === hash) revoke(id, sentAt, at);
    },

    revokedAll(user, sentAt, at) {
      all.push({ user, sentAt, at });
      for (const [id, known] of ids)
        if (known.user === user && known.signedInAt <= sentAt) revoke(id, sentAt, at);
    },

    failedOver(at, lagMs) {
      failedOverAt = at;
      // A fail-over may lose what the primary did in the last `lagMs`.
      for (const known of ids.values())
        if (known.revoked !== undefined && known.revoked.at > at - lagMs) known.revoked = undefined;
    },

    signedIn(user, begunAt, sentAt) {
      const late = all.find(
        (one) => one.user === user && one.sentAt >= begunAt && one.at <= sentAt,
      );
      if (late !== undefined && failedOverAt < begunAt)
        violations.push(`a sign-in of ${user} that began before a revocation succeeded after it`);
    },

    read(id, user, sentAt, at) {
      const known = ids.get(id);
      if (user === undefined || known === undefined) {
        if (user !== undefined) violations.push(`the unknown id ${id} opened a session of ${user}`);
        return;
      }
      found++;
      if (known.user !== user)
        violations.push(`the id of ${known.user} opened a session of ${user}`);
      const { revoked } = known;
      if (revoked !== undefined && at > revoked.at + REVOCATION_MS)
        violations.push(`a session was seen ${at - revoked.at} ms after its revocation`);
      if (at > known.signedInAt + absoluteMs + SLACK_MS)
        violations.push(`a session was seen ${at - known.signedInAt} ms after the sign-in`);
      if (sentAt > known.lastUsedAt + idleMs + SLACK_MS)
        violations.push(`a session was seen after ${sentAt - known.lastUsedAt} ms without a use`);
      known.lastFoundAt = at;
    },

    mustBeFound(id, at) {
      const known = ids.get(id);
      if (known === undefined || known.revoked !== undefined) return false;
      const { user, sentAt } = known;
      // The oldest session of a user goes when there are too many.
      const count = starts.filter((one) => one.user === user).length;
      const isDisturbed = disturbances.some((one) => one.user === user && one.until >= sentAt);
      return (
        count <= maxPerUser &&
        !isDisturbed &&
        at < known.lastFoundAt + idleMs - SLACK_MS &&
        at < known.signedInAt + absoluteMs - SLACK_MS
      );
    },
  };
}
