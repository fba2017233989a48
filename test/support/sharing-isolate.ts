import type {
  LogShares,
  NearShare,
  RegionLog,
  RegionLogSession,
} from "../../src/core/log-shares.ts";
import { done, failed } from "../../src/core/faults.ts";
import type { LogAnswer } from "../../src/core/log.ts";
import type { SharedStore } from "../../src/core/shared-store.ts";
import { createCoherence } from "../../src/engine/coherence.ts";
import { hearingOf } from "../../src/engine/log-hearing.ts";
import { createLogShares } from "../../src/engine/log-shares.ts";
import { createTestContext } from "./context.ts";

export const SHARING_WINDOW_MS = 1_000;
/** The newest number of the log. */
export const SHARING_SEQ = 5_000;

/** One isolate with a log view of the instant 0, over a store, a share and a log object of the test. */
export async function createSharingIsolate(
  hostile: Partial<NearShare> & { region?: RegionLogSession["ask"] } = {},
) {
  let now = 1_000_000;
  const ctx = createTestContext({ now: () => now });
  const asked = { redis: 0, object: 0 };
  const sessions = { opened: 0, closed: 0 };
  const written: LogAnswer[] = [];
  let isRedisAway = false;
  let onSleep = (): void => undefined;

  const answerAt = (sentAt: number, fields: Partial<LogAnswer> = {}): LogAnswer => ({
    sentAt,
    era: "era-1",
    seq: SHARING_SEQ,
    floor: 0,
    since: 0,
    truncated: false,
    changes: [],
    ...fields,
  });

  const store: Pick<SharedStore, "sync" | "establish"> = {
    sync: (since) => {
      asked.redis++;
      return Promise.resolve(
        isRedisAway ? failed("redis.timeout", "away") : done(answerAt(now, { since })),
      );
    },
    establish: () => Promise.resolve(done(answerAt(now))),
  };
  const near: NearShare = {
    read: async () => undefined,
    write: async (answer) => void written.push(answer),
    isOwn: async () => true,
    isClaimed: async () => false,
    claim: async () => undefined,
    ...hostile,
  };
  const region: RegionLog = {
    deferred: async () => undefined,
    open() {
      sessions.opened++;
      return {
        close: () => void sessions.closed++,
        ask: async (...args) => {
          asked.object++;
          return hostile.region?.(...args);
        },
      };
    },
  };
  const shares: LogShares = createLogShares({
    near,
    region,
    random: () => 0,
    sleep: async (ms) => {
      now += ms;
      onSleep();
    },
  });
  const coherence = createCoherence({
    store: store as SharedStore,
    createHearing: hearingOf(shares),
    timeoutMs: 1_000,
    withTimeout: (work) => work,
  });
  await coherence.ensureCurrent(now, SHARING_WINDOW_MS, ctx);
  await ctx.settle();
  const firstSync = { ...asked };
  asked.redis = 0;
  written.length = 0;

  return {
    /** The questions of the first sync. `asked` counts those after it. */
    firstSync,
    asked,
    sessions,
    written,
    answerAt,
    /** Calls `call` after each pause of the isolate: what happens in it meanwhile. */
    duringPauses: (call: () => void) => void (onSleep = call),
    coherence,
    ctx,
    now: () => now,
    loseRedis: (is: boolean) => void (isRedisAway = is),
    advance: (ms: number) => void (now += ms),
    /** The sources of the syncs so far, without the first. */
    sources: () =>
      ctx.events.flatMap((event) => (event.type === "log.sync" ? [event.from] : [])).slice(1),
    /** One read of memory: whether the log view is recent enough for it, and all that follows. */
    async read(windowMs = SHARING_WINDOW_MS) {
      const isCurrent = coherence.isCurrent(now, windowMs, ctx);
      const state = isCurrent ? "current" : await coherence.ensureCurrent(now, windowMs, ctx);
      await ctx.settle();
      return { isCurrent, state };
    },
  };
}

export type SharingIsolate = Awaited<ReturnType<typeof createSharingIsolate>>;
