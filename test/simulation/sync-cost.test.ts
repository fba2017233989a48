/** Counts the questions of many busy isolates to the log, with and without shares. */
import { describe, expect, it } from "vitest";
import { createContext } from "../../src/core/context.ts";
import type { CacheEvent } from "../../src/core/events.ts";
import { done } from "../../src/core/faults.ts";
import type { LogAnswer } from "../../src/core/log.ts";
import type { SharedStore } from "../../src/core/shared-store.ts";
import { createCoherence } from "../../src/engine/coherence.ts";
import { createSharedLogModel } from "./shared-log.ts";
import { createVirtualTime } from "./virtual-time.ts";

const ISOLATES = 2_000;
const COLOS = 300;
/** As many as Cloudflare has location hints. */
const REGIONS = 9;
const WINDOW_MS = 1_000;
const READ_EVERY_MS = 40;
/** The first syncs are over, and the data centres have the phase of their region. */
const WARM_UP_MS = 4_000;
const COUNTED_MS = 5_000;

interface Counted {
  /** Questions to Redis in a second. */
  readonly redis: number;
  /** Questions to the log objects in a second. */
  readonly objects: number;
  /** Reads that had to wait for a sync. */
  readonly waited: number;
  readonly reads: number;
  readonly sources: Readonly<Record<string, number>>;
}

async function count(sharing: boolean): Promise<Counted> {
  const time = createVirtualTime({ seed: 7 });
  let isCounting = false;
  let redis = 0;
  let waited = 0;
  let reads = 0;
  const sources: Record<string, number> = {};

  /** Takes 5 to 25 ms each way. */
  const store: Pick<SharedStore, "sync"> = {
    async sync(since, _limit, ctx) {
      const sentAt = ctx.now();
      if (isCounting) redis++;
      await time.sleep(5 + time.random() * 20);
      const seq = time.now() * 1_000;
      await time.sleep(5 + time.random() * 20);
      const answer = { sentAt, era: "e", seq, floor: 0, since, truncated: false, changes: [] };
      return done<LogAnswer>(answer);
    },
  };
  const model = createSharedLogModel({
    time,
    store: store as SharedStore,
    fault: "none",
    isLossy: () => false,
    lateWrites: 0.01,
    // A hop to the object of the region: 5 to 45 ms.
    reachObject: () => time.sleep(5 + time.random() * 40),
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
      shares: sharing ? model.sharesOf(ctx.host, now) : undefined,
      timeoutMs: 1_000,
      withTimeout: time.withTimeout,
    });
    const read = (): void => {
      if (isCounting) reads++;
      if (!coherence.isCurrent(now(), WINDOW_MS, ctx)) {
        if (isCounting) waited++;
        void coherence.ensureCurrent(now(), WINDOW_MS, ctx);
      }
      time.after(READ_EVERY_MS * (0.5 + time.random()), read);
    };
    time.after(time.random() * 2_000, read);
  }
  await time.run(WARM_UP_MS);
  const askedBefore = model.asked;
  isCounting = true;
  await time.run(COUNTED_MS);
  const seconds = COUNTED_MS / 1_000;
  const objects = (model.asked - askedBefore) / seconds;
  return { redis: redis / seconds, objects, waited, reads, sources };
}

describe("what syncs cost", () => {
  it("2,000 busy isolates in 300 data centres ask Redis at most 20 times a second if they share their syncs, and over 1,900 times if not", async () => {
    const [shared, direct] = [await count(true), await count(false)];
    expect(shared.redis).toBeLessThanOrEqual(20);
    expect(direct.redis).toBeGreaterThan(1_900);
    // One isolate of each data centre asks its log object about 1.6 times a second.
    expect(shared.objects).toBeLessThan(COLOS * 1.8);
    expect(shared.reads).toBeGreaterThan(200_000);
    expect(shared.waited).toBeLessThan(5);
  }, 120_000);
});
