import { describe, expect, it } from "vitest";
import { createProxy } from "../../conformance/proxy.ts";

describe("s-maxage with an explicit stale-while-revalidate", () => {
  const headers = { "Cache-Control": "s-maxage=10, stale-while-revalidate=60" };

  it("in safe mode, a response with s-maxage and stale-while-revalidate is served stale", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers({ headers });
    await p.get();
    p.advance(11);
    expect(await p.get()).toMatchObject({ body: "1", cache: "STALE" });
    expect(await p.get()).toMatchObject({ body: "2", cache: "HIT" });
  });

  it("in rfc mode, a response with s-maxage and stale-while-revalidate is not served stale", async () => {
    const p = createProxy({ sharing: "rfc" });
    p.answers({ headers });
    await p.get();
    p.advance(11);
    expect((await p.get()).body).toBe("2");
  });

  it.each(["must-revalidate", "proxy-revalidate", "no-cache"])(
    "in safe mode, a response with s-maxage, stale-while-revalidate and %s is not served stale",
    async (directive) => {
      const p = createProxy({ sharing: "safe" });
      p.answers({
        headers: { "Cache-Control": `${headers["Cache-Control"]}, ${directive}`, ETag: '"a"' },
      });
      await p.get();
      p.advance(11);
      expect((await p.get()).body).toBe("2");
    },
  );

  it("in safe mode, a response with s-maxage and without stale-while-revalidate is not served stale", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers({ headers: { "Cache-Control": "s-maxage=10" } });
    await p.get();
    p.advance(11);
    expect((await p.get()).body).toBe("2");
  });
});
