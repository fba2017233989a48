/** Sessions for a Hono application that uses the data cache. */
import { count, duration, readOptions, type OptionTable } from "../config/option-reader.ts";
import type { Duration } from "../core/duration.ts";
import { DefinitionError } from "../core/faults.ts";
import type { SessionStore } from "../core/sessions.ts";
import { sha256Hex } from "../core/sha256.ts";
import type { Strata } from "../data/strata.ts";
import { internalScopeOf } from "../http/routes/middleware.ts";
import type { StrataEnv } from "../http/routes/request-scope.ts";
import { newSecret } from "../platform.ts";
import { withTimeout } from "../resilience/deadline.ts";
import { createSessions, type Sessions } from "../sessions/sessions.ts";
import { dataPartsOf } from "./data-parts.ts";
import type { SessionLifetimes, SessionSource } from "./session-source.ts";

/** The options of `sessions`. */
export interface SessionSetup {
  /** The store of the sessions: `durableSessions(env.SESSIONS)` of the entry `strata/durable`. */
  readonly store: SessionSource;
  /** The time without a use after which a session ends. @default "1h" */
  readonly idle?: Duration;
  /** The time after which a session ends, however often it is used. @default "24h" */
  readonly absolute?: Duration;
  /** The most sessions of one user. A further one ends the oldest. @default 20 */
  readonly maxPerUser?: number;
  /** Other origins whose pages may send requests with the cookie, such as "https://www.shop.example". @default none */
  readonly trustedOrigins?: readonly string[];
}

type Own = Pick<SessionSetup, "idle" | "absolute" | "maxPerUser">;

const DAY_MS = 86_400_000;

const RULES: OptionTable<{ readonly sessions: Own }> = {
  sessions: {
    idle: duration("1h", 1_000, 30 * DAY_MS),
    absolute: duration("24h", 1_000, 365 * DAY_MS),
    maxPerUser: count(20, 1, 1_000),
  },
};

/**
 * Makes the sessions of a Hono application that uses `middleware`. docs/sessions.md describes them.
 *
 * @throws {DefinitionError} that lists every wrong option
 * @example
 * import { env } from "cloudflare:workers";
 * import { Hono } from "hono";
 *
 * const strata = createStrata({ namespace: "shop" });
 * const { current } = sessions(strata, { store: durableSessions(env.SESSIONS) });
 * const app = new Hono<StrataEnv>();
 * app.use(middleware(strata, app));
 * app.get("/me", async (c) => c.text((await current(c))?.user ?? "nobody"));
 */
export function sessions(strata: Strata, setup: SessionSetup): Sessions<StrataEnv> {
  const { store, trustedOrigins = [], ...own } = setup;
  const { values, problems } = readOptions({ sessions: own }, RULES);
  if (problems.length > 0) throw new DefinitionError("options", problems.join("; "));
  const { sessions: lifetimes } = values as unknown as { readonly sessions: SessionLifetimes };

  return createSessions<StrataEnv>({
    store: openedLater(() => {
      const { emit, platform } = dataPartsOf(strata);
      const { now, random, newId } = platform;
      const { namespace } = strata;
      return store.open({ namespace, newId, now, random, withTimeout, emit }, lifetimes);
    }),
    ctxOf: (c) => internalScopeOf(c).ctx,
    giveCookie(c, cookie) {
      (internalScopeOf(c).sessionCookies ??= []).push(cookie);
    },
    newSecret,
    hashOf: sha256Hex,
    absoluteMs: lifetimes.absoluteMs,
    trustedOrigins: new Set(trustedOrigins),
  });
}

/** A store that opens at its first call: workerd has no clock while it loads the module that makes the sessions. */
function openedLater(open: () => SessionStore): SessionStore {
  let opened: SessionStore | undefined;
  const store = (): SessionStore => (opened ??= open());
  return {
    create: (session, ctx) => store().create(session, ctx),
    lastRevocation: (user, ctx) => store().lastRevocation(user, ctx),
    read: (hash, ctx) => store().read(hash, ctx),
    rotate: (from, to, ctx) => store().rotate(from, to, ctx),
    list: (user, ctx) => store().list(user, ctx),
    revoke: (user, hash, ctx) => store().revoke(user, hash, ctx),
    revokeAll: (user, ctx) => store().revokeAll(user, ctx),
  };
}
