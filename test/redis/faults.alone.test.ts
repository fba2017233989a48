import { MAX_CHANGES } from "../../src/core/log.ts";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it } from "vitest";
import type { Fault } from "../../src/core/faults.ts";
import type { Result } from "../../src/core/result.ts";
import type { SharedStore } from "../../src/core/shared-store.ts";
import { createTestContext } from "../support/context.ts";
import { entryOf, invalidationKeysOf } from "../support/entries.ts";
import { clearFaults, failRedis, redisCommand } from "../support/gateway.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { createTestStore, type TestStoreOptions } from "./stores.ts";

const SECRET = "the-value-of-an-entry";
const ctx = createTestContext();
const storedAt = Date.now();
const entry = entryOf({
  storedAt,
  freshUntil: storedAt + 600_000,
  body: SECRET,
  invalidationKeys: invalidationKeysOf("product:1", "a-private-tag"),
});

const methods: readonly [string, (store: SharedStore) => Promise<Result<unknown>>][] = [
  ["read", (store) => store.read(["product:1"], 0, ctx)],
  ["verify", (store) => store.verify([["t:a-private-tag"]], 1, ctx)],
  ["sync", (store) => store.sync(1, MAX_CHANGES, ctx)],
  ["sync of a new isolate", (store) => store.sync(0, MAX_CHANGES, ctx)],
  ["establish", (store) => store.establish({ era: undefined, seq: 0 }, ctx)],
  ["write", (store) => store.write([entry], ctx)],
  ["delete", (store) => store.delete(["product:1"], ctx)],
  ["invalidate", (store) => store.invalidate(["t:a-private-tag"], [], ctx)],
  ["numbers", (store) => store.numbers(["t:a-private-tag"], ctx)],
  ["trim", (store) => store.trim(600_000, 100_000, ctx)],
];

/** The fault of every method of the store, in its first call, which sends the script, and in a later one. */
async function faultsOf(
  options: TestStoreOptions,
  cause: Readonly<Record<string, unknown>>,
): Promise<Record<string, Fault>> {
  const namespace = uniqueNamespace();
  const found: Record<string, Fault> = {};
  for (const [name, call] of methods) {
    const store = createTestStore(namespace, options);
    if (Object.keys(cause).length > 0) {
      expect(await call(store)).toMatchObject({ ok: true });
      await failRedis(cause);
    }
    for (const [age, one] of [
      ["first", createTestStore(namespace, options)],
      ["later", store],
    ] as const) {
      const result = await call(one);
      if (result.ok) throw new Error(`${name} (${age}) is ok, though Redis fails`);
      found[`${name}, ${age} call`] = result.fault;
    }
    await clearFaults();
  }
  return found;
}

/** The codes of the faults. Checks that no message contains a secret. */
function codesOf(faults: Record<string, Fault>): Set<string> {
  for (const { message } of Object.values(faults)) {
    expect(message).not.toBe("");
    expect(message.length).toBeLessThanOrEqual(120);
    const { UPSTASH_REDIS_REST_TOKEN: token } = env;
    for (const secret of [SECRET, "a-private-tag", "product:1", token])
      expect(message).not.toContain(secret);
  }
  return new Set(Object.values(faults).map(({ code }) => code));
}

describe("faults of the store: classified results without secrets", () => {
  afterEach(clearFaults);

  it("every method of the shared store returns the error code `redis.timeout` if Redis hangs", async () => {
    const faults = await faultsOf({ timeoutMs: 150 }, { hang: "before" });
    expect(codesOf(faults)).toEqual(new Set(["redis.timeout"]));
  });

  it.each([500, 503, 429])(
    "every method of the shared store returns the error code `redis.unavailable` if Redis answers with status %d",
    async (status) => {
      expect(codesOf(await faultsOf({}, { status }))).toEqual(new Set(["redis.unavailable"]));
    },
  );

  it("every method of the shared store returns the error code `redis.unavailable` if the connection is reset", async () => {
    expect(codesOf(await faultsOf({}, { reset: true }))).toEqual(new Set(["redis.unavailable"]));
  });

  it("every method of the shared store returns the error code `redis.unavailable` if the response is truncated", async () => {
    expect(codesOf(await faultsOf({}, { truncate: true }))).toEqual(new Set(["redis.unavailable"]));
  });

  it("every method of the shared store returns the error code `redis.unavailable` if the connection is refused", async () => {
    expect(codesOf(await faultsOf({ url: "http://127.0.0.1:9" }, {}))).toEqual(
      new Set(["redis.unavailable"]),
    );
  });

  it("every method of the shared store returns the error code `redis.unavailable` if a server other than Redis responds", async () => {
    expect(codesOf(await faultsOf({ url: env.SERVICES_URL }, {}))).toEqual(
      new Set(["redis.unavailable"]),
    );
  });

  it("every method of the shared store returns the error code `redis.rejected` for a wrong token", async () => {
    expect(codesOf(await faultsOf({ token: "a-wrong-token" }, {}))).toEqual(
      new Set(["redis.rejected"]),
    );
  });

  it("every method that uses the invalidation log returns the error code `redis.rejected` if the Redis key of the log has a wrong type", async () => {
    const namespace = uniqueNamespace();
    await redisCommand("SET", `${namespace}:inv`, SECRET);
    const faults: Record<string, Fault> = {};
    for (const [name, call] of methods) {
      if (name === "write" || name === "delete") continue;
      const result = await call(createTestStore(namespace));
      if (result.ok) throw new Error(`${name} is ok`);
      faults[name] = result.fault;
    }
    expect(codesOf(faults)).toEqual(new Set(["redis.rejected"]));
  });
});
