import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { LogKey } from "../../src/core/invalidation-key.ts";
import { createAnnouncementsPort } from "../../src/durable/announcements-port.ts";
import { REGIONS, regionLogStub } from "../../src/durable/stubs.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";
import { createTestContext } from "../support/context.ts";
import { createGate } from "../support/gate.ts";
import { uniqueNamespace } from "../support/isolate.ts";

function createPort(defer: (name: string) => Promise<void>, timeoutMs = 10_000) {
  const calls: [name: string, logKeys: readonly LogKey[]][] = [];
  const port = createAnnouncementsPort({
    stub: (name) => ({
      defer(_namespace, logKeys) {
        calls.push([name, logKeys]);
        return defer(name);
      },
    }),
    namespace: "n",
    regions: ["eu", "na"],
    timeoutMs,
    withTimeout,
  });
  return { port, calls };
}

describe("an announcement of deferred invalidations", () => {
  it("an announcement reaches the log object of each region, and of the region of the request", async () => {
    const { port, calls } = createPort(async () => undefined);
    await port.announce(["t:a"], createTestContext({ region: "local" }));
    expect(calls).toEqual([
      ["n-log-eu", ["t:a"]],
      ["n-log-na", ["t:a"]],
      ["n-log-local", ["t:a"]],
    ]);
  });

  it("announcements that come while one runs share the next one", async () => {
    const gate = createGate();
    const { port, calls } = createPort(() => gate.pass());
    const ctx = createTestContext({ region: "eu" });
    const first = port.announce(["t:a"], ctx);
    await gate.reached;
    const later = [port.announce(["t:b"], ctx), port.announce(["t:b", "t:c"], ctx)];
    gate.open();
    await Promise.all([first, ...later]);
    expect(calls).toEqual([
      ["n-log-eu", ["t:a"]],
      ["n-log-na", ["t:a"]],
      ["n-log-eu", ["t:b", "t:c"]],
      ["n-log-na", ["t:b", "t:c"]],
    ]);
  });

  it.each([
    ["throws", "log.unavailable", () => Promise.reject(new Error("gone"))],
    ["never answers", "log.timeout", () => new Promise<void>(() => undefined)],
  ])(
    "an announcement ends if the log object of one region %s, and its event has the outcome %s",
    async (_, outcome, fail) => {
      const { port } = createPort((name) => (name === "n-log-eu" ? fail() : Promise.resolve()), 10);
      const ctx = createTestContext({ region: "eu" });
      await port.announce(["t:a"], ctx);
      expect(ctx.events).toHaveLength(2);
      for (const one of [outcome, "ok"])
        expect(ctx.events).toContainEqual(
          expect.objectContaining({ type: "durable.end", method: "RegionLog/defer", outcome: one }),
        );
    },
  );

  it("the log object of every region returns the log keys that were announced", async () => {
    const { LOGS } = env;
    if (LOGS === undefined) throw new Error("LOGS is not bound");
    const namespace = uniqueNamespace();
    const stub = (name: string, region: string) => regionLogStub(LOGS, name, region);
    const port = createAnnouncementsPort({
      stub,
      namespace,
      regions: REGIONS,
      timeoutMs: 10_000,
      withTimeout,
    });
    await port.announce(["t:a", "~t:b"], createTestContext({ region: "eu" }));
    for (const region of REGIONS) {
      const held = await stub(`${namespace}-log-${region}`, region).deferred(namespace);
      expect(held.logKeys).toEqual(["t:a", "~t:b"]);
    }
  });
});
