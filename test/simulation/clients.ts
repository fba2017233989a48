/** The clients of a simulated cluster: what they read and write, and how the history learns of it. */
import { CacheUnavailable } from "../../src/core/faults.ts";
import { definePolicy, type Policy } from "../../src/core/policy.ts";
import type { DataLookup, DataReader, LoadMany } from "../../src/core/data-reader.ts";
import { invalidationKeyOfTag, SOFT, type LogKey } from "../../src/core/invalidation-key.ts";
import { logKeysOfThrough } from "../../src/writes/through.ts";
import { COHERENCE_MS, ORIGIN_TIMEOUT_MS, type Cluster, type Isolate } from "./cluster.ts";
import type { PlantedFault } from "./faults.ts";
import type { History, ReadResult } from "./history.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** How long after an invalidation it is verified, as the relay does: a lost number is noticed then. */
const VERIFY_MS = 5_000;

/** Each region runs its own load of a key whose policy has flight: region. */
const REGIONS = 2;

/**
 * How a write makes older values unusable: it invalidates a tag that only the load adds, the key, its
 * prefix or the namespace. `soft` makes them stale. `through` also stores the written value.
 */
export const WRITES = ["tag", "key", "prefix", "namespace", "soft", "through"] as const;
export type Write = (typeof WRITES)[number];

export interface Clients {
  read(isolate: Isolate, key: string): Promise<void>;
  /** Reads a value whose loader reads another one, whose loader reads the key. */
  readNested(isolate: Isolate, key: string): Promise<void>;
  /** Reads several keys at once. They have the policy of the first. */
  readMany(isolate: Isolate, keys: readonly string[]): Promise<void>;
  warm(isolate: Isolate, key: string): Promise<void>;
  write(isolate: Isolate, key: string, by: Write): Promise<void>;
}

export interface ClientsOptions {
  readonly cluster: Cluster;
  readonly time: VirtualTime;
  readonly history: History;
  readonly fault: PlantedFault;
  readonly keys: readonly string[];
}

export function createClients({ cluster, time, history, fault, keys }: ClientsOptions): Clients {
  const { redis, rows } = cluster;
  const policies = new Map(keys.map((key, i) => [key, policyOf(i, fault)]));

  async function load(isolate: Isolate, key: string): Promise<number> {
    const limit = policies.get(key)?.flight === "global" ? 1 : REGIONS;
    const ended = history.loadBegins(key, limit, time.now());
    try {
      await time.sleep(time.random() * 60);
      if (cluster.origin === "failing") throw new Error("origin failed");
      // The row is read at one instant inside the load.
      const value = rows.get(key) ?? 0;
      const slow = cluster.origin === "slow" ? 1_500 : 250;
      await time.sleep(time.random() * slow);
      // The load of a crashed isolate never ends.
      if (!isolate.alive) await new Promise(() => undefined);
      return value;
    } finally {
      ended();
    }
  }

  function readItem(
    isolate: Isolate,
    reader: DataReader,
    key: string,
  ): Promise<DataLookup<number>> {
    return reader.read<number>(key, policies.get(key) ?? BATCH, (context) => {
      context.tag(tagOf(key));
      return load(isolate, key);
    });
  }

  function loadMany(isolate: Isolate): LoadMany<number> {
    return async (names, context) => {
      for (const key of names) context.tagKey(key, tagOf(key));
      const values = await Promise.all(
        names.map(async (key) => [key, await load(isolate, key)] as const),
      );
      return new Map(values);
    };
  }

  /** Makes reads of these keys, and notes their results in the history. */
  async function observe(
    isolate: Isolate,
    names: readonly string[],
    nested: boolean,
    work: () => Promise<readonly DataLookup<number>[]>,
  ): Promise<void> {
    const ends = names.map((key) => history.readBegins(key, isolate.name, time.now()));
    const note = (result: Omit<ReadResult, "at" | "nested">, end: (result: ReadResult) => void) =>
      end({ ...result, nested, at: time.now() });
    try {
      const found = await work();
      for (const [i, end] of ends.entries()) note(found[i] ?? UNAVAILABLE, end);
    } catch (error) {
      if (!(error instanceof CacheUnavailable)) throw error;
      for (const end of ends) note(UNAVAILABLE, end);
    }
  }

  return {
    async read(isolate, key) {
      const { reader } = isolate.request();
      await observe(isolate, [key], false, async () => [await readItem(isolate, reader, key)]);
    },

    async readNested(isolate, key) {
      const { reader } = isolate.request();
      const id = key.slice(-1);
      const list = async () => (await readItem(isolate, reader, key)).value;
      const page = async () => (await reader.read(`list:${id}`, NESTED, list)).value;
      await observe(isolate, [key], true, async () => [
        await reader.read<number>(`page:${id}`, NESTED, page),
      ]);
    },

    async readMany(isolate, names) {
      const { reader } = isolate.request();
      await observe(isolate, names, false, async () => {
        const policy = policies.get(names[0] ?? "") ?? BATCH;
        const found = await reader.readMany<number>(
          names,
          fault === "batches-not-coalesced" ? { ...policy, flight: "off" } : policy,
          loadMany(isolate),
        );
        return names.flatMap((key) => found.get(key) ?? []);
      });
    },

    async warm(isolate, key) {
      const { reader } = isolate.request();
      for await (const progress of reader.warm([key], BATCH, loadMany(isolate))) void progress;
    },

    /** Commits, invalidates until that is acknowledged, and verifies, as the writer and its relay do. */
    async write(isolate, key, by) {
      await time.sleep(time.random() * 30);
      const before = isolate.through.logPosition();
      const version = (rows.get(key) ?? 0) + 1;
      rows.set(key, version);
      const written = history.committed(key, version, time.now(), by === "soft");
      const logKey = logKeyOf(key, by);
      const { ctx } = isolate.request();
      const entry = { key, policy: policies.get(key) ?? BATCH, value: version, tags: [tagOf(key)] };
      const watched = by === "through" ? logKeysOfThrough(entry) : [];
      isolate.coherence.markInvalidated([logKey]);
      for (let attempt = 0; ; attempt++) {
        const answer = await isolate.coherence.invalidate([logKey], ctx, watched);
        if (answer.ok) {
          if (by === "through" && attempt === 0)
            await isolate.through.put(entry, before, answer.value, ctx);
          written(time.now());
          await time.sleep(VERIFY_MS);
          if (redis.has(logKey, answer.value.seq)) return written(time.now(), true);
        } else await time.sleep(500);
      }
    },
  };
}

const UNAVAILABLE = { value: undefined, unreachable: true, status: "unavailable" } as const;
const tagOf = (key: string): string => `found-${key.slice(-1)}`;

function logKeyOf(key: string, by: Write): LogKey {
  switch (by) {
    case "tag":
      return invalidationKeyOfTag(tagOf(key));
    case "prefix":
      return `p:${key.slice(0, key.indexOf(":") + 1)}`;
    case "namespace":
      return "n:";
    case "soft":
      return `${SOFT}k:${key}`;
    case "key":
    case "through":
      return `k:${key}`;
  }
}

/** The policy of values that are made of others. */
const NESTED = definePolicy({
  freshFor: 15_000,
  staleIfError: 10_000,
  coherence: COHERENCE_MS,
  originTimeout: ORIGIN_TIMEOUT_MS,
  flight: "region",
});
/** The policy of warms. */
const BATCH = definePolicy({
  freshFor: 4_000,
  staleWhileRevalidate: 2_000,
  staleIfError: 10_000,
  coherence: COHERENCE_MS,
  originTimeout: ORIGIN_TIMEOUT_MS,
});

/** Policies with lifetimes so short that an entry passes through all of them in a schedule. */
function policyOf(i: number, fault: PlantedFault): Policy {
  return definePolicy({
    freshFor: i % 2 === 0 ? 20_000 : 2_000,
    staleWhileRevalidate: i % 2 === 0 ? 0 : 3_000,
    staleIfError: 10_000,
    jitter: 0.2,
    coherence: COHERENCE_MS,
    originTimeout: ORIGIN_TIMEOUT_MS,
    flight: fault === "coalescing-off" ? "off" : i === 1 ? "global" : "region",
  });
}
