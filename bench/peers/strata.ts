import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startServices, type Services } from "../../dev/services.ts";
import { definePolicy } from "../../src/core/policy.ts";
import type { SharedStore } from "../../src/core/shared-store.ts";
import { createRedis } from "../../src/redis/client.ts";
import { createRedisStore } from "../../src/redis/store.ts";
import { createIsolate, createLocalFlights } from "../support/isolates.ts";
import { createReadGate } from "./shared-map.ts";
import type { Subject } from "./subject.ts";

const { version } = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"),
) as { version: string };

let starting: Promise<Services> | undefined;
let deployments = 0;

/** Memory, Redis over its REST protocol, and the flight object's logic, with default settings. */
export const strata: Subject = {
  name: "Strata",
  version,
  setup: "memory + Redis (embedded, over REST) + flights",
  async create({ processes }) {
    starting ??= startServices({ redis: "embedded", seed: false });
    const services = await starting;
    const namespace = `peers-${++deployments}`;
    const gate = createReadGate();
    const flights = createLocalFlights();
    const isolates = Array.from({ length: processes }, () => {
      const store = createRedisStore({
        redis: createRedis({
          url: services.redisUrl,
          token: services.redisToken,
          timeoutMs: 5_000,
        }),
        namespace,
        newId: () => crypto.randomUUID(),
        maxEntryChars: 2 ** 20,
      });
      const gated: SharedStore = {
        ...store,
        async read(keys, since, ctx) {
          const answer = await store.read(keys, since, ctx);
          await gate.pass();
          return answer;
        },
      };
      return createIsolate(gated, flights);
    });
    return {
      shared: gate.level,
      processes: isolates.map(({ coherence, request, read }) => ({
        read: (key, { ttlMs, tags = [] }, load) =>
          read(`peer:${key}`, definePolicy({ freshFor: ttlMs, tags }), load),
        delete: (key) => coherence.invalidate([`k:peer:${key}`], request()),
        deleteByTag: (tag) => coherence.invalidate([`t:${tag}`], request()),
      })),
      close: () => Promise.resolve(),
    };
  },
  async end() {
    await (await starting)?.close();
  },
};
