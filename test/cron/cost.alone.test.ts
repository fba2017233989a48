import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { createIsolate } from "../../src/api/isolate.ts";
import { createTestContext } from "../support/context.ts";
import { uniqueNamespace } from "../support/isolate.ts";

interface Counts {
  readonly redis: { readonly requests: number; readonly commands: number };
  readonly sql: { readonly queries: number };
}

async function costOf(work: () => Promise<unknown>): Promise<Counts> {
  await fetch(`${env.SERVICES_URL}/counts/reset`, { method: "POST" });
  await work();
  return (await fetch(`${env.SERVICES_URL}/counts`)).json();
}

describe("the cost of the cron trigger", () => {
  it("x", async () => {
    const { layer } = createIsolate({ ...env, STRATA_NAMESPACE: uniqueNamespace() });
    const run = async () => {
      const ctx = createTestContext();
      await layer.scheduled(ctx);
      await ctx.settle();
    };
    const one = await costOf(run);
    const two = await costOf(run);
    const three = await costOf(run);
    console.log(JSON.stringify([one, two, three], null, 1));
    expect(two.redis.requests).toBe(0);
  });
});
