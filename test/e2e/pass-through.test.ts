/** What only real connections show: the pass-through at the root, over the wire, before a real HTTP origin. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { textsOf } from "../support/byteranges.ts";
import { ask } from "./support/ask.ts";
import { startScriptedOrigin, type ScriptedOrigin } from "./support/scripted-origin.ts";
import { sendRaw } from "./support/raw.ts";
import { startProduct, type Product } from "./support/product.ts";

let origin: ScriptedOrigin;
let product: Product;
beforeAll(async () => {
  origin = await startScriptedOrigin();
  product = await startProduct({
    instances: 2,
    env: { ORIGIN_URL: origin.url, ORIGIN_AT_ROOT: "1" },
  });
});
afterAll(async () => {
  await product?.stop();
  await origin?.close();
});

/** All methods that come through; of each other one the tests below have an example. */
const DELIVERED = [
  ..."GET HEAD POST PUT PATCH DELETE OPTIONS TRACE QUERY PURGE NOTIFY SUBSCRIBE UNSUBSCRIBE".split(
    " ",
  ),
  ..."PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK ACL SEARCH".split(" "),
  ..."REPORT MKACTIVITY CHECKOUT MERGE".split(" "),
];
const FRESH = ["Cache-Control", "max-age=3600"] as const;
async function get(path: string, headers: Record<string, string> = {}, instance = 0) {
  const response = await fetch(`${product.urls[instance]}${path}`, { headers, redirect: "manual" });
  const body = await response.text();
  return { response, body, cache: response.headers.get("X-Cache-Status") };
}

describe("the pass-through at the root", () => {
  it("stores a response of the origin and validates it when it is stale", async () => {
    const path = origin.script({
      headers: [
        ["Cache-Control", "max-age=1"],
        ["ETag", '"a"'],
      ],
      unless: '"a"',
    });
    const first = await get(path);
    expect([first.body, first.cache]).toEqual(["response 1", "MISS"]);
    expect((await get(path)).cache).toBe("HIT");
    await expect.poll(async () => (await get(path)).cache, { timeout: 5_000 }).toBe("REVALIDATED");
    expect(origin.seen(path).at(-1)?.headers["if-none-match"]).toBe('"a"');
  });

  it("keeps health under /__strata and hands everything else on", async () => {
    expect((await get("/__strata/health")).response.status).toBe(200);
    expect((await get("/health")).response.headers.get("Cache-Status")).toContain("fwd=uri-miss");
  });

  it("is invalidated everywhere by a write that one instance sees", async () => {
    const path = origin.script({ headers: [FRESH] });
    await get(path, {}, 0);
    const host = new URL(product.urls[0] ?? "").host;
    const other = async () =>
      (await ask(at(1), path, { headers: { Host: host } })).headers["x-cache-status"];
    expect(await other()).toMatch(/HIT|MISS/);
    const before = origin.seen(path).length;
    await fetch(`${product.urls[0]}${path}`, { method: "POST", body: "x" });
    await expect
      .poll(async () => (await other(), origin.seen(path).length), { timeout: 5_000 })
      .toBe(before + 2);
  });

  it("takes the final response where interim ones come before it", async () => {
    const path = origin.script({ headers: [FRESH], interim: [102, 103] });
    expect((await get(path)).body).toBe("response 1");
    expect((await get(path)).cache).toBe("HIT");
  });

  it.each([[{ breakAfter: 3 }], [{ breakAfter: "start" }]] as const)(
    "stores nothing of an origin that breaks off: %j",
    async (broken) => {
      const path = origin.script({ headers: [FRESH], ...broken }, { headers: [FRESH] });
      await get(path).catch(() => undefined);
      await expect
        .poll(async () => (await get(path).catch(() => undefined))?.body)
        .toBe("response 2");
    },
  );

  it("sends several ranges with their exact length", async () => {
    const path = origin.script({
      headers: [FRESH, ["Content-Type", "text/x"]],
      body: "0123456789",
    });
    await get(path);
    const { status, headers, body } = await ask(at(0), path, {
      headers: { Range: "bytes=-2, 0-1" },
    });
    expect([status, headers["content-length"]]).toEqual([206, String(body.byteLength)]);
    expect(textsOf(headers["content-type"] ?? null, body.toString())).toEqual([
      "8-9/10 89",
      "0-1/10 01",
    ]);
  });

  it("streams 30 MiB both ways", async () => {
    const path = origin.script(
      { headers: [FRESH], body: "x".repeat(1 << 20), times: 30 },
      { headers: [] },
    );
    expect((await get(path)).body.length).toBe(30 << 20);
    await fetch(`${product.urls[0]}${path}`, { method: "POST", body: new Uint8Array(30 << 20) });
    expect(origin.seen(path).at(-1)?.body.length).toBe(30 << 20);
  });

  it("keeps cookies apart, odd statuses, redirects and the length of a HEAD", async () => {
    const cookies = origin.script({
      headers: [FRESH, ["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"]],
    });
    await get(cookies);
    expect((await get(cookies)).response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    const odd = origin.script({ status: 599, headers: [FRESH] });
    await get(odd);
    const again = await get(odd);
    expect([again.response.status, again.cache]).toEqual([599, "HIT"]);
    const redirect = origin.script({ status: 302, headers: [FRESH, ["Location", "/elsewhere"]] });
    await get(redirect);
    expect((await get(redirect)).response.headers.get("Location")).toBe("/elsewhere");
    const head = origin.script({ headers: [["Content-Length", "10"]] });
    const { headers } = await fetch(`${product.urls[0]}${head}`, { method: "HEAD" });
    expect(headers.get("Content-Length")).toBe("10");
  });
});

/** What the standards have and the runtime has not: what becomes of it. */
describe("at the limits of the runtime, the pass-through", () => {
  it("loses the trailers of requests and responses, and nothing else of them", async () => {
    const trailers = [["Sum", "42"]] as const;
    const path = origin.script({ headers: [FRESH, ["Trailer", "Sum"]], trailers });
    const direct = await ask(origin.url, path);
    expect(direct.trailers, "what the origin sends").toEqual({ sum: "42" });
    const answer = await ask(at(0), path, { headers: { TE: "trailers" } });
    expect([answer.status, answer.body.toString(), answer.trailers]).toEqual([
      200,
      "response 2",
      {},
    ]);
    await ask(at(0), path, {
      method: "POST",
      headers: { Trailer: "Sum", "Transfer-Encoding": "chunked" },
      body: "sent",
      trailers: { Sum: "42" },
    });
    const last = origin.seen(path).at(-1);
    expect([last?.method, last?.body, last?.trailers]).toEqual(["POST", "sent", {}]);
  });

  it.each([...DELIVERED])("hands %s on", async (method) => {
    const path = origin.script({ headers: [FRESH] });
    expect((await ask(at(0), path, { method })).status).toBe(200);
    expect(origin.seen(path).map((request) => request.method)).toEqual([method]);
  });

  it.each(["M-SEARCH", "LINK", "UNLINK", "SOURCE", "BIND", "REBIND", "UNBIND", "get", "FOO"])(
    "never hears of %s: the runtime answers 501",
    async (method) => {
      const path = origin.script({ headers: [FRESH] });
      const { status, text } = await sendRaw(
        at(0),
        `${method} ${path} HTTP/1.1\r\nHost: x\r\n\r\n`,
      );
      expect(status).toBe(501);
      expect(text).not.toContain("Cache-Status");
      expect(origin.seen(path)).toEqual([]);
    },
  );

  it("never hears of CONNECT, which is no request for a resource", async () => {
    const { status, text } = await sendRaw(
      at(0),
      "CONNECT x.test:80 HTTP/1.1\r\nHost: x.test:80\r\n\r\n",
    );
    expect(status).toBe(500);
    expect(text).not.toContain("Cache-Status");
  });
});

function at(instance: number): string {
  return product.urls[instance] ?? "";
}
