/** A shop whose products have an existence filter, and isolates that ask it. */
import { env } from "cloudflare:workers";
import { expect } from "vitest";
import type { FilterStore } from "../../src/core/existence-filter.ts";
import type { LogKey } from "../../src/core/invalidation-key.ts";
import { key } from "../../src/core/key.ts";
import { createExistence, type Existence } from "../../src/engine/existence.ts";
import { newHashKey } from "../../src/platform.ts";
import { createRedis } from "../../src/redis/client.ts";
import { createFilterStore } from "../../src/redis/filter-store.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";
import { createTestBreaker } from "../support/breakers.ts";
import { createTestIsolate, uniqueNamespace, type TestIsolate } from "../support/isolate.ts";

export const keyOf = (id: number) => key("product", id);
export const redis = createRedis({
  url: env.UPSTASH_REDIS_REST_URL,
  token: env.UPSTASH_REDIS_REST_TOKEN,
  timeoutMs: 5_000,
});

export interface Shop {
  readonly namespace: string;
  readonly filters: FilterStore;
  readonly ids: Set<number>;
}

export const openShop = (ids: readonly number[] = [1, 2, 3]): Shop => {
  const namespace = uniqueNamespace();
  return {
    namespace,
    filters: createFilterStore(redis, namespace, createTestBreaker()),
    ids: new Set(ids),
  };
};

export interface Reader {
  readonly isolate: TestIsolate;
  readonly existence: Existence;
  /** The answer of the filter at once. */
  ask(id: number): Promise<boolean>;
  /** The answer of the filter after the isolate has loaded it. */
  mayExist(id: number): Promise<boolean>;
  build(): Promise<unknown>;
}

export function open(
  { namespace, filters, ids }: Shop,
  host = "colo-a",
  listed = async () => [...ids].map(keyOf),
): Reader {
  const isolate = createTestIsolate({ namespace, host });
  const { store, coherence } = isolate.layer;
  const existence = createExistence({
    filters,
    store,
    coherence,
    newSeed: newHashKey,
    // So low that no test meets a false positive.
    rate: 1e-6,
    coherenceMs: 1_000,
    rebuildMs: 60_000,
    maxAgeMs: 3_600_000,
    reloadMs: 60_000,
    withTimeout,
  });
  existence.define({ name: "product", listKeys: listed });
  const ask = async (id: number) =>
    existence.mayExist("product", keyOf(id), [`product:${id}`], isolate.request().ctx);
  return {
    isolate,
    existence,
    ask,
    async mayExist(id) {
      await ask(id);
      existence.missed("product", isolate.request().ctx);
      await isolate.settle();
      return ask(id);
    },
    build: async () => (await existence.buildAll(isolate.request().ctx)).get("product"),
  };
}

export const purge = ({ isolate }: Reader, logKey: LogKey) =>
  isolate.layer.coherence.invalidate([logKey], isolate.request().ctx);

export const insert = async ({ isolate }: Reader, { ids }: Shop, id: number) => {
  ids.add(id);
  const { ctx } = isolate.request();
  expect(await isolate.layer.coherence.invalidate([`t:product:${id}`], ctx)).toMatchObject({
    ok: true,
  });
};
