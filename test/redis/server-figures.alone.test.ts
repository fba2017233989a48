/** The task of the cron trigger that reports the figures of the Redis server. */
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createTestIsolate, uniqueNamespace, type TestIsolate } from "../support/isolate.ts";
import { clearFaults, putFault } from "../writes/faults.ts";

afterEach(clearFaults);
afterEach(() => void vi.restoreAllMocks());

const TELEMETRY_ON: Readonly<Record<string, string>> = { OTEL_SDK_DISABLED: "" };

const isolateOf = (namespace: string, bindings = TELEMETRY_ON): TestIsolate =>
  createTestIsolate({ namespace, bindings });

const trigger = ({ layer, request }: TestIsolate) => layer.scheduled(request().ctx);

/** The figures of Redis on /metrics. */
async function figuresOf({ layer }: TestIsolate): Promise<Readonly<Record<string, number>>> {
  const text = (await layer.metrics.exposition())?.body ?? "";
  const samples = text.matchAll(
    /^(cache_redis_(?:memory|evictions|eviction|connections|reads)\S*) (\S+)$/gm,
  );
  return Object.fromEntries([...samples].map(([, name, value]) => [name, Number(value)]));
}

async function commandsOf(work: () => Promise<unknown>): Promise<number> {
  await fetch(`${env.SERVICES_URL}/counts/reset`, { method: "POST" });
  await work();
  const counts = await (
    await fetch(`${env.SERVICES_URL}/counts`)
  ).json<{ redis: { commands: number } }>();
  return counts.redis.commands;
}

describe("the task redis-figures", () => {
  it("a run of the cron trigger shows the memory, the evictions, the policy and the reads of the Redis server on /metrics", async () => {
    const isolate = isolateOf(uniqueNamespace());
    await trigger(isolate);
    const figures = await figuresOf(isolate);
    expect(figures["cache_redis_memory_usage_bytes"]).toBeGreaterThan(0);
    expect(figures).toMatchObject({
      cache_redis_evictions_total: 0,
      'cache_redis_eviction_policy{cache_policy="noeviction"}': 1,
    });
    expect(figures['cache_redis_reads_total{cache_outcome="hit"}']).toBeGreaterThan(0);
    // The local Redis has no limit, so /metrics shows none.
    expect(figures).not.toHaveProperty("cache_redis_memory_limit_bytes");
  });

  it("the runs of two isolates give the figures of the newer run, not the sum", async () => {
    const namespace = uniqueNamespace();
    const [one, other] = [isolateOf(namespace), isolateOf(namespace)];
    await trigger(one);
    const first = await figuresOf(one);
    other.clock.advance(1_000);
    await trigger(other);
    const second = await figuresOf(one);
    const policy = 'cache_redis_eviction_policy{cache_policy="noeviction"}';
    expect([first[policy], second[policy]]).toEqual([1, 1]);
    expect(second["cache_redis_memory_usage_bytes"]).toBeLessThan(
      2 * (first["cache_redis_memory_usage_bytes"] ?? 0),
    );
  });

  it("the task costs one Redis command in each run, 1,440 a day with a run in each minute", async () => {
    const namespace = uniqueNamespace();
    const withTask = isolateOf(namespace);
    const without = isolateOf(namespace, { OTEL_SDK_DISABLED: "true" });
    for (const isolate of [withTask, without]) await trigger(isolate);
    const [more, less] = [
      await commandsOf(() => trigger(withTask)),
      await commandsOf(() => trigger(without)),
    ];
    expect(more - less).toBe(1);
  });

  it("while Redis does not answer, the task fails with the reason, and the figures stay", async () => {
    const printed: string[] = [];
    vi.spyOn(console, "log").mockImplementation((line: string) => void printed.push(line));
    const isolate = isolateOf(uniqueNamespace());
    await trigger(isolate);
    const before = await figuresOf(isolate);
    await putFault("redis", { reset: true });
    await trigger(isolate);
    expect(printed.filter((line) => line.startsWith("cron redis-figures"))).toEqual([
      expect.stringMatching(/^cron redis-figures: failed \(redis\.(?:unavailable|open): /),
    ]);
    expect(await figuresOf(isolate)).toEqual(before);
  });

  it.each([
    "ERR unknown command 'INFO', with args beginning with: ",
    "NOPERM this user has no permissions to run the 'info' command",
  ])(
    "a Redis server that answers INFO with %j has no figures, and the task is done",
    async (error) => {
      const printed: string[] = [];
      vi.spyOn(console, "log").mockImplementation((line: string) => void printed.push(line));
      const real = globalThis.fetch;
      vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) =>
        typeof init?.body === "string" && init.body === '["INFO"]'
          ? Response.json({ error }, { status: 400 })
          : real(input, init),
      );
      const isolate = isolateOf(uniqueNamespace());
      await trigger(isolate);
      expect(printed.filter((line) => line.startsWith("cron redis-figures"))).toEqual([]);
      expect(await figuresOf(isolate)).toEqual({});
      expect(isolate.layer.breakers.redis.status()).toMatchObject({ state: "closed" });
    },
  );
});
