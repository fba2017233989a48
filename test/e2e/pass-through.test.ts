/** What only real connections show: the pass-through at the root, over the wire, before a real HTTP origin. */
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  startScriptedOrigin,
  type ScriptedOrigin,
  type ScriptedResponse,
  type SeenRequest,
} from "./support/scripted-origin.ts";
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

const FRESH = ["Cache-Control", "max-age=3600"] as const;
let scripts = 0;

/** Tells the origin what to answer under a path of its own, which is returned. */
async function scripted(...responses: readonly ScriptedResponse[]): Promise<string> {
  const id = `s${++scripts}`;
  await fetch(`${origin.url}/script/${id}`, { method: "PUT", body: JSON.stringify(responses) });
  return `/r/${id}`;
}

async function seen(path: string): Promise<readonly SeenRequest[]> {
  const response = await fetch(`${origin.url}${path.replace("/r/", "/script/")}`);
  return (await response.json()) as SeenRequest[];
}

async function get(path: string, headers: Record<string, string> = {}, instance = 0) {
  const response = await fetch(`${product.urls[instance]}${path}`, { headers, redirect: "manual" });
  const body = await response.text();
  return { response, body, cache: response.headers.get("X-Cache-Status") };
}

describe("the pass-through at the root", () => {
  it("stores a response of the origin and validates it when it is stale", async () => {
    const path = await scripted({
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
    expect((await seen(path)).at(-1)?.headers["if-none-match"]).toBe('"a"');
  });

  it("keeps health under /__strata and hands everything else on", async () => {
    expect((await get("/__strata/health")).response.status).toBe(200);
    expect((await get("/health")).response.headers.get("Cache-Status")).toContain("fwd=uri-miss");
  });

  it("is invalidated everywhere by a write that one instance sees", async () => {
    const path = await scripted({ headers: [FRESH] });
    await get(path, {}, 0);
    const host = new URL(product.urls[0] ?? "").host;
    const other = () => ask(1, path, { Host: host });
    expect((await other()).cache).toMatch(/HIT|MISS/);
    const before = (await seen(path)).length;
    await fetch(`${product.urls[0]}${path}`, { method: "POST", body: "x" });
    await expect
      .poll(async () => (await other(), (await seen(path)).length), { timeout: 5_000 })
      .toBe(before + 2);
  });

  it("takes the final response where interim ones come before it", async () => {
    const path = await scripted({ headers: [FRESH], interim: [102, 103] });
    expect((await get(path)).body).toBe("response 1");
    expect((await get(path)).cache).toBe("HIT");
  });

  it.each([[{ breakAfter: 3 }], [{ breakAfter: "start" }]] as const)(
    "stores nothing of an origin that breaks off: %j",
    async (broken) => {
      const path = await scripted({ headers: [FRESH], ...broken }, { headers: [FRESH] });
      await get(path).catch(() => undefined);
      await expect
        .poll(async () => (await get(path).catch(() => undefined))?.body)
        .toBe("response 2");
    },
  );

  it("streams 30 MiB both ways", async () => {
    const path = await scripted(
      { headers: [FRESH], body: "x".repeat(1 << 20), times: 30 },
      { headers: [] },
    );
    expect((await get(path)).body.length).toBe(30 << 20);
    await fetch(`${product.urls[0]}${path}`, { method: "POST", body: new Uint8Array(30 << 20) });
    expect((await seen(path)).at(-1)?.body.length).toBe(30 << 20);
  });

  it("keeps cookies apart, odd statuses, redirects and the length of a HEAD", async () => {
    const cookies = await scripted({
      headers: [FRESH, ["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"]],
    });
    await get(cookies);
    expect((await get(cookies)).response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    const odd = await scripted({ status: 599, headers: [FRESH] });
    await get(odd);
    const again = await get(odd);
    expect([again.response.status, again.cache]).toEqual([599, "HIT"]);
    const redirect = await scripted({ status: 302, headers: [FRESH, ["Location", "/elsewhere"]] });
    await get(redirect);
    expect((await get(redirect)).response.headers.get("Location")).toBe("/elsewhere");
    const head = await scripted({ headers: [["Content-Length", "10"]] });
    const { headers } = await fetch(`${product.urls[0]}${head}`, { method: "HEAD" });
    expect(headers.get("Content-Length")).toBe("10");
  });
});

describe("encoded bodies", () => {
  // Not even gzip: whoever tries to decode or encode it fails, or changes it.
  const bytes = "\u001f\u008b\u0000\u00ff";
  const encoded = `Content-Encoding: gzip\r\nContent-Length: 4\r\nCache-Control: max-age=60\r\n`;

  it("hands a part on as it came, and again from what is stored", async () => {
    const head = `HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-3/9\r\n${encoded}`;
    const path = await scripted({ raw: `${head}\r\n${bytes}` });
    for (const cache of ["MISS", "HIT"])
      expect(await ask(0, path, { Range: "bytes=0-3" })).toEqual({
        status: 206,
        cache,
        body: bytes,
      });
  });

  it("hands the answer to a POST on as it came, and to a GET of the same", async () => {
    const head = `HTTP/1.1 200 OK\r\nContent-Location: {path}\r\n${encoded}`;
    const path = await scripted({ raw: `${head}\r\n${bytes}` });
    expect((await ask(0, path, {}, "POST")).body).toBe(bytes);
    expect(await ask(0, path, {})).toEqual({ status: 200, cache: "HIT", body: bytes });
  });
});

describe("what goes to the origin", () => {
  it("asks caches on its way for nothing that the client did not ask for", async () => {
    const path = await scripted({ headers: [] });
    await get(path);
    await get(path, { "Cache-Control": "max-age=5" });
    const [plain, asking] = (await seen(path)).map(({ headers }) => headers);
    expect([plain?.["cache-control"], plain?.["pragma"]]).toEqual([undefined, undefined]);
    expect([asking?.["cache-control"], asking?.["pragma"]]).toEqual(["max-age=5", undefined]);
  });

  it("takes a status that is none for a failure of the origin", async () => {
    const path = await scripted({ status: 600, headers: [FRESH, ["Content-Length", "10"]] });
    expect((await get(path)).response.status).toBe(502);
  });
});

/** docs/http.md lists these; a test that fails here says that the runtime has learned it. */
describe("what the runtime does not allow", () => {
  const head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n";

  it("reads no folded fields", async () => {
    const path = await scripted({ raw: `${head}X-Folded: a\r\n b\r\n\r\nok` });
    expect((await get(path)).response.status).toBe(502);
  });

  it("takes fields for UTF-8 and loses what is not", async () => {
    const path = await scripted({ raw: `${head}X-Latin: \u00e9\r\nX-Utf: \u00c3\u00a9\r\n\r\nok` });
    const { headers } = (await get(path)).response;
    const bytes = (name: string) => Buffer.from(headers.get(name) ?? "", "latin1").toString("utf8");
    expect([bytes("X-Latin"), bytes("X-Utf")]).toEqual(["\ufffd", "\u00e9"]);
  });

  it("does not tell the Worker behind wrangler dev what a request's Connection lists", async () => {
    const path = await scripted({ headers: [] });
    await ask(0, path, { Connection: "X-Hop", "X-Hop": "1" });
    expect((await seen(path))[0]?.headers["x-hop"]).toBe("1");
  });
});

/** Over plain http: fetch would not let us choose Host and Connection, and would decode the body. */
function ask(
  instance: number,
  path: string,
  headers: Readonly<Record<string, string>>,
  method = "GET",
): Promise<{ status: number | undefined; cache: string; body: string }> {
  const url = new URL(path, product.urls[instance]);
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers }, (response) => {
      let body = "";
      response.setEncoding("latin1").on("data", (text: string) => (body += text));
      response.on("end", () =>
        resolve({
          status: response.statusCode,
          cache: String(response.headers["x-cache-status"]),
          body,
        }),
      );
    });
    sent.on("error", reject);
    sent.end();
  });
}
