/** The pass-through at the root over real connections, in front of a real HTTP origin. */
import { describe, expect, it } from "vitest";
import { textsOf } from "../support/byteranges.ts";
import { ask } from "./support/ask.ts";
import { breakOff } from "./support/raw.ts";
import { FRESH, type PassThrough } from "./support/pass-through.ts";
import { products } from "./support/shared-products.ts";

let through: PassThrough;
products.beforeAll(({ passThrough }) => void (through = passThrough));

describe("the pass-through at the root", () => {
  it("the proxy stores a response of the origin, and revalidates the response when it is stale", async () => {
    const path = through.origin.script({
      headers: [
        ["Cache-Control", "max-age=1"],
        ["ETag", '"a"'],
      ],
      unless: '"a"',
    });
    const first = await through.get(path);
    expect([first.body, first.cache]).toEqual(["response 1", "MISS"]);
    expect((await through.get(path)).cache).toBe("HIT");
    await expect
      .poll(async () => (await through.get(path)).cache, { timeout: 5_000 })
      .toBe("REVALIDATED");
    expect(through.origin.seen(path).at(-1)?.headers["if-none-match"]).toBe('"a"');
  });

  it("the proxy answers /__strata/health itself, and forwards a request for /health to the origin", async () => {
    expect((await through.get("/__strata/health")).response.status).toBe(200);
    expect((await through.get("/health")).response.headers.get("Cache-Status")).toContain(
      "fwd=uri-miss",
    );
  });

  it("a write through the proxy of one Worker instance invalidates the stored response in another Worker instance", async () => {
    const path = through.origin.script({ headers: [FRESH] });
    await through.get(path, {}, 0);
    const host = new URL(through.product.urls[0] ?? "").host;
    const other = () => ask(through.at(1), path, { headers: { Host: host } });
    expect((await other()).cache).toMatch(/HIT|MISS/);
    const before = through.origin.seen(path).length;
    await fetch(`${through.product.urls[0]}${path}`, { method: "POST", body: "x" });
    await expect
      .poll(async () => (await other(), through.origin.seen(path).length), { timeout: 5_000 })
      .toBe(before + 2);
  });

  it.each([
    ["with Content-Length", 'Content-Length: 1000\r\n\r\n{"name', "499"],
    ["without Content-Length", 'Transfer-Encoding: chunked\r\n\r\n6\r\n{"name\r\n', "502"],
  ])(
    "an upload %s that the client breaks off never reaches the origin as a complete request",
    async (_name, rest, status) => {
      const path = through.origin.script({ headers: [FRESH] });
      const counted = async (): Promise<number> => {
        const { body } = await ask(through.at(0), "/__strata/metrics");
        const sample = body
          .toString()
          .split("\n")
          .find((line) => /_duration_seconds_count\{.*"POST"/.test(line) && line.includes(status));
        return Number(sample?.split(" ").at(-1) ?? 0);
      };
      const before = await counted();
      await breakOff(through.at(0), `POST ${path} HTTP/1.1\r\nHost: a\r\n${rest}`);
      await expect.poll(counted, { timeout: 10_000, interval: 200 }).toBe(before + 1);
      expect(through.origin.seen(path)).toEqual([]);
    },
  );

  it("the proxy stores the final response if interim responses (1xx) come before it", async () => {
    const path = through.origin.script({ headers: [FRESH], interim: [102, 103] });
    expect((await through.get(path)).body).toBe("response 1");
    expect((await through.get(path)).cache).toBe("HIT");
  });

  it.each([[{ breakAfter: 3 }], [{ breakAfter: "start" }]] as const)(
    "the proxy stores nothing if the origin closes the connection before the end of the response: %j",
    async (broken) => {
      const path = through.origin.script({ headers: [FRESH], ...broken }, { headers: [FRESH] });
      await through.get(path).catch(() => undefined);
      await expect
        .poll(async () => (await through.get(path).catch(() => undefined))?.body)
        .toBe("response 2");
    },
  );

  it("the proxy answers a request for several ranges with a 206 and the exact Content-Length", async () => {
    const path = through.origin.script({
      headers: [FRESH, ["Content-Type", "text/x"]],
      body: "0123456789",
    });
    await through.get(path);
    const { status, headers, body } = await ask(through.at(0), path, {
      headers: { Range: "bytes=-2, 0-1" },
    });
    expect([status, headers["content-length"]]).toEqual([206, String(body.byteLength)]);
    expect(textsOf(headers["content-type"] ?? null, body.toString())).toEqual([
      "8-9/10 89",
      "0-1/10 01",
    ]);
  });

  it("the proxy streams a response and a request of 30 MiB", async () => {
    const path = through.origin.script(
      { headers: [FRESH], body: "x".repeat(1 << 20), times: 30 },
      { headers: [] },
    );
    expect((await through.get(path)).body.length).toBe(30 << 20);
    await fetch(`${through.product.urls[0]}${path}`, {
      method: "POST",
      body: new Uint8Array(30 << 20),
    });
    expect(through.origin.seen(path).at(-1)?.body.length).toBe(30 << 20);
  });

  it("the proxy forwards several Set-Cookie fields, a status of 599, redirects and the Content-Length of a HEAD unchanged", async () => {
    const cookies = through.origin.script({
      headers: [FRESH, ["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"]],
    });
    await through.get(cookies);
    expect((await through.get(cookies)).response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    const odd = through.origin.script({ status: 599, headers: [FRESH] });
    await through.get(odd);
    const again = await through.get(odd);
    expect([again.response.status, again.cache]).toEqual([599, "HIT"]);
    const redirect = through.origin.script({
      status: 302,
      headers: [FRESH, ["Location", "/elsewhere"]],
    });
    await through.get(redirect);
    expect((await through.get(redirect)).response.headers.get("Location")).toBe("/elsewhere");
    const head = through.origin.script({ headers: [["Content-Length", "10"]] });
    const { headers } = await fetch(`${through.product.urls[0]}${head}`, { method: "HEAD" });
    expect(headers.get("Content-Length")).toBe("10");
  });
});

describe("the pass-through with encoded bodies", () => {
  // These bytes are not valid gzip, so decoding or encoding them would fail or change them.
  const text = "\u001f\u008b\u0000\u00ff";
  const bytes = Buffer.from(text, "latin1");
  const encoded = `Content-Encoding: gzip\r\nContent-Length: 4\r\nCache-Control: max-age=60\r\n`;

  it("the proxy serves an encoded 206 response with unchanged bytes, from the origin and from the cache", async () => {
    const head = `HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-3/9\r\n${encoded}`;
    const path = through.origin.script({ raw: `${head}\r\n${text}` });
    for (const cache of ["MISS", "HIT"])
      expect(await ask(through.at(0), path, { headers: { Range: "bytes=0-3" } })).toMatchObject({
        status: 206,
        cache,
        body: bytes,
      });
  });

  it("the proxy returns the encoded response to a POST with unchanged bytes, and stores it for a later GET", async () => {
    const head = `HTTP/1.1 200 OK\r\nContent-Location: {path}\r\n${encoded}`;
    const path = through.origin.script({ raw: `${head}\r\n${text}` });
    expect((await ask(through.at(0), path, { method: "POST" })).body).toEqual(bytes);
    expect(await ask(through.at(0), path)).toMatchObject({
      status: 200,
      cache: "HIT",
      body: bytes,
    });
  });
});

describe("the pass-through and its origin", () => {
  it("the proxy sends a Cache-Control or Pragma field to the origin only if the client sent this field", async () => {
    const path = through.origin.script({ headers: [] });
    await through.get(path);
    await through.get(path, { "Cache-Control": "max-age=5" });
    const [plain, asking] = through.origin.seen(path).map(({ headers }) => headers);
    expect([plain?.["cache-control"], plain?.["pragma"]]).toEqual([undefined, undefined]);
    expect([asking?.["cache-control"], asking?.["pragma"]]).toEqual(["max-age=5", undefined]);
  });

  it("the proxy answers 502 if the status of the origin's response is 600", async () => {
    const path = through.origin.script({
      status: 600,
      headers: [FRESH, ["Content-Length", "10"]],
    });
    expect((await through.get(path)).response.status).toBe(502);
  });
});
