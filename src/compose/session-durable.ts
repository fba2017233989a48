import { choice, count, duration, readOptions, type OptionTable } from "../config/option-reader.ts";
import type { Duration } from "../core/duration.ts";
import { DefinitionError } from "../core/faults.ts";
import type { Millis } from "../core/time.ts";
import { createObjectBreakers } from "../durable/object-breakers.ts";
import { createDurableSessionStore } from "../durable/session-port.ts";
import { sessionStub } from "../durable/stubs.ts";
import { PLACES, type ObjectPlace } from "./object-place.ts";
import type { SessionSource } from "./session-source.ts";
import {
  BREAKER_RULES,
  guardSessions,
  type BreakerOptions,
  type BreakerSettings,
} from "./store-guard.ts";

/** The options of `durableSessions`. */
export interface DurableSessionOptions {
  /**
   * The number of objects over which the sessions are distributed. A read is one call of one object, whatever the
   * number. Another number finds none of the sessions, so that all users must sign in again. A return to a former
   * number finds those of before again, also sessions that were revoked meanwhile. @default 1
   */
  readonly shards?: number;
  /** The place of new objects. By default, the platform creates an object near its first caller. @default "nearest" */
  readonly location?: ObjectPlace;
  /** Time limit of one call, at most 1 s: a later answer could show a session that has been revoked. @default "1s" */
  readonly timeout?: Duration;
  /** The circuit breaker of each object. @default those of `BreakerOptions` */
  readonly breaker?: BreakerOptions;
}

type Own = Omit<DurableSessionOptions, "breaker">;

const RULES: OptionTable<{ readonly sessions: Own; readonly breaker?: BreakerOptions }> = {
  sessions: {
    shards: count(1, 1, 256),
    location: choice("nearest", PLACES),
    timeout: duration("1s", 1, 1_000),
  },
  breaker: BREAKER_RULES,
};

interface Settings {
  readonly sessions: {
    readonly shards: number;
    readonly location: ObjectPlace;
    readonly timeoutMs: Millis;
  };
  readonly breaker: BreakerSettings;
}

/**
 * Makes the store of sessions in Durable Objects, so that they need no Redis. The Worker exports the class
 * `StrataSessions` and binds it.
 *
 * @param objects the binding of the class `StrataSessions`
 * @throws {DefinitionError} that lists every wrong option, or says that the binding is missing
 * @example
 * import { env } from "cloudflare:workers";
 *
 * export { StrataSessions } from "strata/durable";
 *
 * const strata = createStrata({ namespace: "shop" });
 * const { current, start } = sessions(strata, { store: durableSessions(env.SESSIONS) });
 */
export function durableSessions(
  objects: DurableObjectNamespace | undefined,
  options: DurableSessionOptions = {},
): SessionSource {
  if (objects === undefined) throw new DefinitionError("durableSessions", "the binding is missing");
  const { breaker: breakerOptions = {}, ...own } = options;
  const { values, problems } = readOptions({ sessions: own, breaker: breakerOptions }, RULES);
  if (problems.length > 0) throw new DefinitionError("options", problems.join("; "));
  const { sessions, breaker } = values as unknown as Settings;
  const { shards, location, timeoutMs } = sessions;
  const hint = location === "nearest" ? undefined : location;

  return {
    open({ namespace, newId, withTimeout, ...parts }, lifetimes) {
      return createDurableSessionStore({
        stub: (name) => sessionStub(objects, name, hint),
        namespace,
        shards,
        breakerOf: createObjectBreakers(() => guardSessions({ ...parts, breaker, timeoutMs })),
        newId,
        ...lifetimes,
        timeoutMs,
        withTimeout,
      });
    },
  };
}
