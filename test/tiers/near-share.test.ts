import { describe, expect, it } from "vitest";
import type { LogAnswer } from "../../src/core/log.ts";
import { CLOCK_MARGIN_MS } from "../../src/core/share-timing.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";
import { createNearShare, type NearShareOptions } from "../../src/tiers/near-share.ts";
import { createTestContext } from "../support/context.ts";
import { createTestClock, uniqueNamespace } from "../support/isolate.ts";

const answerAt = (sentAt: number): LogAnswer => ({
  sentAt,
  era: "era-1",
  seq: 5,
  floor: 1,
  since: 2,
  truncated: false,
  changes: [["t:a", 4]],
});

function createShare(options: Partial<NearShareOptions> = {}) {
  const namespace = uniqueNamespace();
  const clock = createTestClock();
  const near = createNearShare({
    open: () => caches.open(namespace),
    timeoutMs: 5_000,
    withTimeout,
    ...options,
  });
  const ctxOf = (host: string) => createTestContext({ now: clock.now, host });
  return { near, clock, ctx: ctxOf("a.test"), other: ctxOf("b.test") };
}

describe("the share of a data centre in the Cache API", () => {
  it("the share of a data centre returns the answer that was written last, 50 ms older, and only to its own host", async () => {
    const { near, clock, ctx, other } = createShare();
    expect(await near.read(ctx)).toBeUndefined();
    const sentAt = clock.now();
    await near.write(answerAt(sentAt - 500), ctx);
    await near.write(answerAt(sentAt), ctx);
    expect(await near.read(ctx)).toEqual(answerAt(sentAt - CLOCK_MARGIN_MS));
    expect(await near.read(other)).toBeUndefined();
  });

  it("a share is an isolate's own if that isolate wrote it last of all isolates of the data centre", async () => {
    const namespace = uniqueNamespace();
    const open = () => caches.open(namespace);
    const [{ near, ctx }, { near: neighbour }] = [createShare({ open }), createShare({ open })];
    expect(await near.isOwn(ctx)).toBe(false);
    await near.write(answerAt(1_000), ctx);
    expect([await near.isOwn(ctx), await neighbour.isOwn(ctx)]).toEqual([true, false]);
    await neighbour.write(answerAt(1_001), ctx);
    expect([await near.isOwn(ctx), await neighbour.isOwn(ctx)]).toEqual([false, true]);
  });

  it("a claim to ask for the data centre holds for 300 ms", async () => {
    const { near, clock, ctx } = createShare();
    clock.stop();
    expect(await near.isClaimed(ctx)).toBe(false);
    await near.claim(ctx);
    clock.advance(299);
    expect(await near.isClaimed(ctx)).toBe(true);
    clock.advance(1);
    expect(await near.isClaimed(ctx)).toBe(false);
  });

  it.each<[string, () => Promise<Cache>]>([
    ["cannot be opened", () => Promise.reject(new Error("no cache"))],
    ["does not answer", () => new Promise(() => undefined)],
  ])(
    "if the Cache API %s, there is no share and no claim, and a write does nothing",
    async (_, open) => {
      const { near, clock, ctx } = createShare({ open, timeoutMs: 10 });
      await near.write(answerAt(clock.now()), ctx);
      await near.claim(ctx);
      expect(await near.read(ctx)).toBeUndefined();
      expect(await near.isClaimed(ctx)).toBe(false);
      expect(await near.isOwn(ctx)).toBe(false);
    },
  );
});
