/** Counts the questions of many busy isolates to the log, with and without shares. */
import { describe, expect, it } from "vitest";
import { createLinks } from "../../bench/cost/network.ts";
import { runModel } from "../../bench/cost/run.ts";
import { SCENARIO } from "../../bench/cost/scenario.ts";
import { SHARED } from "../../bench/cost/shared-design.ts";
import { createContext } from "../../src/core/context.ts";
import type { CacheEvent } from "../../src/core/events.ts";
import { done } from "../../src/core/faults.ts";
import type { LogAnswer } from "../../src/core/log.ts";
import type { SharedStore } from "../../src/core/shared-store.ts";
import { createCoherence } from "../../src/engine/coherence.ts";
import { hearingOf } from "../../src/engine/log-hearing.ts";
import { createSharedLogModel } from "./shared-log.ts";
import { createVirtualTime } from "./virtual-time.ts";

const {
  isolates: ISOLATES,
  dataCentres: COLOS,
  regions: REGIONS,
  coherenceMs: WINDOW_MS,
} = SCENARIO;
const MEAN_GAP_MS = 1_000 / SCENARIO.readsPerSecond;
/** The first syncs are over, and the data centres have the phase of their region. */
const WARM_UP_MS = 4_000;

interface Counted {
  /** Questions to Redis in a second. */
  readonly redis: number;
  /** Sessions with log objects in a second. Each is billed as one request. */
  readonly sessions: number;
  /** Reads that had to wait for a sync, in a second. */
  readonly waited: number;
  readonly reads: number;
  readonly sources: Readonly<Record<string, number>>;
}

async function count(sharing: boolean, countedMs: number): Promise<Counted> {
  const time = createVirtualTime({ seed: 7 });
  let isCounting = false;
  let redis = 0;
  let waited = 0;
  let reads = 0;
  const sources: Record<string, number> = {};

  const links = createLinks(SCENARIO.network, COLOS, time.random);
  // A log object is in a place of its region, the first of its data centres.
  const placeOf = (name: string): number => Number(name.slice(name.lastIndexOf("-") + 1));

  const store: Pick<SharedStore, "sync"> = {
    async sync(since, _limit, ctx) {
      const sentAt = ctx.now();
      if (isCounting) redis++;
      const trip = links.redisRoundTrip(placeOf(ctx.host === "object" ? ctx.region : ctx.host));
      await time.sleep(trip / 2);
      const seq = time.now() * 1_000;
      await time.sleep(trip / 2);
      const answer = { sentAt, era: "e", seq, floor: 0, since, truncated: false, changes: [] };
      return done<LogAnswer>(answer);
    },
  };
  const model = createSharedLogModel({
    time,
    store: store as SharedStore,
    fault: "none",
    isLossy: () => false,
    lateWrites: 0,
    reachObject: (colo) => time.sleep(links.objectHop(placeOf(colo))),
    returnMs: (colo) => links.objectHop(placeOf(colo)),
    cacheMs: links.cacheCall,
  });

  const emit = (event: CacheEvent): void => {
    if (isCounting && event.type === "log.sync")
      sources[event.from] = (sources[event.from] ?? 0) + 1;
  };
  for (let i = 0; i < ISOLATES; i++) {
    const colo = i % COLOS;
    const skewMs = (time.random() - 0.5) * 20;
    const now = (): number => time.now() + skewMs;
    const ctx = createContext({
      now,
      host: `colo-${colo}`,
      region: `region-${colo % REGIONS}`,
      waitUntil: (work) => void work,
      emit,
    });
    const coherence = createCoherence({
      store: store as SharedStore,
      createHearing: sharing ? hearingOf(model.sharesOf(ctx.host, now)) : undefined,
      timeoutMs: 1_000,
      withTimeout: time.withTimeout,
    });
    const read = (): void => {
      if (isCounting) reads++;
      if (!coherence.isCurrent(now(), WINDOW_MS, ctx)) {
        if (isCounting) waited++;
        void coherence.ensureCurrent(now(), WINDOW_MS, ctx);
      }
      time.after(-Math.log(1 - time.random()) * MEAN_GAP_MS, read);
    };
    time.after(time.random() * 2_000, read);
  }
  await time.run(WARM_UP_MS);
  const openedBefore = model.opened;
  isCounting = true;
  await time.run(countedMs);
  const seconds = countedMs / 1_000;
  const sessions = (model.opened - openedBefore) / seconds;
  return { redis: redis / seconds, sessions, waited: waited / seconds, reads, sources };
}

describe("what syncs cost", () => {
  it("2,000 busy isolates in 300 data centres that share their syncs ask Redis at most 20 times a second and open fewer than 70 sessions a second, as the model of cost counts, and fewer reads wait than without shares", async () => {
    const [shared, direct] = [await count(true, 6_000), await count(false, 2_000)];
    const { coherence } = runModel({ ...SCENARIO, countedMs: 10_000 }, SHARED);
    expect(shared.redis).toBeLessThanOrEqual(20);
    expect(shared.redis / coherence.redisCommands).toBeGreaterThan(0.9);
    expect(shared.redis / coherence.redisCommands).toBeLessThan(1.1);
    expect(shared.sessions).toBeLessThan(70);
    expect(shared.sessions / coherence.objectRequests).toBeGreaterThan(0.7);
    expect(shared.sessions / coherence.objectRequests).toBeLessThan(1.3);
    // Nearly every read that waits gets the share.
    expect(shared.sources["redis"] ?? 0).toBeLessThan(10);
    expect(direct.redis).toBeGreaterThan(1_900);
    expect(shared.waited).toBeLessThan(direct.waited / 2);
  }, 120_000);
});
