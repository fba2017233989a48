import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it } from "vitest";
import type { Fault } from "../../src/core/faults.ts";
import type { Result } from "../../src/core/result.ts";
import type { SharedStore } from "../../src/core/shared-store.ts";
import { createTestContext } from "../support/context.ts";
import { entryOf, taggedMembers } from "../support/entries.ts";
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
  invalidationKeys: taggedMembers("product:1", "a-private-tag"),
});

const methods: readonly [string, (store: SharedStore) => Promise<Result<unknown>>][] = [
  ["read", (store) => store.read(["product:1"], undefined, ctx)],
  ["verify", (store) => store.verify(["t:a-private-tag"], 1, ctx)],
  ["sync", (store) => store.sync(1, ctx)],
  ["sync of a fresh isolate", (store) => store.sync(undefined, ctx)],
  ["establish", (store) => store.establish({ era: undefined, seq: undefined }, ctx)],
  ["write", (store) => store.write([entry], ctx)],
  ["delete", (store) => store.delete(["product:1"], ctx)],
  ["invalidate", (store) => store.invalidate(["t:a-private-tag"], ctx)],
  ["numbers", (store) => store.numbers(["t:a-private-tag"], ctx)],
  ["trim", (store) => store.trim(600_000, ctx)],
];

/** What goes wrong with every method of a store, as it is now and once its scripts are known. */
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

/** The codes of the faults, each once. None of them may say a word too much. */
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

describe("a fault of Redis is a result, is classified, and tells no secret:", () => {
  afterEach(clearFaults);

  it("no answer within the deadline", async () => {
    const faults = await faultsOf({ timeoutMs: 150 }, { hang: "before" });
    expect(codesOf(faults)).toEqual(new Set(["redis.timeout"]));
  });

  it.each([500, 503, 429])("an error of status %d", async (status) => {
    expect(codesOf(await faultsOf({}, { status }))).toEqual(new Set(["redis.unavailable"]));
  });

  it("a connection that breaks", async () => {
    expect(codesOf(await faultsOf({}, { reset: true }))).toEqual(new Set(["redis.unavailable"]));
  });

  it("an answer that is cut off", async () => {
    expect(codesOf(await faultsOf({}, { truncate: true }))).toEqual(new Set(["redis.unavailable"]));
  });

  it("nobody there", async () => {
    expect(codesOf(await faultsOf({ url: "http://127.0.0.1:9" }, {}))).toEqual(
      new Set(["redis.unavailable"]),
    );
  });

  it("something else there", async () => {
    expect(codesOf(await faultsOf({ url: env.SERVICES_URL }, {}))).toEqual(
      new Set(["redis.unavailable"]),
    );
  });

  it("a wrong token", async () => {
    expect(codesOf(await faultsOf({ token: "a-wrong-token" }, {}))).toEqual(
      new Set(["redis.rejected"]),
    );
  });

  it("a key of another type", async () => {
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
