/** Compares the model of Redis with the scripts themselves, which the embedded Redis runs. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { afterEach, expect, it, vi } from "vitest";
import type { SessionRecord, SessionStore } from "../../../src/core/sessions.ts";
import type { RedisClient } from "../../../src/redis/client.ts";
import { createSessionStore } from "../../../src/redis/session-store.ts";
import { createBreaker } from "../../../src/resilience/breaker.ts";
import { createQuietContext } from "../ratelimit/context.ts";
import { createSimulatedRedis } from "../ratelimit/redis.ts";
import { createSessionRedisModel, type SessionRedisModel } from "./session-redis-model.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const START_MS = 1_800_000_000_000;
const hashes = ["a", "b", "c", "d", "e"].map((text) =>
  createHash("sha256").update(text).digest("hex"),
);

const operation = fc.record({
  kind: fc.constantFrom(
    "create",
    "create",
    "replace",
    "read",
    "rotate",
    "list",
    "revoke",
    "revoke-all",
    "sign-in",
  ),
  user: fc.constantFrom("ada", "bob"),
  hash: fc.constantFrom(...hashes),
  other: fc.constantFrom(...hashes),
  afterMs: fc.oneof(fc.constant(0), fc.nat({ max: 3_000 }), fc.nat({ max: 40_000 })),
});
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

function storeOver(redis: RedisClient, now: () => number): SessionStore {
  let names = 0;
  return createSessionStore({
    redis,
    namespace: "s",
    breaker: createBreaker({
      name: "session",
      dependency: "redis",
      callTimeoutMs: 1_000,
      failures: 3,
      minCalls: 20,
      failureRate: 0.5,
      slowRate: undefined,
      slowMs: 500,
      windowMs: 10_000,
      openForMs: 1_000,
      maxOpenForMs: 5_000,
      now,
      random: () => 0,
      onChange: () => undefined,
    }),
    newId: () => `revocation-${names++}`,
    idleMs: 10_000,
    absoluteMs: 30_000,
    maxPerUser: 2,
    timeoutMs: 1_000,
  });
}

function clientOf(model: SessionRedisModel): RedisClient {
  const run = async (body: string, keys: string[], args: string[]) => model.run(body, keys, args);
  const client = {
    getex: async (key: string, expiry?: { readonly px: number }) => model.getex(key, expiry?.px),
    eval: run,
    createScript: (body: string) => ({
      exec: (keys: string[], args: string[]) => run(body, keys, args),
    }),
  };
  return client as unknown as RedisClient;
}

async function play(store: SessionStore, one: Operation, now: () => number): Promise<unknown> {
  const { kind, user, hash, other } = one;
  const ctx = createQuietContext(now);
  switch (kind) {
    case "create":
      return store.create({ hash, user }, ctx);
    case "replace":
      return store.create({ hash, user, replaced: other }, ctx);
    case "sign-in": {
      const last = await store.lastRevocation(user, ctx);
      const revocation = last.ok ? last.value : "";
      // An older revocation than the last one refuses the sign-in.
      const told = other === hashes[0] ? "revocation-0 ada" : revocation;
      return store.create({ hash, user, revocation: told }, ctx);
    }
    case "read":
      return store.read(hash, ctx);
    case "rotate": {
      const from: SessionRecord = { hash, user, createdAt: 1, endsAt: now() + 5_000 };
      return hash === other ? undefined : store.rotate(from, other, ctx);
    }
    case "list":
      return store.list(user, ctx);
    case "revoke":
      return store.revoke(user, hash, ctx);
    case "revoke-all":
      return store.revokeAll(user, ctx);
  }
}

it("the model of Redis and the scripts of sessions give the same answers to any sequence of operations", async () => {
  const kinds = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 10, maxLength: 40 }), async (operations) => {
      const redis = createSimulatedRedis(START_MS);
      const now = () => redis.now;
      const real = storeOver(redis.client, now);
      const modelled = storeOver(clientOf(createSessionRedisModel(now)), now);
      for (const one of operations) {
        redis.now += one.afterMs;
        const [answer, expected] = [await play(real, one, now), await play(modelled, one, now)];
        expect(expected, one.kind).toEqual(answer);
        if ((answer as { ok?: boolean } | undefined)?.ok === true)
          kinds.set(one.kind, (kinds.get(one.kind) ?? 0) + 1);
      }
    }),
    { numRuns: 200 },
  );
  expect(kinds.size).toBe(8);
}, 120_000);
