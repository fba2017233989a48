import { createExecutionContext } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createProxy } from "../../conformance/proxy.ts";

const execution = Object.getPrototypeOf(createExecutionContext()) as ExecutionContext;
afterEach(() => {
  vi.restoreAllMocks();
});

describe("a memory hit of the proxy", () => {
  it.each([{}, { Vary: "Foo" }])(
    "a memory hit of the proxy starts no background work: %j",
    async (headers) => {
      const p = createProxy();
      p.answers({ headers: { "Cache-Control": "max-age=60", ...headers } });
      const waits = vi.spyOn(execution, "waitUntil");
      expect((await p.get()).cache).toBe("MISS");
      expect(waits).toHaveBeenCalled();
      waits.mockClear();
      expect((await p.get()).cache).toBe("HIT");
      expect(waits).not.toHaveBeenCalled();
    },
  );
});
