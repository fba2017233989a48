import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { LogKey } from "../../src/core/invalidation-key.ts";
import type { GroupAnswer } from "../../src/core/log-groups.ts";
import { createLogGroupsPort } from "../../src/durable/log-groups-port.ts";
import type { GroupCommitRpc } from "../../src/durable/region-log.ts";
import { regionLogStub } from "../../src/durable/stubs.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";
import { createTestStore, valueOf } from "../redis/stores.ts";
import { createTestContext } from "../support/context.ts";
import { uniqueNamespace } from "../support/isolate.ts";

const ctx = createTestContext({ region: "eu" });

function realStub(name: string, region: string): GroupCommitRpc {
  const { LOGS } = env;
  if (LOGS === undefined) throw new Error("LOGS is not bound");
  return regionLogStub(LOGS, name, region);
}

interface PortOptions {
  readonly scope?: "region" | "global";
  readonly stub?: typeof realStub;
  readonly timeoutMs?: number;
}

function createPort({ scope = "region", stub = realStub, timeoutMs = 10_000 }: PortOptions = {}) {
  const namespace = uniqueNamespace();
  const names: string[] = [];
  const port = createLogGroupsPort({
    namespace,
    scope,
    timeoutMs,
    withTimeout,
    stub: (name, region) => {
      names.push(name);
      return stub(name, region);
    },
  });
  return { port, namespace, names };
}

const answering = (answer: () => Promise<GroupAnswer>) => () => ({ invalidate: answer });

describe("the log object that numbers invalidations together, over the real Redis protocol", () => {
  it("an invalidation through a log object has the number that it got in the log of the namespace", async () => {
    const { port, namespace } = createPort();
    const logKeys: LogKey[] = ["t:a", "~k:item:1"];
    const { seq, era } = valueOf(await port.invalidate(logKeys, ctx));
    const store = createTestStore(namespace);
    expect(valueOf(await store.numbers(logKeys, ctx))).toEqual([seq, seq]);
    expect(valueOf(await store.sync(0, 10, ctx))).toMatchObject({ era, seq });
  });

  it("100 invalidations that come to a log object at once are all in the log when they are confirmed, with fewer than 100 numbers", async () => {
    const { port, namespace } = createPort();
    const logKeys = Array.from({ length: 100 }, (_, at) => `t:${at}` as const);
    const answers = await Promise.all(logKeys.map((logKey) => port.invalidate([logKey], ctx)));
    const numbers = answers.map((answer) => valueOf(answer).seq);
    expect(valueOf(await createTestStore(namespace).numbers(logKeys, ctx))).toEqual(numbers);
    expect(new Set(numbers).size).toBeLessThan(100);
  });

  it.each([
    ["region", (namespace: string) => `${namespace}-groups-eu`],
    ["global", (namespace: string) => `${namespace}-groups`],
  ] as const)("with the scope %s the log object has the expected name", async (scope, nameOf) => {
    const { port, namespace, names } = createPort({
      scope,
      stub: answering(() => Promise.resolve({ seq: 1, era: "e" })),
    });
    await port.invalidate(["t:a"], ctx);
    expect(names).toEqual([nameOf(namespace)]);
  });

  it("a log object refuses invalidations of another namespace than that of its first call, and writes to neither log", async () => {
    const { namespace } = createPort();
    const other = uniqueNamespace();
    const object = realStub(`${namespace}-groups`, "eu");
    expect(await object.invalidate(namespace, ["t:a"])).toMatchObject({ seq: expect.any(Number) });
    expect(await object.invalidate(other, ["t:b"])).toBe("refused");
    for (const name of [namespace, other])
      expect(valueOf(await createTestStore(name).numbers(["t:b"], ctx))).toEqual([0]);
  });

  it.each<[string, string, () => GroupCommitRpc]>([
    ["throws", "log.unavailable", answering(() => Promise.reject(new Error("gone")))],
    ["never answers", "log.timeout", answering(() => new Promise(() => undefined))],
    [
      "has no stub",
      "log.unavailable",
      () => {
        throw new Error("no stub");
      },
    ],
    ["got no answer of Redis", "log.unavailable", answering(() => Promise.resolve("failed"))],
    ["holds too many", "log.rejected", answering(() => Promise.resolve("full"))],
    ["refuses the log keys", "log.rejected", answering(() => Promise.resolve("refused"))],
  ])(
    "if the log object %s, the invalidation has the fault %s, and so has the event of the call",
    async (_, code, stub) => {
      const { port } = createPort({ stub, timeoutMs: 20 });
      const own = createTestContext({ region: "eu" });
      expect(await port.invalidate(["t:a"], own)).toMatchObject({ ok: false, fault: { code } });
      expect(own.events).toMatchObject([
        { type: "durable.end", method: "RegionLog/invalidate", outcome: code },
      ]);
    },
  );
});
