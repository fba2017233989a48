/** Each option of the proxy changes what the layer does. */
import { describe, expect, it, vi } from "vitest";
import type { StrataOptions } from "../../src/index.ts";
import { createProxy } from "../conformance/proxy.ts";
import { createGate } from "../support/gate.ts";

describe("proxy options", () => {
  /** A proxy whose origin answers no request before the gate is open. */
  function proxyThatHangs(proxy: NonNullable<StrataOptions["proxy"]>) {
    const p = createProxy({ layer: { proxy } });
    const gate = createGate();
    p.answers(async () => {
      await gate.pass();
      return {};
    });
    return { p, gate };
  }

  it.each([1, 2])(
    "with the option `proxy.slots` at %i, the proxy sends this number of concurrent requests to the origin and answers others with 503",
    async (slots) => {
      const { p, gate } = proxyThatHangs({ slots, slotWait: "20ms" });
      let refused = 0;
      const answers = ["/a", "/b", "/c"].map(async (path) => {
        if ((await p.get({}, path)).status === 503) refused++;
      });
      await vi.waitFor(() => expect([p.seen.length, refused]).toEqual([slots, 3 - slots]));
      gate.open();
      await Promise.all(answers);
      expect(p.seen.length).toBe(slots);
    },
  );

  it.each([
    ["1ms", 503],
    ["1001ms", 503],
    ["1m", 200],
  ] as const)(
    "with the option `proxy.slotWait` at %s, a request that waits for a free origin slot gets status %i",
    async (slotWait, status) => {
      const { p, gate } = proxyThatHangs({ slots: 1, slotWait });
      const holder = p.get();
      await gate.reached;
      const waiting = p.get({}, "/other");
      if (status === 503) await waiting;
      gate.open();
      const answer = await waiting;
      expect(answer.status).toBe(status);
      if (status === 503) expect(answer.headers.get("Retry-After")).toMatch(/^[1-4]$/);
      await holder;
    },
  );

  it.each([
    [99_999, ["MISS", "MISS"]],
    [100_000, ["MISS", "HIT"]],
  ])(
    "with the option `proxy.maxBytesInFlight` at %i, the proxy stores a response body of 100,000 bytes only if the option is not smaller",
    async (maxBytesInFlight, caches) => {
      const p = createProxy({ layer: { proxy: { maxBytesInFlight } } });
      p.answers({ headers: { "Cache-Control": "max-age=60" }, body: "x".repeat(100_000) });
      expect([(await p.get()).cache, (await p.get()).cache]).toEqual(caches);
    },
  );
});
