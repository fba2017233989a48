/** One isolate over models of its ports, which may hold one entry at one of the doors of a read. */
import { encodeEntry } from "../../src/core/codec.ts";
import type { Entry, LoadResult } from "../../src/core/entry.ts";
import { CacheUnavailable, done, failed } from "../../src/core/faults.ts";
import type { LogAnswer } from "../../src/core/log.ts";
import type { Lookup } from "../../src/core/lookup.ts";
import type { Policy } from "../../src/core/policy.ts";
import type { SharedStore } from "../../src/core/shared-store.ts";
import { createEngineParts } from "../../src/engine/create-engine.ts";
import { ENTRY_PARTS } from "../../src/engine/entry-parts.ts";
import { flightStepOf } from "../../src/engine/join-flight.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";
import { createMemoryTier } from "../../src/tiers/memory.ts";
import { createTestContext } from "../support/context.ts";

export const DOORS = ["memory", "edge", "redis", "flight", "error"] as const;
/** Where the entry is. `error`: in memory, and the load fails. */
export type Door = (typeof DOORS)[number];

export interface DoorCase {
  readonly entry: Entry;
  readonly policy: Policy;
  /** The log, as Redis has it. */
  readonly log: Pick<LogAnswer, "era" | "seq" | "floor">;
  readonly hard: number;
  readonly soft: number;
  readonly unconfirmed: number;
  /** The first answer of the log leaves all changes out but the newest. */
  readonly truncated: boolean;
  /** How long before the read the isolate has synced. Undefined: never. */
  readonly syncedAgoMs: number | undefined;
  readonly reachable: boolean;
  /** How long before the read the load of the flight began. */
  readonly beganAgoMs: number;
  readonly now: number;
}

/** The tag whose numbers are `hard`, `soft` and `unconfirmed`. */
export const TAG = "t:a";

const LOADED: LoadResult = {
  storable: true,
  kind: "value",
  body: '"loaded"',
  etag: '"loaded"',
  invalidationKeys: [],
};

/** Reads the key of the entry once, alone or in a batch. Returns undefined if the read fails. */
export async function readThrough(
  door: Door,
  how: "alone" | "batch",
  one: DoorCase,
): Promise<Lookup | undefined> {
  const { entry, policy, truncated } = one;
  let now = one.now - (one.syncedAgoMs ?? 0);
  let reachable = true;
  const ctx = createTestContext({ now: () => now });
  const memory = createMemoryTier({ maxBytes: 1 << 20, maxEntries: 10 });
  const changes = [
    [TAG, one.hard] as const,
    [`~${TAG}`, one.soft] as const,
    [`?${TAG}`, one.unconfirmed] as const,
    ["t:newest", one.log.seq ?? 0] as const,
  ].filter(([, seq]) => seq > one.log.floor);
  const numbers = { hard: one.hard, soft: one.soft, unconfirmed: one.unconfirmed };
  const answer = (): LogAnswer => ({
    ...one.log,
    sentAt: now,
    since: 0,
    truncated,
    changes: truncated ? changes.slice(-1) : changes,
  });
  const ask = async <T>(value: () => T) =>
    reachable ? done(value()) : failed("redis.unavailable", "unreachable");
  const store: SharedStore = {
    read: (keys) =>
      ask(() => ({
        found: keys.map(() => (door === "redis" ? { entry, ...numbers } : undefined)),
        log: answer(),
      })),
    verify: (entries) =>
      ask(() => ({
        numbers: entries.map(() => numbers),
        log: answer(),
      })),
    sync: () => ask(answer),
    establish: () => ask(answer),
    write: (entries) => ask(() => ({ keys: new Set(entries.map(({ key }) => key)), requests: 1 })),
    delete: () => ask(() => undefined),
    invalidate: () => Promise.reject(new Error("no read invalidates")),
    numbers: () => Promise.reject(new Error("no read asks for numbers")),
    trim: () => Promise.reject(new Error("no read trims")),
  };
  const { coherence, engine, batch } = createEngineParts({
    entries: ENTRY_PARTS,
    memory,
    store,
    edge: {
      name: "edge",
      get: async () => done(door === "edge" ? entry : undefined),
      set: async () => done(undefined),
      delete: async () => done(undefined),
    },
    createFlightStep: flightStepOf({
      join: async (_scope, { after }) =>
        done(
          door === "flight" && after === undefined
            ? {
                role: "follower",
                flight: "f",
                beganAgoMs: one.beganAgoMs,
                landing: { kind: "entry", entry: encodeEntry(entry) },
              }
            : { role: "leader", flight: "g", lease: "l" },
        ),
      land: async () => done(undefined),
    }),
    slots: { acquire: async () => done(() => undefined) },
    withTimeout,
    random: () => 0,
    storeTimeoutMs: 1_000,
    maxLandingChars: 1 << 20,
    stepsTimeoutMs: 1_000,
  });
  if (one.syncedAgoMs !== undefined) await coherence.ensureCurrent(now, 0, ctx);
  ({ now, reachable } = one);
  if (door === "memory" || door === "error") memory.put(entry, now);
  const load = async (): Promise<LoadResult> => {
    if (door === "error") throw new Error("the origin fails");
    return LOADED;
  };
  try {
    if (how === "alone") return await engine.lookup(entry.key, policy, { load }, ctx);
    const loadMany = async () => new Map([[entry.key, await load()]]);
    return (await batch.lookupMany([entry.key], policy, loadMany, ctx)).get(entry.key);
  } catch (error) {
    if (error instanceof CacheUnavailable) return undefined;
    throw error;
  } finally {
    await ctx.settle();
  }
}
