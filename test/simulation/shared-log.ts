/** A model of the places in which isolates share syncs: data centres, and the log objects of regions. */
import { createContext, type Context } from "../../src/core/context.ts";
import { decodeShare, encodeShare } from "../../src/core/log-share.ts";
import type { LogShares, NearShare } from "../../src/core/log-shares.ts";
import type { SharedStore } from "../../src/core/shared-store.ts";
import { createLogPolls, type LogPolls } from "../../src/durable/log-polls.ts";
import { createRegionLogPort } from "../../src/durable/region-log-port.ts";
import type { RegionLogRpc } from "../../src/durable/region-log.ts";
import { createLogShares } from "../../src/engine/log-shares.ts";
import type { PlantedFault } from "./faults.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** The clocks of the log objects are off by more than the margin: only ages may count. */
const OBJECT_SKEW_MS = 320;
const CLAIM_MS = 300;

export interface SharedLogOptions {
  readonly time: VirtualTime;
  readonly store: SharedStore;
  readonly fault: PlantedFault;
  /** Whether single operations on a share may fail. */
  readonly isLossy: () => boolean;
  /** Of the writes of a share, the part that arrives up to 400 ms late. */
  readonly lateWrites: number;
  /** Passes when the objects can be reached. Rejects if they are gone. */
  readonly reachObject: () => Promise<void>;
}

export interface SharedLogModel {
  /** Returns what an isolate of this data centre hears from others. */
  sharesOf(colo: string, now: () => number): LogShares;
  /** Loses the state of the log objects, as when they move. */
  dropObjects(): void;
  /** How many questions reached the log objects. */
  readonly asked: number;
}

export function createSharedLogModel(options: SharedLogOptions): SharedLogModel {
  const { time, store, fault, isLossy, lateWrites, reachObject } = options;
  const shares = new Map<string, string>();
  const claims = new Map<string, number>();
  const objects = new Map<string, LogPolls>();
  const objectNow = (): number => time.now() + OBJECT_SKEW_MS;
  const objectContext = createContext({
    now: objectNow,
    host: "object",
    region: "object",
    waitUntil: () => undefined,
    emit: () => undefined,
  });
  let asked = 0;

  function objectOf(name: string): LogPolls {
    let polls = objects.get(name);
    if (polls === undefined) {
      polls = createLogPolls({
        now: objectNow,
        sleep: time.sleep,
        async askRedis(since, limit) {
          const answer = await store.sync(since, limit, objectContext);
          return answer.ok ? answer.value : undefined;
        },
      });
      objects.set(name, polls);
    }
    return polls;
  }

  function stubOf(name: string, now: () => number): RegionLogRpc {
    return {
      async ask(_, since) {
        const askedAt = now();
        await reachObject();
        asked++;
        const arrivedAt = objectNow();
        const shared = await objectOf(name).ask(since);
        await time.sleep(time.random() * 20);
        if (shared === undefined) return undefined;
        if (fault === "object-age-ignored") return { ...shared, ageMs: 0 };
        if (fault === "object-instant-used")
          return { ...shared, ageMs: askedAt - (arrivedAt - shared.ageMs) };
        return shared;
      },
    };
  }

  function nearOf(colo: string): NearShare {
    const pause = (ms: number) => time.sleep(time.random() * ms);
    const isLost = () => isLossy() && time.random() < 0.02;
    return {
      async read(ctx: Context) {
        await pause(10);
        const text = shares.get(colo);
        if (text === undefined || isLost()) return undefined;
        const share = decodeShare(text, ctx.now());
        return share && fault === "share-age-ignored" ? { ...share, sentAt: ctx.now() } : share;
      },
      async write(answer) {
        // A write may arrive late, and then replaces a newer share.
        await pause(time.random() < lateWrites ? 400 : 10);
        if (!isLost()) shares.set(colo, encodeShare(answer));
      },
      async isClaimed(ctx) {
        await pause(10);
        return Math.abs(ctx.now() - (claims.get(colo) ?? -Infinity)) < CLAIM_MS;
      },
      async claim(ctx) {
        await pause(10);
        claims.set(colo, ctx.now());
      },
    };
  }

  return {
    get asked() {
      return asked;
    },
    dropObjects: () => objects.clear(),
    sharesOf: (colo, now) =>
      createLogShares({
        near: nearOf(colo),
        region: createRegionLogPort({
          stub: (name) => stubOf(name, now),
          namespace: "n",
          withTimeout: time.withTimeout,
        }),
        random: time.random,
        sleep: time.sleep,
      }),
  };
}
