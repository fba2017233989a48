import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { createRegionLogPort } from "../../src/durable/region-log-port.ts";
import type { RegionLogRpc } from "../../src/durable/region-log.ts";
import { regionLogStub } from "../../src/durable/stubs.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";
import { createTestStore, valueOf } from "../redis/stores.ts";
import { createTestContext } from "../support/context.ts";
import { uniqueNamespace } from "../support/isolate.ts";

const TIMEOUT_MS = 10_000;

function createPort(stub?: (name: string, region: string) => RegionLogRpc) {
  const namespace = uniqueNamespace();
  const { LOGS } = env;
  if (LOGS === undefined) throw new Error("LOGS is not bound");
  const names: string[] = [];
  const port = createRegionLogPort({
    namespace,
    withTimeout,
    stub: (name, region) => {
      names.push(name);
      return stub === undefined ? regionLogStub(LOGS, name, region) : stub(name, region);
    },
  });
  return { port, namespace, names };
}

describe("the log object of a region over the real Redis protocol", () => {
  it("the log object returns the changes of its namespace since a number, with an instant before the answer", async () => {
    const { port, namespace, names } = createPort();
    const store = createTestStore(namespace);
    const ctx = createTestContext({ region: "eu" });
    const first = valueOf(await store.invalidate(["t:a"], [], ctx));
    const second = valueOf(await store.invalidate(["t:b"], [], ctx));
    const askedAt = Date.now();
    const answer = await port.ask(first.seq, TIMEOUT_MS, ctx);
    expect(answer).toMatchObject({ era: second.era, seq: second.seq, floor: 0, truncated: false });
    expect(answer?.since).toBeLessThanOrEqual(first.seq);
    expect(answer?.changes).toEqual(
      expect.arrayContaining([
        ["t:a", first.seq],
        ["t:b", second.seq],
      ]),
    );
    expect(answer?.sentAt).toBeGreaterThanOrEqual(askedAt);
    expect(answer?.sentAt).toBeLessThanOrEqual(Date.now());
    expect(names).toEqual([`${namespace}-log-eu`]);
  });

  it("the log object has no answer if there is no log, so that the isolate establishes it", async () => {
    const { port } = createPort();
    expect(await port.ask(0, TIMEOUT_MS, createTestContext({ region: "eu" }))).toBeUndefined();
  });

  it.each<[string, string, () => RegionLogRpc]>([
    ["throws", "log.unavailable", () => ({ ask: () => Promise.reject(new Error("gone")) })],
    ["never answers", "log.timeout", () => ({ ask: () => new Promise(() => undefined) })],
    [
      "has no stub",
      "log.unavailable",
      () => {
        throw new Error("no stub");
      },
    ],
  ])(
    "if the log object %s, the isolate gets no answer, and the event has the outcome %s",
    async (_, outcome, stub) => {
      const { port } = createPort(stub);
      const ctx = createTestContext({ region: "eu" });
      expect(await port.ask(0, 10, ctx)).toBeUndefined();
      expect(ctx.events).toMatchObject([{ type: "durable.end", method: "RegionLog/ask", outcome }]);
    },
  );
});
