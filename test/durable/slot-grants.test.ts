import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { GrantRequest } from "../../src/core/slot-grants.ts";
import { createAskForGrant } from "../../src/durable/slot-grants-port.ts";
import { slotGrantsStub } from "../../src/durable/stubs.ts";
import { definePolicy, key } from "../../src/index.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";
import { createTestIsolate, uniqueNamespace } from "../support/isolate.ts";

function bindingOf(): DurableObjectNamespace {
  if (env.SLOTS === undefined) throw new Error("SLOTS is not bound");
  return env.SLOTS;
}

const request: GrantRequest = {
  isolate: "a",
  sequence: 1,
  wanted: 8,
  held: 0,
  holdMs: 10_000,
  total: 10,
};

function createPort() {
  const name = `${uniqueNamespace()}-slots`;
  const stub = () => slotGrantsStub(bindingOf(), name);
  return { name, ask: createAskForGrant({ stub, timeoutMs: 10_000, withTimeout }) };
}

describe("the object that grants origin slots", () => {
  it("two isolates get no more slots from the object than there are in all", async () => {
    const { ask } = createPort();
    expect(await ask(request)).toEqual({ slots: 8, forMs: 5_000 });
    expect(await ask({ ...request, isolate: "b" })).toEqual({ slots: 2, forMs: 5_000 });
  });

  it("an object that was lost and created anew grants an isolate what it held, and nothing to others, until the calls under the lost grants have ended", async () => {
    const { name, ask } = createPort();
    await ask(request);
    await evictDurableObject(bindingOf().get(bindingOf().idFromName(name)));
    expect(await ask({ ...request, isolate: "b" })).toMatchObject({ slots: 0 });
    expect(await ask({ ...request, sequence: 2, held: 8 })).toMatchObject({ slots: 8 });
  });

  it("an object that cannot be reached gives no answer, and no error", async () => {
    const stub = () => {
      throw new Error("the object is away");
    };
    expect(await createAskForGrant({ stub, timeoutMs: 10_000, withTimeout })(request)).toBe(
      undefined,
    );
  });

  it("two isolates that each want 20 concurrent loads run at most 5 at the same time with the options `totalSlots` at 5 and `freeSlots` at 0", async () => {
    const namespace = uniqueNamespace();
    const origin = { slots: 64, totalSlots: 5, freeSlots: 0, slotWait: "10s" } as const;
    const policy = definePolicy({ freshFor: "1m", flight: "isolate", tiers: ["memory"] });
    let running = 0;
    let most = 0;
    let loads = 0;
    const load = async () => {
      loads++;
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 5));
      running--;
      return loads;
    };
    const reads = [1, 2].flatMap((name) => {
      const isolate = createTestIsolate({
        namespace,
        bindings: { SLOTS: bindingOf() },
        options: { origin, redis: { timeout: "10s" } },
      });
      return Array.from({ length: 20 }, (_, i) =>
        isolate.request().read(key("part", `${name}-${i}`), policy, load),
      );
    });
    await Promise.allSettled(reads);
    expect(most).toBeLessThanOrEqual(5);
    expect(loads).toBeGreaterThan(0);
  });
});
