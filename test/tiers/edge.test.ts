import { describe, expect, it } from "vitest";
import { decodeEntry } from "../../src/core/codec.ts";
import type { Context } from "../../src/core/context.ts";
import type { Tier } from "../../src/core/tier.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";
import { createEdgeTier } from "../../src/tiers/edge.ts";
import { createTestContext } from "../support/context.ts";
import { entryOf } from "../support/entries.ts";
import { describeTier } from "./contract.ts";

const uniqueHost = (): string => `${crypto.randomUUID()}.test`;
const open = (): Promise<Cache> => caches.open("edge-test");
const real = (): Tier => createEdgeTier({ open, timeoutMs: 5_000, withTimeout });

describeTier("edge", () => ({ tier: real(), host: uniqueHost() }));

/** An edge tier over a cache that records the URLs and the responses it gets, under a host of its own. */
function spy() {
  const host = uniqueHost();
  const asked: unknown[] = [];
  const put: { url: string; headers: Headers; status: number; body: string }[] = [];
  const tier = createEdgeTier({
    timeoutMs: 5_000,
    withTimeout,
    open: async () => {
      const cache = await open();
      return {
        match: (request: string) => {
          asked.push(request);
          return cache.match(request);
        },
        put: async (request: string, response: Response) => {
          const { status, headers } = response;
          const body = await response.clone().text();
          put.push({ url: request, headers, status, body });
          return cache.put(request, response);
        },
        delete: (request: string) => cache.delete(request),
      };
    },
  });
  return { tier, asked, put, ctx: createTestContext({ now: () => 1_000_000, host }), host };
}

describe("the edge tier", () => {
  it("the edge tier asks the Cache API by URL, without request header fields", async () => {
    const { tier, asked, ctx, host } = spy();
    await tier.get("product:1", ctx);
    expect(asked).toEqual([`https://${host}/__strata/entries/product%3A1`]);
  });

  it("the response that the edge tier puts into the Cache API has status 200 and does not have the header fields of the entry", async () => {
    const { tier, put, ctx } = spy();
    const headers = [
      ["set-cookie", "a=b"],
      ["cache-control", "no-store"],
      ["vary", "*"],
    ] as const;
    const entry = entryOf({ http: { status: 206, headers } });
    expect(await tier.set(entry, ctx)).toMatchObject({ ok: true });
    expect(put[0]?.status).toBe(200);
    expect([...(put[0]?.headers ?? [])].map(([name]) => name).toSorted()).toEqual([
      "cache-control",
      "content-type",
    ]);
    expect(await tier.get("product:1", ctx)).toEqual({ ok: true, value: entry });
  });

  it("the edge tier stores an entry in the Cache API until the instant in its field `deleteAt`, rounded down to whole seconds", async () => {
    const { tier, put, ctx } = spy();
    await tier.set(entryOf({ deleteAt: 1_000_000 + 90_999 }), ctx);
    expect(put[0]?.headers.get("cache-control")).toBe("public, max-age=90");
    await tier.set(entryOf({ deleteAt: 1_000_000 + 999 }), ctx);
    expect(put).toHaveLength(1);
  });

  it("the edge tier separates the entries of different hosts, and of different applications on one host", async () => {
    const { tier, ctx, host } = spy();
    await tier.set(entryOf(), ctx);
    expect(await tier.get("product:1", createTestContext({ host: uniqueHost() }))).toMatchObject({
      value: undefined,
    });
    const other = createEdgeTier({
      open: () => caches.open("another-application"),
      timeoutMs: 5_000,
      withTimeout,
    });
    expect(await other.get("product:1", createTestContext({ host }))).toMatchObject({
      value: undefined,
    });
  });

  it.each([
    ["foreign text", "hello"],
    ["an entry of another key", "strata1\nn:\tk:product:2\n{}\n"],
    ["empty", ""],
  ])(
    "if the content in the Cache API is %s, the edge tier deletes the content and returns no entry",
    async (_, content) => {
      const { tier, ctx, host } = spy();
      const url = `https://${host}/__strata/entries/product%3A1`;
      const cache = await open();
      const headers = { "cache-control": "public, max-age=60" };
      await cache.put(url, new Response(content, { headers }));
      expect(await cache.match(url)).toBeDefined();

      expect(await tier.get("product:1", ctx)).toEqual({ ok: true, value: undefined });
      expect(await cache.match(url)).toBeUndefined();
    },
  );

  it("the edge tier does not store an entry over the option `maxEntryChars`, deletes the former entry of the key and emits the event `entry.reject`", async () => {
    const host = uniqueHost();
    const ctx = createTestContext({ now: () => 1_000_000, host });
    const tier = createEdgeTier({
      open,
      timeoutMs: 5_000,
      withTimeout,
      maxEntryChars: 1_000,
    });
    await tier.set(entryOf(), ctx);
    expect(await tier.get("product:1", ctx)).toMatchObject({ value: { body: '{"a":1}' } });
    expect(await tier.set(entryOf({ body: "x".repeat(1_000) }), ctx)).toMatchObject({ ok: true });
    expect(await tier.get("product:1", ctx)).toEqual({ ok: true, value: undefined });
    expect(ctx.events).toEqual([
      { type: "entry.reject", key: "product:1", tier: "edge", reason: "too-big" },
    ]);
  });

  it("the edge tier writes the format version in the first line of a stored entry", async () => {
    const { tier, put, ctx } = spy();
    const entry = entryOf();
    await tier.set(entry, ctx);
    expect(put[0]?.body.split("\n")[0]).toBe("strata1");
    expect(decodeEntry("product:1", put[0]?.body ?? "")).toEqual(entry);
  });
});

describe("a failing Cache API", () => {
  const never = new Promise<never>(() => undefined);
  const refuse = () => Promise.reject(new Error("no cache here"));
  const calls: readonly [string, (tier: Tier, ctx: Context) => Promise<unknown>][] = [
    ["get", (tier, ctx) => tier.get("product:1", ctx)],
    ["set", (tier, ctx) => tier.set(entryOf({ deleteAt: Date.now() + 60_000 }), ctx)],
    ["delete", (tier, ctx) => tier.delete(["product:1"], ctx)],
  ];

  it.each(calls)(
    "if the Cache API fails, the method %s of the edge tier returns the error code `edge.unavailable` and does not throw",
    async (_, call) => {
      const ctx = createTestContext();
      const unopened = createEdgeTier({ open: refuse, timeoutMs: 5_000, withTimeout });
      expect(await call(unopened, ctx)).toEqual({
        ok: false,
        fault: { code: "edge.unavailable", message: "no cache here" },
      });
      const broken = { match: refuse, put: refuse, delete: refuse } as unknown as Cache;
      const failing = createEdgeTier({
        open: async () => broken,
        timeoutMs: 5_000,
        withTimeout,
      });
      expect(await call(failing, ctx)).toMatchObject({ fault: { code: "edge.unavailable" } });
    },
  );

  it.each(calls)(
    "if the Cache API hangs, the method %s of the edge tier returns the error code `edge.timeout` at the deadline",
    async (_, call) => {
      const ctx = createTestContext();
      const hanging = createEdgeTier({ open: () => never, timeoutMs: 1, withTimeout });
      expect(await call(hanging, ctx)).toMatchObject({
        ok: false,
        fault: { code: "edge.timeout" },
      });
    },
  );
});
