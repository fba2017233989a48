import { createExecutionContext } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createProxy } from "../../conformance/proxy.ts";

const execution = Object.getPrototypeOf(createExecutionContext()) as ExecutionContext;
afterEach(() => {
  vi.restoreAllMocks();
});

describe("a memory hit of the proxy", () => {
  it.each([{}, { Vary: "Foo" }])(
    "a request that the proxy answers from memory starts no background work, if the response also has the fields %j",
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
