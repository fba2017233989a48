import { MAX_CHANGES } from "../../src/core/log.ts";
import { beforeAll, describe, expect, it } from "vitest";
import type { SharedStore } from "../../src/core/shared-store.ts";
import { createTestContext } from "../support/context.ts";
import { entryOf } from "../support/entries.ts";
import { countRedis, redisCommand } from "../support/gateway.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { createTestStore, valueOf } from "./stores.ts";

const namespace = uniqueNamespace();
const ctx = createTestContext();
const storedAt = Date.now();
const entries = ["a:1", "a:2", "a:3"].map((key) =>
  entryOf({ key, storedAt, freshUntil: storedAt + 600_000 }),
);
const keys = entries.map(({ key }) => key);

const TWO_THOUSAND = Array.from({ length: 2_000 }, (_, at) => `t:${at}` as const);
const THOUSAND = Array.from({ length: 1_000 }, (_, at) => ["n:", `t:${at}`] as const);

interface Call {
  readonly method: string;
  readonly run: (store: SharedStore) => Promise<{ readonly ok: boolean }>;
  /** As Upstash bills them: one for a script and one for each command that it calls. */
  readonly commands: number;
}

const calls: readonly Call[] = [
  {
    method: "read of one key by a new isolate",
    run: (store) => store.read(["a:1"], 0, ctx),
    commands: 4,
  },
  { method: "read of one key", run: (store) => store.read(["a:1"], 1, ctx), commands: 4 },
  { method: "read of three keys", run: (store) => store.read(keys, 1, ctx), commands: 4 },
  {
    method: "read of a missing key",
    run: (store) => store.read(["b:1"], 0, ctx),
    commands: 3,
  },
  {
    method: "verify of one entry",
    run: (store) => store.verify([["t:a", "n:"]], 1, ctx),
    commands: 3,
  },
  {
    method: "verify of 1,000 entries with two invalidation keys each, one of which they share",
    run: (store) => store.verify(THOUSAND, 1, ctx),
    commands: 3,
  },
  { method: "sync", run: (store) => store.sync(1, MAX_CHANGES, ctx), commands: 1 },
  {
    method: "sync by a new isolate",
    run: (store) => store.sync(0, MAX_CHANGES, ctx),
    commands: 1,
  },
  {
    method: "write of one entry",
    run: (store) => store.write(entries.slice(0, 1), ctx),
    commands: 1,
  },
  { method: "write of three entries", run: (store) => store.write(entries, ctx), commands: 3 },
  { method: "delete", run: (store) => store.delete(["b:1", "b:2"], ctx), commands: 1 },
  {
    method: "invalidate of one tag",
    run: (store) => store.invalidate(["t:a"], [], ctx),
    commands: 5,
  },
  {
    method: "invalidate of 2,000 tags",
    run: (store) => store.invalidate(TWO_THOUSAND, [], ctx),
    commands: 5,
  },
  { method: "invalidate", run: (store) => store.invalidate(["t:a", "n:"], [], ctx), commands: 5 },
  { method: "numbers", run: (store) => store.numbers(["t:a", "n:"], ctx), commands: 1 },
  {
    method: "establish",
    run: (store) => store.establish({ era: undefined, seq: 0 }, ctx),
    commands: 4,
  },
  { method: "trim", run: (store) => store.trim(600_000, 100_000, ctx), commands: 7 },
];

/** The calls that run a script, which has to be sent again if the database lost it. */
const scripted = calls.filter(({ method }) =>
  /^(?:read|verify|invalidate|establish|trim)/.test(method),
);

describe("requests of the store", () => {
  beforeAll(async () => {
    const store = createTestStore(namespace);
    valueOf(await store.establish({ era: undefined, seq: 0 }, ctx));
    valueOf(await store.write(entries, ctx));
  });

  it.each(calls)(
    "the first call of a shared-store method in an isolate sends one Redis request with $commands commands (method: $method)",
    async ({ run, commands }) => {
      await redisCommand("SCRIPT", "FLUSH");
      const store = createTestStore(namespace);
      const counts = await countRedis(async () =>
        expect(await run(store)).toMatchObject({ ok: true }),
      );
      expect(counts).toEqual({ requests: 1, commands });
    },
  );

  it.each(calls)(
    "each later call of a shared-store method in an isolate sends one Redis request with $commands commands (method: $method)",
    async ({ run, commands }) => {
      const store = createTestStore(namespace);
      await run(store);
      const counts = await countRedis(async () => {
        for (let i = 0; i < 3; i++) expect(await run(store)).toMatchObject({ ok: true });
      });
      expect(counts).toEqual({ requests: 3, commands: 3 * commands });
    },
  );

  it("the methods write, delete and numbers of the shared store send no Redis request for an empty list of keys", async () => {
    const store = createTestStore(namespace);
    const counts = await countRedis(async () => {
      await store.write([], ctx);
      await store.delete([], ctx);
      await store.numbers([], ctx);
    });
    expect(counts).toEqual({ requests: 0, commands: 0 });
  });
});

describe("a database that lost its scripts", () => {
  it.each(scripted)(
    "after Redis has lost its scripts, only the first call of a shared-store method sends one extra Redis request (method: $method)",
    async ({ run }) => {
      const store = createTestStore(namespace);
      await run(store);
      await redisCommand("SCRIPT", "FLUSH");
      const recovering = await countRedis(async () => {
        expect(await run(store)).toMatchObject({ ok: true });
      });
      expect(recovering.requests).toBe(2);
      const after = await countRedis(async () => {
        expect(await run(store)).toMatchObject({ ok: true });
      });
      expect(after.requests).toBe(1);
    },
  );
});
