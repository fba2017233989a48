/** Attack on availability: a client gets a content coding that it cannot decode. */
import { describe, expect, it } from "vitest";
import { createProxy, type Proxy } from "../../../conformance/proxy.ts";

const MODES = ["safe", "rfc"] as const;

/** An origin that compresses for clients that accept gzip, and sends one weak tag for both codings. */
function compressing(p: Proxy, more: Readonly<Record<string, string>> = {}): void {
  p.answers((request) => {
    const headers = {
      "Cache-Control": "max-age=600",
      ETag: 'W/"1"',
      Vary: "Accept-Encoding",
      ...more,
    };
    if (request.headers.get("If-None-Match")?.includes('W/"1"') === true)
      return { status: 304, headers };
    return /gzip/.test(request.headers.get("Accept-Encoding") ?? "")
      ? { headers: { ...headers, "Content-Encoding": "gzip" }, body: "zipped" }
      : { headers, body: "plain" };
  });
}

describe.each(MODES)("the codings that a client accepts, in %s mode", (sharing) => {
  it.each(["identity", "br", "gzip;q=0", "*;q=0", "gzip;q=bad", undefined])(
    `for a client with Accept-Encoding %s, the proxy does not ask the origin to confirm the stored gzip variant, in ${sharing} mode`,
    async (acceptEncoding) => {
      const p = createProxy({ sharing });
      compressing(p);
      expect((await p.get({ "Accept-Encoding": "gzip" })).body).toBe("zipped");
      const other = await p.get(
        acceptEncoding === undefined ? {} : { "Accept-Encoding": acceptEncoding },
      );
      expect(other.headers.get("Content-Encoding")).toBe(
        acceptEncoding === "gzip;q=0" || acceptEncoding === "gzip;q=bad" ? "gzip" : null,
      );
      expect(p.seen[1]?.headers.get("If-None-Match")).toBeNull();
    },
  );

  it(`a client that accepts gzip gets the gzip variant that the origin confirms with a 304, in ${sharing} mode`, async () => {
    const p = createProxy({ sharing });
    compressing(p);
    await p.get({ "Accept-Encoding": "gzip" });
    const other = await p.get({ "Accept-Encoding": "gzip, br" });
    expect([other.body, other.headers.get("Content-Encoding")]).toEqual(["zipped", "gzip"]);
    expect(p.seen[1]?.headers.get("If-None-Match")).toBe('W/"1"');
  });

  it(`after a request without Accept-Encoding, a client with Accept-Encoding: br gets the body without a content coding, in ${sharing} mode`, async () => {
    const p = createProxy({ sharing });
    compressing(p);
    await p.get();
    expect((await p.get({ "Accept-Encoding": "br" })).body).toBe("plain");
  });

  it(`a stored gzip response without Vary is not sent to a client with Accept-Encoding: identity, in ${sharing} mode`, async () => {
    const p = createProxy({ sharing });
    compressing(p, { Vary: "" });
    await p.get({ "Accept-Encoding": "gzip" });
    expect((await p.get({ "Accept-Encoding": "identity" })).body).toBe("plain");
  });

  it(`while the origin is down, a client with Accept-Encoding: br gets a 502, not a stored gzip response without Vary, in ${sharing} mode`, async () => {
    const p = createProxy({ sharing });
    compressing(p, { Vary: "" });
    await p.get({ "Accept-Encoding": "gzip" });
    p.answers({ fails: true });
    expect((await p.get({ "Accept-Encoding": "br" })).status).toBe(502);
  });
});
