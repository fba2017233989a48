/** The clients of a simulated cluster: what they read and write, and how the history learns of it. */
import { CacheUnavailable } from "../../src/core/faults.ts";
import { definePolicy, type Policy } from "../../src/core/policy.ts";
import type { DataLookup, DataReader, LoadMany } from "../../src/core/data-reader.ts";
import { COHERENCE_MS, ORIGIN_TIMEOUT_MS, THING, type Cluster, type Isolate } from "./cluster.ts";
import type { PlantedFault } from "./faults.ts";
import type { History, ReadResult } from "./history.ts";
import type { VirtualTime } from "./virtual-time.ts";
import { createWriteClients, type WriteClients } from "./write-clients.ts";

/** Each region runs its own load of a key whose policy has flight: region. */
const REGIONS = 2;

export interface Clients extends WriteClients {
  read(isolate: Isolate, key: string): Promise<void>;
  /** Reads a value whose loader reads another one, whose loader reads the key. */
  readNested(isolate: Isolate, key: string): Promise<void>;
  /** Reads several keys at once. They have the policy of the first. */
  readMany(isolate: Isolate, keys: readonly string[]): Promise<void>;
  warm(isolate: Isolate, key: string): Promise<void>;
  /** Reads a key that may not exist, if the existence filter does not exclude it. */
  look(isolate: Isolate, key: string): Promise<void>;
  relay(isolate: Isolate): Promise<unknown>;
  /** Runs the relay and builds the existence filters, as the cron trigger does. */
  cron(isolate: Isolate): Promise<unknown>;
  /** After all failures: reads each key until memory must have it, and once more. */
  readInPeace(isolate: Isolate, keys: readonly string[]): Promise<void>;
}

export interface ClientsOptions {
  readonly cluster: Cluster;
  readonly time: VirtualTime;
  readonly history: History;
  readonly fault: PlantedFault;
  readonly keys: readonly string[];
  /** The longest time that the load of a nested value takes beside the reads that it makes. */
  readonly nestedMs: number;
}

export function createClients(options: ClientsOptions): Clients {
  const { cluster, time, history, fault, keys, nestedMs } = options;
  const { rows } = cluster;
  const policies = new Map(keys.map((key, i) => [key, policyOf(i, fault)]));

  async function load(isolate: Isolate, key: string): Promise<number | undefined> {
    const limit = policies.get(key)?.flight === "global" ? 1 : REGIONS;
    const ended = history.loadBegins(key, limit, time.now());
    try {
      await time.sleep(time.random() * 60);
      if (cluster.origin === "failing") throw new Error("origin failed");
      // The row is read at one instant inside the load.
      const value = rows.get(key) ?? (isThing(key) ? undefined : 0);
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
      const values = await Promise.all(names.map(async (key) => load(isolate, key)));
      return new Map(names.map((key, i) => [key, values[i] ?? 0]));
    };
  }

  type Found = Pick<ReadResult, "value" | "unreachable" | "status">;

  /** Makes reads of these keys, and notes their results in the history. */
  async function observe(
    isolate: Isolate,
    names: readonly string[],
    nested: boolean,
    work: () => Promise<readonly Found[]>,
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
    ...createWriteClients({
      cluster,
      time,
      history,
      tagOf,
      entryOf: (key, value) => ({
        key,
        policy: policies.get(key) ?? BATCH,
        value,
        tags: [tagOf(key)],
      }),
    }),

    async read(isolate, key) {
      const { reader } = isolate.request();
      await observe(isolate, [key], false, async () => [await readItem(isolate, reader, key)]);
    },

    async readNested(isolate, key) {
      const { reader } = isolate.request();
      const id = key.slice(-1);
      const list = async () => (await readItem(isolate, reader, key)).value;
      const page = async () => {
        const { value } = await reader.read(`list:${id}`, NESTED, list);
        await time.sleep(nestedMs * (0.5 + time.random() / 2));
        return value;
      };
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

    async look(isolate, key) {
      const { ctx, reader } = isolate.request();
      await observe(isolate, [key], false, async () => {
        if (!(await isolate.existence.mayExist(THING, key, [tagOf(key)], ctx)))
          return [{ value: 0, unreachable: false, status: "excluded" }];
        const { value, unreachable, status } = await readItem(isolate, reader, key);
        if (value === undefined) isolate.existence.missed(THING, ctx);
        return [{ value: value ?? 0, unreachable, status }];
      });
    },

    relay: (isolate) => isolate.writer.relay(isolate.request().ctx),

    cron(isolate) {
      const { ctx } = isolate.request();
      return Promise.all([isolate.writer.relay(ctx), isolate.existence.buildAll(ctx)]);
    },

    async readInPeace(isolate, names) {
      for (const key of names) {
        const read = () => readItem(isolate, isolate.request().reader, key);
        await read();
        // A refresh that the first read has started ends meanwhile.
        await time.sleep(2_000);
        await read();
        const { status, unreachable } = await read();
        if (!IN_MEMORY.has(status) || unreachable)
          history.found(`${isolate.name} read ${key} in peace: ${status}, not from memory`);
      }
    },
  };
}

/** A stale entry of memory answers while it is refreshed. */
const IN_MEMORY: ReadonlySet<string> = new Set(["hit-memory", "stale"]);
const UNAVAILABLE = { value: undefined, unreachable: true, status: "unavailable" } as const;
const isThing = (key: string): boolean => key.startsWith(`${THING}:`);
const tagOf = (key: string): string => `${isThing(key) ? "made" : "found"}-${key.slice(-1)}`;

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
