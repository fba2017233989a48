/** The sessions of one isolate: `strata.sessions`. */
import type { Context as HonoContext, Env } from "hono";
import type { Context } from "../core/context.ts";
import type { SessionOperation } from "../core/events.ts";
import { done } from "../core/faults.ts";
import type { Result } from "../core/result.ts";
import {
  HASH_PATTERN,
  SessionsUnavailable,
  type SessionRecord,
  type SessionStore,
} from "../core/sessions.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import {
  mayCarrySession,
  sessionCookie,
  withoutSessionCookie,
  type SessionCookie,
} from "./cookie.ts";
import { isCrossSite } from "./cross-site.ts";
import { checkUser } from "./check-user.ts";
import { outcomeOf, valueOf } from "./outcome.ts";
import { isRecent, type KnownSession, type OwnSession } from "./known-session.ts";

/** A session of a user, without the secret of its cookie. */
export interface Session {
  /** The SHA-256 of the secret id, in hex. It names the session in lists and opens nothing. */
  readonly id: string;
  /** The id of the user. */
  readonly user: string;
  /** The instant of the sign-in, in milliseconds since the epoch. */
  readonly createdAt: EpochMs;
  /** The instant at which the session ends, however often it is used. */
  readonly endsAt: EpochMs;
}

/** A session in the list of a user. */
export interface UserSession extends Session {
  /** The instant of the last use, in milliseconds since the epoch. */
  readonly lastUsedAt: EpochMs;
}

/** A sign-in whose check of credentials has begun. */
export interface SignIn extends Pick<Session, "user"> {
  /** The name of the last revocation of all sessions of the user when the sign-in began. */
  readonly revocation: string;
}

/**
 * Sessions in Redis or in Durable Objects. Every method throws `SessionsUnavailable` if the store does not answer
 * within its time limit. A user is a text of 1 to 128 letters, digits and any of `_ . @ ~ -`.
 */
export interface Sessions<E extends Env> {
  /**
   * Returns the session of the request's cookie, and begins its idle time anew, with one command of Redis or one call of an object;
   * once for a request that asks again within 100 ms. Returns undefined without a cookie, without a command. A page of another
   * site that sends POST, PUT, PATCH or DELETE has no session.
   *
   * @example
   * app.get("/me", async (c) => {
   *   const session = await strata.sessions.current(c);
   *   if (session === undefined) return c.text("sign in", 401);
   *   return c.json({ user: session.user }, 200, { "Cache-Control": "private, no-store" });
   * });
   */
  current(c: HonoContext<E>): Promise<Session | undefined>;
  /**
   * Notes the begin of a sign-in, before the credentials are checked. `start` then refuses the sign-in if all
   * sessions of the user are revoked meanwhile. A sign-in may take an hour.
   *
   * @throws {DefinitionError} if the user is not a text as described above.
   */
  beginSignIn(user: string, ctx: Context): Promise<SignIn>;
  /**
   * Creates a session with a new id and gives its cookie to the client. The session of the request's
   * cookie ends. Returns undefined if all sessions of the user have been revoked since `beginSignIn`. If the handler
   * throws afterwards, the new session ends, and the error has no cookie.
   *
   * @param signIn a user, or a sign-in that `beginSignIn` returned.
   * @throws {DefinitionError} if the user is not a text as described above.
   */
  start(c: HonoContext<E>, signIn: string | SignIn): Promise<Session | undefined>;
  /**
   * Gives the session of the request a new id, and the client its cookie. Call it when the user gets further
   * rights: an id that somebody has seen before then has none of them. The end of the session stays. Returns
   * undefined if the request has no session.
   */
  rotate(c: HonoContext<E>): Promise<Session | undefined>;
  /**
   * Ends the session of the request, and takes the cookie from the client, also if the session of the cookie has
   * ended before. Returns false if there was no session.
   */
  end(c: HonoContext<E>): Promise<boolean>;
  /** Takes the cookie from the client, for example after `revokeAll`. */
  clearCookie(c: HonoContext<E>): void;
  /**
   * Takes the session cookie out of the request. Call it before a proxy: the secret is no business of its
   * origin.
   */
  hideCookie(c: HonoContext<E>): void;
  /** Returns the sessions of a user, the oldest first. */
  list(user: string, ctx: Context): Promise<readonly UserSession[]>;
  /** Ends the session of a user that `id` names. Returns false if the user has no such session. */
  revoke(user: string, id: string, ctx: Context): Promise<boolean>;
  /** Ends all sessions of a user. Returns their number. */
  revokeAll(user: string, ctx: Context): Promise<number>;
  /** Whether a page of another site may have sent this request, which is neither GET, HEAD nor OPTIONS. */
  isCrossSite(c: HonoContext<E>): boolean;
}

export interface SessionsOptions<E extends Env> {
  readonly store: SessionStore;
  readonly ctxOf: (c: HonoContext<E>) => Context;
  /**
   * Sends a cookie with the answer to the request, whatever the handler answers. With `undo`, which ends the session
   * of the cookie, an error that the handler throws has no cookie.
   */
  readonly giveCookie: (
    c: HonoContext<E>,
    cookie: { readonly field: string; readonly undo?: () => Promise<unknown> },
  ) => void;
  /** Makes a session id: 32 random bytes in base64url. */
  readonly newSecret: () => string;
  /** Returns the SHA-256 of a text, in hex. */
  readonly hashOf: (text: string) => Promise<string>;
  /** The lifetime of the cookie. */
  readonly absoluteMs: Millis;
  /** Other origins whose pages may send requests with the cookie. Default none. */
  readonly trustedOrigins?: ReadonlySet<string>;
}

export function createSessions<E extends Env>(options: SessionsOptions<E>): Sessions<E> {
  const { store, ctxOf, giveCookie, newSecret, hashOf, absoluteMs, trustedOrigins } = options;
  /**
   * One session for each request. It is used only for a caller that sees the cookie, because the handler of a
   * cached route must not get a session that the key does not name.
   */
  const known = new WeakMap<Context, KnownSession>();
  /** The session of the cookie that a request gives its client. */
  const given = new WeakMap<Context, OwnSession>();

  function cookieOf(c: HonoContext<E>): SessionCookie {
    const field = c.req.header("Cookie");
    return sessionCookie(
      c.req.url,
      field !== undefined && mayCarrySession(field) ? field : undefined,
    );
  }

  /** Reports an operation, and returns its value. @throws {SessionsUnavailable} */
  async function run<T>(
    operation: SessionOperation,
    ctx: Context,
    pending: Promise<Result<T>>,
  ): Promise<T> {
    const result = await pending;
    ctx.emit({ type: "session.end", operation, outcome: outcomeOf(result) });
    if (!result.ok) throw new SessionsUnavailable(result.fault);
    return result.value;
  }

  async function read(id: string, ctx: Context): Promise<Result<SessionRecord | undefined>> {
    const found = await store.read(await hashOf(id), ctx);
    if (!found.ok || found.value === undefined || found.value.endsAt > ctx.now()) return found;
    // The read has begun another idle time, so that the store would keep what has ended.
    const { user, hash } = found.value;
    ctx.defer(store.revoke(user, hash, ctx));
    return done(undefined);
  }

  /** Returns the session of the request; undefined without a cookie. */
  function find(c: HonoContext<E>): Promise<SessionRecord | undefined> | undefined {
    const { id } = cookieOf(c);
    if (id === undefined || isCrossSite(c.req.raw, trustedOrigins)) return undefined;
    const ctx = ctxOf(c);
    const before = known.get(ctx);
    const readAt = ctx.now();
    if (before?.id === id && isRecent(before, readAt)) return before.found.then(valueOf);
    const found = read(id, ctx);
    const entry: KnownSession = { id, readAt, endedAt: undefined, found };
    const end = (): void => void (entry.endedAt = ctx.now());
    found.then(end, end);
    known.set(ctx, entry);
    return run("read", ctx, found);
  }

  function forget(c: HonoContext<E>): void {
    const { id } = cookieOf(c);
    if (id !== undefined) {
      const ended = Promise.resolve(done(undefined));
      known.set(ctxOf(c), { id, readAt: Infinity, endedAt: undefined, found: ended });
    }
  }

  /** Gives the client a cookie. `own` is the session of that cookie, which `end` revokes. */
  function give(
    c: HonoContext<E>,
    field: string,
    { undo, own }: { undo?: () => Promise<unknown>; own?: OwnSession } = {},
  ): void {
    giveCookie(c, { field, ...(undo && { undo }) });
    forget(c);
    const ctx = ctxOf(c);
    if (own === undefined) given.delete(ctx);
    else given.set(ctx, own);
  }

  const clearCookie = (c: HonoContext<E>): void => give(c, cookieOf(c).cleared);

  return {
    async current(c) {
      const record = await find(c);
      return record && sessionOf(record);
    },

    async beginSignIn(user, ctx) {
      checkUser(user);
      return { user, revocation: valueOf(await store.lastRevocation(user, ctx)) };
    },

    async start(c, signIn) {
      const isPlain = typeof signIn === "string";
      const user = isPlain ? signIn : signIn.user;
      const revocation = isPlain ? undefined : signIn.revocation;
      checkUser(user);
      const ctx = ctxOf(c);
      const cookie = cookieOf(c);
      const id = newSecret();
      const [hash, replaced] = await Promise.all([
        hashOf(id),
        cookie.id === undefined ? undefined : hashOf(cookie.id),
      ]);
      const created = await run(
        "create",
        ctx,
        store.create({ hash, user, replaced, revocation }, ctx),
      );
      if (created === undefined) return undefined;
      const undo = () => store.revoke(user, hash, ctx);
      give(c, cookie.set(id, absoluteMs), { undo, own: { user, hash } });
      return { id: hash, user, ...created };
    },

    async rotate(c) {
      const record = await find(c);
      if (record === undefined) return undefined;
      const ctx = ctxOf(c);
      const id = newSecret();
      const hash = await hashOf(id);
      if (!(await run("rotate", ctx, store.rotate(record, hash, ctx)))) return undefined;
      const own = { user: record.user, hash };
      give(c, cookieOf(c).set(id, record.endsAt - ctx.now()), { own });
      return sessionOf({ ...record, hash });
    },

    async end(c) {
      const ctx = ctxOf(c);
      const own = given.get(ctx);
      const found = own ?? find(c);
      if (found === undefined) return false;
      const record = await found;
      if (record === undefined) {
        // The session of the cookie has ended before.
        clearCookie(c);
        return false;
      }
      const ended = await run("revoke", ctx, store.revoke(record.user, record.hash, ctx));
      clearCookie(c);
      return ended;
    },

    clearCookie,

    hideCookie: (c) => void (c.req.raw = withoutSessionCookie(c.req.raw)),

    async list(user, ctx) {
      checkUser(user);
      const listed = await run("list", ctx, store.list(user, ctx));
      return listed
        .filter(({ endsAt }) => endsAt > ctx.now())
        .map((record) => ({ ...sessionOf(record), lastUsedAt: record.lastUsedAt }));
    },

    async revoke(user, id, ctx) {
      checkUser(user);
      return HASH_PATTERN.test(id) && run("revoke", ctx, store.revoke(user, id, ctx));
    },

    async revokeAll(user, ctx) {
      checkUser(user);
      return run("revoke-all", ctx, store.revokeAll(user, ctx));
    },

    isCrossSite: (c) => isCrossSite(c.req.raw, trustedOrigins),
  };
}

function sessionOf({ hash, user, createdAt, endsAt }: SessionRecord): Session {
  return { id: hash, user, createdAt, endsAt };
}
