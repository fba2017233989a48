import { env } from "cloudflare:workers";
import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { StoreRpc } from "../../src/durable/store-rpc.ts";
import { storeStub } from "../../src/durable/stubs.ts";
import { createTestContext } from "../support/context.ts";
import { invalidationKeysOf } from "../support/entries.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { valueOf } from "../redis/stores.ts";
import { createTestDurableStore, sqlIn } from "./durable-subject.ts";
import { living } from "./entries-contract.ts";

const ctx = createTestContext();

/** A stub whose methods fail with these errors, one after the other, before the object is called. */
function failing(errors: readonly object[]) {
  const calls: string[] = [];
  const left = [...errors];
  const stub = (name: string): StoreRpc =>
    new Proxy(storeStub(env.STRATA, name), {
      get: (target, method: keyof StoreRpc) => {
        return (...args: readonly never[]) => {
          calls.push(`${name} ${method}`);
          const error = left.shift();
          if (error !== undefined) return Promise.reject(Object.assign(new Error("no"), error));
          return (target[method] as (...own: readonly never[]) => unknown)(...args);
        };
      },
    });
  return { stub, calls };
}

describe("a call of the object of the shared store", () => {
  it.each<[string, object, number, string]>([
    ["is sent again once if the platform says that it may be", { retryable: true }, 2, "ok"],
    ["is not sent again if the object is overloaded", { retryable: true, overloaded: true }, 1, ""],
    ["is not sent again after another error", {}, 1, ""],
  ])("a call that fails %s", async (_, error, count, outcome) => {
    const { stub, calls } = failing([error]);
    const answer = await createTestDurableStore(uniqueNamespace(), { stub }).numbers([], ctx);
    expect(calls).toHaveLength(count);
    expect(answer.ok ? "ok" : answer.fault.code).toBe(outcome || "store.unavailable");
  });

  it("a call that fails twice is a fault, and is not sent a third time", async () => {
    const { stub, calls } = failing([{ retryable: true }, { retryable: true }]);
    const answer = await createTestDurableStore(uniqueNamespace(), { stub }).sync(0, 10, ctx);
    expect(answer).toMatchObject({ fault: { code: "store.unavailable", message: "no" } });
    expect(calls).toHaveLength(2);
  });

  it("a call without an answer is the fault store.timeout at its deadline", async () => {
    const stub = () => ({ sync: () => new Promise(() => undefined) }) as unknown as StoreRpc;
    const store = createTestDurableStore(uniqueNamespace(), { stub, timeoutMs: 20 });
    expect(await store.sync(0, 10, ctx)).toMatchObject({ fault: { code: "store.timeout" } });
  });

  it("a probe asks the entry object whose call has failed, until that object answers, and then the log object", async () => {
    const { stub, calls } = failing([{}]);
    const namespace = uniqueNamespace();
    const store = createTestDurableStore(namespace, { stub, shards: 3 });
    expect((await store.read(["a:1"], 0, ctx)).ok).toBe(false);
    const [object] = (calls[0] ?? "").split(" ");
    expect(object).toMatch(/-entries-\d$/);
    calls.length = 0;
    for (let i = 0; i < 2; i++) expect((await store.probe()).ok).toBe(true);
    expect(calls).toEqual([`${object} ping`, `${namespace}-store ping`]);
  });

  it("a read of 20 keys is one request if one object holds entries and log", async () => {
    const { stub, calls } = failing([]);
    const namespace = uniqueNamespace();
    const keys = Array.from({ length: 20 }, (_, i) => `a:${i}`);
    await createTestDurableStore(namespace, { stub }).read(keys, 0, ctx);
    expect(calls).toEqual([`${namespace}-store read`]);
  });

  it("a read of 20 keys asks each entry object once, and then the log object once, if the entries have objects of their own", async () => {
    const { stub, calls } = failing([]);
    const namespace = uniqueNamespace();
    const store = createTestDurableStore(namespace, { stub, shards: 3 });
    const keys = Array.from({ length: 20 }, (_, i) => `a:${i}`);
    valueOf(
      await store.write(
        keys.map((key) => living({ key })),
        ctx,
      ),
    );
    calls.length = 0;
    const { found } = valueOf(await store.read(keys, 0, ctx));
    expect(found.map((one) => one?.entry.key)).toEqual(keys);
    expect(calls.toSorted()).toEqual([
      ...[0, 1, 2].map((shard) => `${namespace}-entries-${shard} texts`),
      `${namespace}-store verify`,
    ]);
    expect(calls.at(-1)).toBe(`${namespace}-store verify`);
  });

  it("an entry that is purged between the answer of its entry object and that of the log has the number of the purge", async () => {
    const namespace = uniqueNamespace();
    const plain = createTestDurableStore(namespace, { shards: 1 });
    valueOf(await plain.write([living({ key: "a:1" })], ctx));
    const stub = (name: string): StoreRpc => {
      const object = storeStub(env.STRATA, name);
      return {
        texts: (keys: readonly string[]) => object.texts(keys),
        async verify(...args: Parameters<StoreRpc["verify"]>) {
          valueOf(await plain.invalidate(["k:a:1"], [], ctx));
          return object.verify(...args);
        },
      } as unknown as StoreRpc;
    };
    const store = createTestDurableStore(namespace, { shards: 1, stub });
    const { found, log } = valueOf(await store.read(["a:1"], 0, ctx));
    expect(found[0]?.hard).toBe(log.seq);
  });
});

describe("an entry that a row cannot hold", () => {
  it("an entry of 700,000 characters with more than 2 MB is refused as too big, although its characters are within the limit", async () => {
    const store = createTestDurableStore(uniqueNamespace(), { maxEntryChars: 2_000_000 });
    const own = createTestContext();
    const answer = await store.write([living({ key: "a:1", body: "€".repeat(700_000) })], own);
    expect(answer).toMatchObject({ fault: { code: "store.rejected" } });
    const refused = { type: "entry.reject", key: "a:1", tier: "redis", reason: "too-big" };
    expect(own.events).toContainEqual(refused);
  });

  it("an entry just below the limit of a row is stored, and reads back as it was written", async () => {
    const store = createTestDurableStore(uniqueNamespace(), { maxEntryChars: 2_000_000 });
    const entry = living({ key: "a:1", body: "x".repeat(1_990_000) });
    valueOf(await store.write([entry], ctx));
    expect(valueOf(await store.read(["a:1"], 0, ctx)).found[0]?.entry).toEqual(entry);
  });

  it("a body with a NUL character is stored as it is", async () => {
    const store = createTestDurableStore(uniqueNamespace());
    const entry = living({ key: "a:1", body: "a\0b" });
    valueOf(await store.write([entry], ctx));
    expect(valueOf(await store.read(["a:1"], 0, ctx)).found[0]?.entry).toEqual(entry);
  });
});

describe("the alarm of the object of the shared store", () => {
  const stubOf = (name: string) => env.STRATA.get(env.STRATA.idFromName(name));

  it("the alarm removes expired entries, 1,000 at a time, and keeps the others", async () => {
    const namespace = uniqueNamespace();
    const object = `${namespace}-store`;
    const store = createTestDurableStore(namespace);
    valueOf(await store.write([living({ key: "a:1" })], ctx));
    await sqlIn(
      object,
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
       INSERT INTO entries SELECT 'old:' || i, i, 1, 'x' FROM n`,
    );
    const count = async () => (await sqlIn(object, "SELECT count(*) AS n FROM entries"))[0]?.["n"];
    expect(await runDurableObjectAlarm(stubOf(object))).toBe(true);
    expect(await count()).toBe(501);
    expect(await runDurableObjectAlarm(stubOf(object))).toBe(true);
    expect(await count()).toBe(1);
  });

  it("an object without entries and log keys has no alarm after the last one has run", async () => {
    const namespace = uniqueNamespace();
    const object = `${namespace}-store`;
    const store = createTestDurableStore(namespace);
    valueOf(await store.write([living({ key: "a:1" })], ctx));
    valueOf(await store.delete(["a:1"], ctx));
    expect(await runDurableObjectAlarm(stubOf(object))).toBe(true);
    expect(await runDurableObjectAlarm(stubOf(object))).toBe(false);
    valueOf(await store.invalidate(["t:a"], [], ctx));
    expect(await runDurableObjectAlarm(stubOf(object))).toBe(true);
  });

  it("the alarm removes numbers that are older than 7 days", async () => {
    const namespace = uniqueNamespace();
    const object = `${namespace}-store`;
    const store = createTestDurableStore(namespace);
    const { seq } = valueOf(await store.invalidate(["t:a"], [], ctx));
    await runDurableObjectAlarm(stubOf(object));
    expect(valueOf(await store.numbers(["t:a"], ctx))).toEqual([seq]);
    await sqlIn(object, "UPDATE marks SET at = at - 8 * 86400000");
    await runDurableObjectAlarm(stubOf(object));
    expect(valueOf(await store.numbers(["t:a"], ctx))).toEqual([0]);
    expect(valueOf(await store.sync(0, 10, ctx)).floor).toBe(seq);
  });
});

describe("the tables of another version", () => {
  it("an object whose tables a newer version has made refuses every call, so that the caller gets a fault", async () => {
    const namespace = uniqueNamespace();
    const store = createTestDurableStore(namespace);
    const stub = env.STRATA.get(env.STRATA.idFromName(`${namespace}-store`));
    await sqlIn(`${namespace}-store`, "UPDATE meta SET schema = 2");
    await evictDurableObject(stub);
    expect(await store.sync(0, 10, ctx)).toMatchObject({ fault: { code: "store.unavailable" } });
  });
});

describe("an object that restarts", () => {
  it("entries and numbers that the object has acknowledged are there after it lost its memory", async () => {
    const namespace = uniqueNamespace();
    const store = createTestDurableStore(namespace);
    const entry = living({ key: "a:1", invalidationKeys: invalidationKeysOf("a:1", "a") });
    valueOf(await store.write([entry], ctx));
    const { seq, era } = valueOf(await store.invalidate(["t:a"], [], ctx));
    const stub = env.STRATA.get(env.STRATA.idFromName(`${namespace}-store`));
    await evictDurableObject(stub);
    const { found, log } = valueOf(await store.read(["a:1"], 0, ctx));
    expect(found).toEqual([{ entry, hard: seq, soft: 0, unconfirmed: 0 }]);
    expect(log).toMatchObject({ era, seq });
  });
});
