/** A model of the places in which isolates share syncs: data centres, and the log objects of regions. */
import { createContext, type Context } from "../../src/core/context.ts";
import { decodeShare, encodeShare } from "../../src/core/log-share.ts";
import type { LogShares, NearShare } from "../../src/core/log-shares.ts";
import { CLAIM_MS } from "../../src/core/share-timing.ts";
import type { SharedStore } from "../../src/core/shared-store.ts";
import { createLogPolls, type LogPolls } from "../../src/durable/log-polls.ts";
import { createRegionLogPort } from "../../src/durable/region-log-port.ts";
import type { LogSessionRpc } from "../../src/durable/log-session.ts";
import type { RegionLogRpc } from "../../src/durable/region-log.ts";
import { createLogShares } from "../../src/engine/log-shares.ts";
import type { PlantedFault } from "./faults.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** The clocks of the log objects are off by more than the margin: only ages may count. */
const OBJECT_SKEW_MS = 320;

export interface SharedLogOptions {
  readonly time: VirtualTime;
  readonly store: SharedStore;
  readonly fault: PlantedFault;
  /** Whether single operations on a share may fail. */
  readonly isLossy: () => boolean;
  /** Of the writes of a share, the part that arrives up to 400 ms late. */
  readonly lateWrites: number;
  /** Passes when a question of this data centre has reached its object. Rejects if the objects are gone. */
  readonly reachObject: (colo: string) => Promise<void>;
  /** The milliseconds until an answer of the object is in this data centre. Default: up to 20. */
  readonly returnMs?: (colo: string) => number;
  /** The milliseconds of one call of the Cache API. Default: up to 10. */
  readonly cacheMs?: () => number;
}

export interface SharedLogModel {
  /** Returns what an isolate of this data centre hears from others. */
  sharesOf(colo: string, now: () => number): LogShares;
  /** Loses the state of the log objects, as when they move. */
  dropObjects(): void;
  /** How many sessions with log objects were opened. */
  readonly opened: number;
}

export function createSharedLogModel(options: SharedLogOptions): SharedLogModel {
  const { time, store, fault, isLossy, lateWrites, reachObject } = options;
  const { returnMs = () => time.random() * 20, cacheMs = () => time.random() * 10 } = options;
  const shares = new Map<string, string>();
  const claims = new Map<string, number>();
  const objects = new Map<string, LogPolls>();
  const objectNow = (): number => time.now() + OBJECT_SKEW_MS;
  let opened = 0;

  function objectOf(name: string): LogPolls {
    let polls = objects.get(name);
    if (polls === undefined) {
      const objectContext = createContext({
        now: objectNow,
        host: "object",
        region: name,
        waitUntil: () => undefined,
        emit: () => undefined,
      });
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

  function stubOf(name: string, colo: string, now: () => number): RegionLogRpc {
    const session: LogSessionRpc = {
      async ask(since) {
        const askedAt = now();
        await reachObject(colo);
        const arrivedAt = objectNow();
        const shared = await objectOf(name).ask(since);
        await time.sleep(returnMs(colo));
        if (shared === undefined) return undefined;
        if (fault === "object-age-ignored") return { ...shared, ageMs: 0 };
        if (fault === "object-instant-used")
          return { ...shared, ageMs: askedAt - (arrivedAt - shared.ageMs) };
        return shared;
      },
    };
    return {
      open() {
        opened++;
        return session;
      },
      async deferred() {
        opened++;
        await reachObject(colo);
        const keys = await objectOf(name).deferred();
        await time.sleep(returnMs(colo));
        return keys;
      },
    };
  }

  function nearOf(colo: string): NearShare {
    let written: string | undefined;
    const isLost = () => isLossy() && time.random() < 0.02;
    return {
      async read(ctx: Context) {
        await time.sleep(cacheMs());
        const text = shares.get(colo);
        if (text === undefined || isLost()) return undefined;
        const share = decodeShare(text, ctx.now());
        return share && fault === "share-age-ignored" ? { ...share, sentAt: ctx.now() } : share;
      },
      async write(answer) {
        // A write may arrive late, and then replaces a newer share.
        await time.sleep(time.random() < lateWrites ? time.random() * 400 : cacheMs());
        written = encodeShare(answer);
        if (!isLost()) shares.set(colo, written);
      },
      async isOwn() {
        await time.sleep(cacheMs());
        return written !== undefined && shares.get(colo) === written;
      },
      async isClaimed(ctx) {
        await time.sleep(cacheMs());
        return Math.abs(ctx.now() - (claims.get(colo) ?? -Infinity)) < CLAIM_MS;
      },
      async claim(ctx) {
        await time.sleep(cacheMs());
        claims.set(colo, ctx.now());
      },
    };
  }

  return {
    get opened() {
      return opened;
    },
    dropObjects: () => objects.clear(),
    sharesOf: (colo, now) =>
      createLogShares({
        near: nearOf(colo),
        region: createRegionLogPort({
          stub: (name) => stubOf(name, colo, now),
          namespace: "n",
          withTimeout: time.withTimeout,
        }),
        random: time.random,
        sleep: time.sleep,
      }),
  };
}
