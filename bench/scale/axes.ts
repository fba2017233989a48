/** The quantities that grow in `scale`, and the requests that are measured for each. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ServiceAddresses } from "../../dev/services.ts";
import { createRedis } from "../../src/redis/client.ts";
import { createRedisStore } from "../../src/redis/store.ts";
import { createIsolate, createLocalFlights } from "../support/isolates.ts";
import type { Variant } from "../support/subjects.ts";
import { ask } from "../tiers/load.ts";

/** The requests of one curve. */
export interface Subject {
  readonly curve: string;
  readonly x: number;
  readonly variant: Omit<Variant, "bindings" | "without">;
  readonly bindings?: Readonly<Record<string, string>>;
  /** One request of the variant does so many operations. */
  readonly operations: number;
}

export interface PlannedAxis {
  readonly id: string;
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly subjects: readonly Subject[];
  /** The curves that are to be flat. */
  readonly flat: readonly string[];
}

/** The keys that the hits of a curve read in turn. */
const HOT_KEYS = 1_000;
const FILL_AT_A_TIME = 5_000;
const READS = 20_000;
const US_PER_REQUEST = "processor time of a request, µs";
/** The tags of an invalidation every so many milliseconds. */
const TICK_MS = 20;

type Answer = Parameters<NonNullable<Variant["expects"]>>[0];
const isHit = ({ headers }: Answer): boolean => headers["x-cache-status"] === "HIT";
const isMiss = ({ headers }: Answer): boolean => headers["x-cache-status"] === "MISS";

async function send(url: string): Promise<void> {
  const { status } = await ask(url, 0);
  if (status !== 200) throw new Error(`${url}: status ${status}`);
}

/** Sends `keys` values through the memory of each isolate, and then reads the hot keys. */
function fill(keys: number, hot: (id: number) => string) {
  return async (urls: readonly string[]): Promise<void> => {
    for (const url of urls) {
      for (let from = HOT_KEYS; from < keys; from += FILL_AT_A_TIME)
        await send(`${url}/fill?from=${from}&count=${Math.min(FILL_AT_A_TIME, keys - from)}`);
      for (let id = 0; id < HOT_KEYS; id++) await send(`${url}${hot(id)}`);
    }
  };
}

const hotPath = (request: number): string => `/hit/${request % HOT_KEYS}`;
/** A new key for every second request, beside hits. */
const mixedPath = (request: number): string =>
  request % 2 === 0 ? hotPath(request / 2) : `/hit/new-${request}`;

const hitOf = (x: number, keys: number, isolates = 1): Subject => ({
  curve: "hit",
  x,
  operations: 1,
  variant: {
    name: `hit, ${x}`,
    // Each isolate gets every hot key.
    path: (request) => hotPath(Math.floor(request / isolates)),
    prepare: fill(keys, (id) => `/hit/${id}`),
    expects: isHit,
    isolates,
  },
});

const readOf = (x: number, keys: number): Subject => ({
  curve: "cache.read",
  x,
  operations: READS,
  variant: {
    name: `read, ${x}`,
    path: `/reads?count=${READS}`,
    requests: 8,
    prepare: async (urls) => {
      await fill(keys, (id) => `/hit/${id}`)(urls);
      for (const url of urls) await send(`${url}/fill?from=0&count=${HOT_KEYS}`);
    },
  },
});

const missOf = (x: number): Subject => ({
  curve: "miss with the log and Redis",
  x,
  operations: 1,
  variant: {
    name: `miss, ${x}`,
    path: (request) => `/miss/${request}`,
    requests: 300,
    prepare: fill(x, (id) => `/hit/${id}`),
    expects: isMiss,
  },
});

const mixOf = (x: number): Subject => ({
  curve: "half hits, half new keys",
  x,
  operations: 1,
  variant: { name: `mix, ${x}`, path: mixedPath, prepare: fill(x, (id) => `/hit/${id}`) },
});

/** MOST_KEYS shortens a run: to send a million keys through memory takes some 100 s of processor time, for each of four subjects. */
const MOST_KEYS = Number(process.env["MOST_KEYS"] ?? 1_000_000);
const KEYS = [1_000, 10_000, 100_000, 1_000_000].filter((keys) => keys <= MOST_KEYS);
const TAGS = [1, 4, 16, 64] as const;
const BYTES = [100, 1_000, 10_000, 100_000, 1_000_000] as const;
const RATES = [0, 10, 100, 1_000] as const;

const withTags = (subject: Subject): Subject => ({
  ...subject,
  bindings: { TAGS: `${subject.x}` },
});
const withBytes = (subject: Subject): Subject => ({
  ...subject,
  bindings: { BYTES: `${subject.x}` },
});

/** Invalidates tags that no entry has, `rate` of them a second, in the log of the namespace. */
function invalidating(services: ServiceAddresses, rate: number): NonNullable<Variant["beside"]> {
  const { redisUrl: url, redisToken: token } = services;
  const redis = createRedis({ url, token, timeoutMs: 10_000 });
  let sent = 0;
  return async (signal, namespace) => {
    const newId = (): string => crypto.randomUUID();
    const store = createRedisStore({ redis, namespace, newId, maxEntryChars: 2 ** 20 });
    const { coherence, request } = createIsolate(store, createLocalFlights());
    const startedAt = performance.now();
    for (let done = 0; !signal.aborted;) {
      const due = Math.floor(((performance.now() - startedAt) * rate) / 1_000) - done;
      const tags = Array.from({ length: due }, () => `t:other:${sent++}` as const);
      if (due > 0) await coherence.invalidate(tags, request());
      done += due;
      await sleep(TICK_MS);
    }
  };
}

export function planAxes(services: ServiceAddresses): readonly PlannedAxis[] {
  return [
    {
      id: "keys",
      title: "A request, after so many keys went through memory",
      x: "keys",
      y: US_PER_REQUEST,
      subjects: KEYS.flatMap((x) => [hitOf(x, x), mixOf(x), missOf(x)]),
      flat: ["hit"],
    },
    {
      id: "keys-read",
      title: "A read in memory, after so many keys went through memory",
      x: "keys",
      y: "processor time of a read, µs",
      subjects: KEYS.map((x) => readOf(x, x)),
      flat: ["cache.read"],
    },
    {
      id: "tags",
      title: "A hit of an entry with so many tags",
      x: "tags of an entry",
      y: US_PER_REQUEST,
      subjects: TAGS.map((x) => withTags(hitOf(x, HOT_KEYS))),
      flat: ["hit"],
    },
    {
      id: "tags-read",
      title: "A read in memory of an entry with so many tags",
      x: "tags of an entry",
      y: "processor time of a read, µs",
      subjects: TAGS.map((x) => withTags(readOf(x, HOT_KEYS))),
      flat: ["cache.read"],
    },
    {
      id: "invalidations",
      title: "A hit, while other tags are invalidated",
      x: "invalidations a second",
      y: US_PER_REQUEST,
      subjects: RATES.map((x) => {
        const subject = hitOf(x, HOT_KEYS);
        const beside = { requests: 5_000, ...(x > 0 && { beside: invalidating(services, x) }) };
        return { ...subject, variant: { ...subject.variant, ...beside } };
      }),
      flat: [],
    },
    {
      id: "bytes",
      title: "A hit of a body with so many bytes, beside the same route without a cache",
      x: "bytes of the body",
      y: US_PER_REQUEST,
      subjects: BYTES.flatMap((x) => {
        const requests = x > 10_000 ? 100 : 1_000;
        const hit = hitOf(x, HOT_KEYS);
        // 20 keys, so that large bodies fit into memory.
        const path = (request: number): string => `/hit/${request % 4}`;
        const prepare = async (urls: readonly string[]): Promise<void> => {
          for (let at = 0; at < 8; at++) await send(`${urls[0]}${path(at)}`);
        };
        const bare = { name: `bare, ${x}`, path: "/bare/1", requests };
        return [
          withBytes({ ...hit, variant: { ...hit.variant, path, prepare, requests } }),
          withBytes({ curve: "bare route", x, operations: 1, variant: bare }),
        ];
      }),
      flat: [],
    },
    {
      id: "isolates",
      title: "A hit, with so many isolates in one process",
      x: "isolates",
      y: US_PER_REQUEST,
      subjects: [1, 2, 4, 8].map((x) => hitOf(x, HOT_KEYS, x)),
      flat: [],
    },
  ];
}
