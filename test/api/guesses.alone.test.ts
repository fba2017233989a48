/** Guesses of an admin token: what they cost Redis, and what limits them while Redis is away. */
import { afterEach, describe, expect, it } from "vitest";
import { clearFaults, countRedis, failRedis } from "../support/gateway.ts";
import { createObservedApi, type ObservedApi } from "./observed.ts";

afterEach(clearFaults);

const quiet = { OTEL_SDK_DISABLED: "true" };
/** The general limits of the route refuse none of these guesses. */
const PATH = "/admin/entry?key=x";

async function statusesOf(
  { ask }: ObservedApi,
  times: number,
  ipOf: (i: number) => string,
): Promise<Record<number, number>> {
  const counts: Record<number, number> = {};
  for (let i = 0; i < times; i++) {
    const { status } = await ask(`wrong-token-${i}`, PATH, { ip: ipOf(i) });
    counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
}

describe("what guesses cost Redis", () => {
  it("300 concurrent requests with wrong admin tokens from 300 addresses cause at most 110 Redis requests", async () => {
    const { ask } = createObservedApi(quiet);
    const ipOf = (i: number) => `198.51.${100 + Math.floor(i / 250)}.${i % 250}`;
    const { requests } = await countRedis(() =>
      Promise.all(Array.from({ length: 300 }, (_, i) => ask("wrong", PATH, { ip: ipOf(i) }))),
    );
    // Of the 100 guesses that the limit admits, all but those on credit ask Redis. Measured: 91.
    expect(requests).toBeLessThanOrEqual(110);
  });

  it("wrong admin tokens beyond the limit of a client address cause at most one Redis request", async () => {
    const api = createObservedApi(quiet);
    await statusesOf(api, 12, () => "192.0.2.1");
    const { requests } = await countRedis(async () => {
      // The general limit of /admin admits 60 requests in a minute and settles after 6.
      for (let i = 0; i < 3; i++) await statusesOf(api, 1, () => "192.0.2.1");
    });
    expect(requests).toBeLessThanOrEqual(1);
  });
});

describe.each([
  ["fails", { errorRate: 1 }],
  ["hangs", { hang: true }],
] as const)("guesses while Redis %s", (state, fault) => {
  it(`an isolate checks at most ten wrong admin tokens of one address and 100 of all addresses in a minute while Redis ${state}`, async () => {
    const api = createObservedApi(quiet);
    await failRedis(fault);
    expect(await statusesOf(api, 14, () => "192.0.2.1")).toEqual({ 401: 10, 429: 4 });
    expect(await statusesOf(api, 95, (i) => `198.51.100.${i}`)).toEqual({ 401: 90, 429: 5 });
  });
});
