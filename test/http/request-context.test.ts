import { describe, expect, it, vi } from "vitest";
import { withEmit } from "../../src/core/context.ts";
import type { CacheEvent } from "../../src/core/events.ts";
import { RequestContext } from "../../src/http/routes/request-context.ts";

const event = { type: "route.unkeyed" } as CacheEvent;

function contextOf(region: () => string) {
  const events: CacheEvent[] = [];
  const ctx = new RequestContext({
    now: () => 7,
    host: "shop.test",
    region,
    waitUntil: () => undefined,
    emit: (each) => void events.push(each),
    child: () => undefined,
    hasLeft: () => false,
  });
  return { ctx, events };
}

describe("RequestContext", () => {
  it("finds the region once, when it is first read", () => {
    const region = vi.fn<() => string>(() => "eu");
    const { ctx } = contextOf(region);
    expect(ctx.host).toBe("shop.test");
    expect(region).not.toHaveBeenCalled();
    expect([ctx.region, ctx.region]).toEqual(["eu", "eu"]);
    expect(region).toHaveBeenCalledTimes(1);
  });
});

describe("withEmit", () => {
  it("copies a context, region included, and sends the events elsewhere", () => {
    const { ctx, events } = contextOf(() => "eu");
    const others: CacheEvent[] = [];
    const copy = withEmit(ctx, (each) => void others.push(each));
    copy.emit(event);
    expect([copy.now(), copy.host, copy.region, copy.hasLeft()]).toEqual([
      7,
      "shop.test",
      "eu",
      false,
    ]);
    expect([events, others]).toEqual([[], [event]]);
  });
});
