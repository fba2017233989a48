/** What only real connections show: the pass-through at the root, over the wire, before a real HTTP origin. */
import { request, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { textsOf } from "../support/byteranges.ts";
import {
  startScriptedOrigin,
  type ScriptedOrigin,
  type ScriptedResponse,
  type SeenRequest,
} from "./support/scripted-origin.ts";
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
    const other = async () =>
      (await ask(at(1), path, { headers: { Host: host } })).headers["x-cache-status"];
    expect(await other()).toMatch(/HIT|MISS/);
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

  it("sends several ranges with their exact length", async () => {
    const path = await scripted({
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

/** What the standards have and the runtime has not: what becomes of it. */
describe("at the limits of the runtime, the pass-through", () => {
  it("loses the trailers of requests and responses, and nothing else of them", async () => {
    const trailers = [["Sum", "42"]] as const;
    const path = await scripted({ headers: [FRESH, ["Trailer", "Sum"]], trailers });
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
    const last = (await seen(path)).at(-1);
    expect([last?.method, last?.body, last?.trailers]).toEqual(["POST", "sent", {}]);
  });

  it.each([...DELIVERED])("hands %s on", async (method) => {
    const path = await scripted({ headers: [FRESH] });
    expect((await ask(at(0), path, { method })).status).toBe(200);
    expect((await seen(path)).map((request) => request.method)).toEqual([method]);
  });

  it.each(["M-SEARCH", "LINK", "UNLINK", "SOURCE", "BIND", "REBIND", "UNBIND", "get", "FOO"])(
    "never hears of %s: the runtime answers 501",
    async (method) => {
      const path = await scripted({ headers: [FRESH] });
      const { status, text } = await sendRaw(
        at(0),
        `${method} ${path} HTTP/1.1\r\nHost: x\r\n\r\n`,
      );
      expect(status).toBe(501);
      expect(text).not.toContain("Cache-Status");
      expect(await seen(path)).toEqual([]);
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

interface Asking {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
  readonly trailers?: NodeJS.Dict<string>;
}

/** Asks with exactly these fields: fetch would choose Host and Accept-Encoding by itself. */
function ask(base: string, path: string, { method, headers, body, trailers }: Asking = {}) {
  return new Promise<Answered>((resolve, reject) => {
    const options = { ...(method && { method }), ...(headers && { headers }) };
    const sent = request(new URL(path, base), options, (response) => {
      const { statusCode: status, headers: received } = response;
      buffer(response).then(
        (bytes) => resolve({ status, headers: received, body: bytes, trailers: response.trailers }),
        reject,
      );
    });
    sent.on("error", reject);
    if (body !== undefined) sent.write(body);
    if (trailers !== undefined) sent.addTrailers(trailers);
    sent.end();
  });
}

interface Answered {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly trailers: NodeJS.Dict<string>;
}
