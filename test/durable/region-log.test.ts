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
    const session = port.open(ctx);
    const answer = await session.ask(first.seq, TIMEOUT_MS);
    session.close();
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
    const session = port.open(createTestContext({ region: "eu" }));
    expect(await session.ask(0, TIMEOUT_MS)).toBeUndefined();
    session.close();
  });

  it("a session of the log object answers several questions, each with the changes up to then, over one call of the object", async () => {
    const { port, namespace, names } = createPort();
    const store = createTestStore(namespace);
    const ctx = createTestContext({ region: "eu" });
    const first = valueOf(await store.invalidate(["t:a"], [], ctx));
    const session = port.open(ctx);
    expect((await session.ask(first.seq, TIMEOUT_MS))?.seq).toBe(first.seq);
    const second = valueOf(await store.invalidate(["t:b"], [], ctx));
    // Until the log object asks Redis again.
    let latest = first.seq;
    while (latest < second.seq)
      latest = (await session.ask(first.seq, TIMEOUT_MS))?.seq ?? Number.POSITIVE_INFINITY;
    expect(latest).toBe(second.seq);
    session.close();
    expect(names).toHaveLength(1);
    expect(await session.ask(first.seq, TIMEOUT_MS)).toBeUndefined();
  });

  it.each<[string, string, () => RegionLogRpc]>([
    [
      "throws",
      "log.unavailable",
      () => ({
        open: () => ({ ask: () => Promise.reject(new Error("gone")) }),
        deferred: () => Promise.reject(new Error("gone")),
      }),
    ],
    [
      "never answers",
      "log.timeout",
      () => ({
        open: () => ({ ask: () => new Promise(() => undefined) }),
        deferred: () => new Promise(() => undefined),
      }),
    ],
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
      expect(await port.open(ctx).ask(0, 10)).toBeUndefined();
      expect(ctx.events).toMatchObject([{ type: "durable.end", method: "RegionLog/ask", outcome }]);
    },
  );
});
