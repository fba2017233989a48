import { describe, expect, it } from "vitest";
import { createProxy } from "../../conformance/proxy.ts";

describe("s-maxage with an explicit stale-while-revalidate", () => {
  const headers = { "Cache-Control": "s-maxage=10, stale-while-revalidate=60" };

  it("safe mode serves a response stale after s-maxage if stale-while-revalidate allows it", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers({ headers });
    await p.get();
    p.advance(11);
    expect(await p.get()).toMatchObject({ body: "1", cache: "STALE" });
    expect(await p.get()).toMatchObject({ body: "2", cache: "HIT" });
  });

  it("rfc mode serves nothing stale after s-maxage, because s-maxage implies proxy-revalidate", async () => {
    const p = createProxy({ sharing: "rfc" });
    p.answers({ headers });
    await p.get();
    p.advance(11);
    expect((await p.get()).body).toBe("2");
  });

  it.each(["must-revalidate", "proxy-revalidate", "no-cache"])(
    "safe mode serves nothing stale after s-maxage if the response also says %s",
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

  it("safe mode serves nothing stale after s-maxage alone", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers({ headers: { "Cache-Control": "s-maxage=10" } });
    await p.get();
    p.advance(11);
    expect((await p.get()).body).toBe("2");
  });
});
