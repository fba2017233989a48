/** Attacks on shared responses, over real connections, on the product as it is without configuration. */
import { describe, expect, it } from "vitest";
import { ask } from "./support/ask.ts";
import { FRESH, type PassThrough } from "./support/pass-through.ts";
import { products } from "./support/shared-products.ts";

let through: PassThrough;
products.beforeAll(({ safePassThrough }) => void (through = safePassThrough));

const VICTIM = { Cookie: "sid=VICTIM" };
const TAG = ["ETag", '"a"'] as const;

describe("the product in its default mode", () => {
  it.each([
    ["only Last-Modified", [["Last-Modified", "{-1000000}"]]],
    ["max-age", [FRESH]],
    ["max-age and must-revalidate", [["Cache-Control", "max-age=60, must-revalidate"]]],
  ] as const)(
    "a response with %s that the proxy got for a request with a cookie is not served to another client",
    async (_, headers) => {
      const path = through.origin.script({ headers, body: "of VICTIM" }, { headers, body: "own" });
      expect((await through.get(path, VICTIM)).body).toBe("of VICTIM");
      expect((await through.get(path)).body).toBe("own");
    },
  );

  it.each(["Authorization", "X-API-Key", "X-Auth-Token", "Cf-Access-Jwt-Assertion"])(
    "the proxy does not serve the response to a request with the field %s to another client",
    async (name) => {
      const path = through.origin.script(
        { headers: [FRESH], body: "of VICTIM" },
        { headers: [FRESH], body: "own" },
      );
      expect((await through.get(path, { [name]: "VICTIM" })).body).toBe("of VICTIM");
      expect((await through.get(path)).body).toBe("own");
    },
  );

  it("a request with max-stale does not get a response without a lifetime that the proxy got for another client", async () => {
    const path = through.origin.script(
      { headers: [TAG], body: "of VICTIM" },
      { headers: [TAG], body: "own" },
    );
    await through.get(path, VICTIM);
    expect((await through.get(path, { "Cache-Control": "max-stale" })).body).toBe("own");
  });

  it("a request with stale-if-error gets the 500 of the origin, and not an earlier response that had no lifetime", async () => {
    const path = through.origin.script(
      { headers: [TAG], body: "never fresh" },
      { status: 500, headers: [], body: "error" },
    );
    await through.get(path);
    expect((await through.get(path, { "Cache-Control": "stale-if-error=999" })).body).toBe("error");
  });

  it("the proxy sends the Set-Cookie of a public response only to the first client, and not with a cache hit", async () => {
    const path = through.origin.script({
      headers: [
        ["Cache-Control", "public, max-age=60"],
        ["Set-Cookie", "sid=VICTIM"],
      ],
    });
    expect((await through.get(path)).response.headers.getSetCookie()).toEqual(["sid=VICTIM"]);
    const other = await through.get(path);
    expect([other.cache, other.response.headers.getSetCookie()]).toEqual(["HIT", []]);
  });

  it("the proxy sends one request to the origin for 20 client requests with no-cache", async () => {
    const path = through.origin.script({ headers: [FRESH] });
    for (let count = 0; count < 20; count++)
      await through.get(path, { "Cache-Control": "no-cache" });
    expect(through.origin.seen(path).length).toBe(1);
  });

  it("the proxy does not serve a 400 response with max-age to another client", async () => {
    const path = through.origin.script({ status: 400, headers: [FRESH] }, { headers: [FRESH] });
    expect((await through.get(path)).response.status).toBe(400);
    expect((await through.get(path)).response.status).toBe(200);
  });

  it("the proxy answers a request after the origin has closed three connections during earlier requests", async () => {
    const path = through.origin.script(
      { breakAfter: "start" },
      { breakAfter: "start" },
      { breakAfter: "start" },
      { headers: [], body: "fine" },
    );
    while (through.origin.seen(path).length < 3) await through.get(path);
    expect((await through.get(path)).body).toBe("fine");
  });

  it("the proxy does not serve a stored response with a content coding that the client does not accept", async () => {
    const shared = [
      ["Cache-Control", "max-age=3600"],
      ["ETag", 'W/"1"'],
      ["Vary", "Accept-Encoding"],
    ] as const;
    const path = through.origin.script(
      { headers: [...shared, ["Content-Encoding", "x-a"]], body: "coded" },
      { headers: shared, body: "plain", unless: 'W/"1"' },
    );
    const get = (coding: string) =>
      ask(through.at(0), path, { headers: { "Accept-Encoding": coding } });
    expect((await get("x-a")).body.toString()).toBe("coded");
    const other = await get("identity");
    expect([other.body.toString(), other.headers["content-encoding"]]).toEqual([
      "plain",
      undefined,
    ]);
  });

  it("the proxy stops serving a stored response after a 304 with Cache-Control: private", async () => {
    const path = through.origin.script(
      { headers: [["Cache-Control", "max-age=1"], TAG], body: "stored" },
      { headers: [["Cache-Control", "private"], TAG], unless: '"a"' },
      { headers: [["Cache-Control", "private"]], body: "own" },
    );
    await through.get(path);
    await expect
      .poll(async () => (await through.get(path)).cache, { timeout: 5_000 })
      .toBe("REVALIDATED");
    expect((await through.get(path)).body).toBe("own");
  });
});
