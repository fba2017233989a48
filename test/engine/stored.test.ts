/** What a result says about its own storage: `stored` of a lookup, and the results of a warm-up. */
import { afterEach, describe, expect, it } from "vitest";
import { definePolicy, key } from "../../src/index.ts";
import type { WarmProgress } from "../../src/core/data-reader.ts";
import { createTestIsolate, uniqueNamespace, type TestIsolate } from "../support/isolate.ts";
import { refuseRequests, restoreNetwork } from "../support/network.ts";

/** The time limits are long, because a busy machine must not change the results. */
const createIsolate = (namespace: string, host = "strata.test") =>
  createTestIsolate({
    namespace,
    host,
    options: { redis: { timeout: "10s" }, flights: { grantTimeout: "10s" } },
  });

const policy = definePolicy({ freshFor: "10m", jitter: 0, flight: "isolate" });
// 200 of these are more than one request to Redis carries, and are not compressed.
const body = "x".repeat(10_000);
const keys = Array.from({ length: 200 }, (_, i) => key("list", i));
const load = async (missing: readonly string[]) => new Map(missing.map((name) => [name, body]));

async function warm(isolate: TestIsolate): Promise<WarmProgress[]> {
  const rounds: WarmProgress[] = [];
  for await (const round of isolate.request().warm(keys, policy, load)) rounds.push(round);
  return rounds;
}

const refusedKey = 'e:list:100"';

describe("a warm-up of which Redis does not accept one request", () => {
  afterEach(restoreNetwork);

  it("a warm-up reports the entries of a refused write as failed, and the other entries of the round as loaded", async () => {
    const namespace = uniqueNamespace();
    const isolate = createIsolate(namespace);
    const lost: string[] = [];
    refuseRequests((text) => {
      if (!text.includes('"set"') || !text.includes(refusedKey)) return false;
      lost.push(...keys.filter((name) => text.includes(`e:${name}"`)));
      return true;
    });
    const rounds = await warm(isolate);
    restoreNetwork();
    expect(rounds).toHaveLength(1);
    const { results, fault } = rounds[0]!;
    const withResult = (wanted: string) => keys.filter((name) => results.get(name) === wanted);
    expect(lost.length).toBeGreaterThan(1);
    expect(lost.length).toBeLessThan(100);
    expect(withResult("failed")).toEqual(lost);
    expect(withResult("loaded")).toHaveLength(200 - lost.length);
    expect(fault).toMatchObject({ code: "redis.unavailable" });

    const again = await warm(isolate);
    const present = keys.filter((name) => again[0]?.results.get(name) === "present");
    expect(present).toEqual(withResult("loaded"));
  });
});

describe("a batch of which Redis does not accept one request", () => {
  afterEach(restoreNetwork);

  it("a batch whose write fails in part records the fault, and other isolates find the entries of the accepted requests", async () => {
    const namespace = uniqueNamespace();
    const isolate = createIsolate(namespace);
    const lost: string[] = [];
    refuseRequests((text) => {
      if (!text.includes('"set"') || !text.includes(refusedKey)) return false;
      lost.push(...keys.filter((name) => text.includes(`e:${name}"`)));
      return true;
    });
    await isolate.request().readMany(keys, policy, load);
    await isolate.settle();
    restoreNetwork();
    const write = { type: "redis.end", operation: "write", commands: 200, requests: 3 };
    expect(isolate.events).toContainEqual(expect.objectContaining(write));
    expect(isolate.events).toContainEqual({
      type: "fault.raise",
      fault: { code: "redis.unavailable", message: expect.any(String) as string },
    });
    const other = createIsolate(namespace, "elsewhere.test");
    const found = await other.request().readMany(keys, policy, load);
    const missed = keys.filter((name) => found.get(name)?.status === "miss");
    expect(lost.length).toBeGreaterThan(1);
    expect(lost.length).toBeLessThan(100);
    expect(missed).toEqual(lost);
  });
});

describe("the member `stored` of a lookup", () => {
  it.each([
    [["memory"], false],
    [["memory", "redis"], true],
  ] as const)(
    "a follower of another isolate's load with the tiers %j says `stored: %s`, as its leader does",
    async (tiers, stored) => {
      const shared = definePolicy({ freshFor: "10m", jitter: 0, tiers });
      const namespace = uniqueNamespace();
      const [leader, follower] = [createIsolate(namespace), createIsolate(namespace)];
      const began = Promise.withResolvers<void>();
      const end = Promise.withResolvers<string>();
      const led = leader.request().read("list:1", shared, () => {
        began.resolve();
        return end.promise;
      });
      await began.promise;
      const followed = follower.request().read("list:1", shared, async () => "unused");
      end.resolve("value");
      expect(await led).toMatchObject({ status: "miss", stored });
      expect(await followed).toMatchObject({ status: "joined", stored });
    },
  );
});
