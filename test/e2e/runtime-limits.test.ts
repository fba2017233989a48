/**
 * Features of HTTP that the runtime does not support, as docs/http.md lists them. A test that fails
 * here shows that the runtime now supports one.
 */
import { describe, expect, it } from "vitest";
import { ask } from "./support/ask.ts";
import { FRESH, type PassThrough } from "./support/pass-through.ts";
import { sendRaw } from "./support/raw.ts";
import { products } from "./support/shared-products.ts";

let through: PassThrough;
products.beforeAll(({ passThrough }) => void (through = passThrough));

/** All methods that the runtime delivers. The tests below have examples of others. */
const DELIVERED = [
  ..."GET HEAD POST PUT PATCH DELETE OPTIONS TRACE QUERY PURGE NOTIFY SUBSCRIBE UNSUBSCRIBE".split(
    " ",
  ),
  ..."PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK ACL SEARCH".split(" "),
  ..."REPORT MKACTIVITY CHECKOUT MERGE".split(" "),
];
describe("the pass-through at the limits of the runtime", () => {
  it("the proxy drops the trailers of requests and responses, and forwards the bodies", async () => {
    const trailers = [["Sum", "42"]] as const;
    const path = through.origin.script({ headers: [FRESH, ["Trailer", "Sum"]], trailers });
    const direct = await ask(through.origin.url, path);
    expect(direct.trailers, "what the origin sends").toEqual({ sum: "42" });
    const answer = await ask(through.at(0), path, { headers: { TE: "trailers" } });
    expect([answer.status, answer.body.toString(), answer.trailers]).toEqual([
      200,
      "response 2",
      {},
    ]);
    await ask(through.at(0), path, {
      method: "POST",
      headers: { Trailer: "Sum", "Transfer-Encoding": "chunked" },
      body: "sent",
      trailers: { Sum: "42" },
    });
    const last = through.origin.seen(path).at(-1);
    expect([last?.method, last?.body, last?.trailers]).toEqual(["POST", "sent", {}]);
  });

  it.each([...DELIVERED])("the proxy forwards the method %s to the origin", async (method) => {
    const path = through.origin.script({ headers: [FRESH] });
    expect((await ask(through.at(0), path, { method })).status).toBe(200);
    expect(through.origin.seen(path).map((request) => request.method)).toEqual([method]);
  });

  it.each(["M-SEARCH", "LINK", "UNLINK", "SOURCE", "BIND", "REBIND", "UNBIND", "get", "FOO"])(
    "the Workers runtime answers the method %s with 501, and the request does not reach the proxy",
    async (method) => {
      const path = through.origin.script({ headers: [FRESH] });
      const { status, text } = await sendRaw(
        through.at(0),
        `${method} ${path} HTTP/1.1\r\nHost: x\r\n\r\n`,
      );
      expect(status).toBe(501);
      expect(text).not.toContain("Cache-Status");
      expect(through.origin.seen(path)).toEqual([]);
    },
  );

  it("the Workers runtime answers CONNECT with 500, and the request does not reach the proxy", async () => {
    const { status, text } = await sendRaw(
      through.at(0),
      "CONNECT x.test:80 HTTP/1.1\r\nHost: x.test:80\r\n\r\n",
    );
    expect(status).toBe(500);
    expect(text).not.toContain("Cache-Status");
  });
});

describe("the runtime", () => {
  const head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n";

  it("the Workers runtime rejects an origin response with folded fields (obs-fold), so that the proxy answers 502", async () => {
    const path = through.origin.script({ raw: `${head}X-Folded: a\r\n b\r\n\r\nok` });
    expect((await through.get(path)).response.status).toBe(502);
  });

  it("the Workers runtime decodes field values as UTF-8, and replaces bytes that are not UTF-8", async () => {
    const path = through.origin.script({
      raw: `${head}X-Latin: \u00e9\r\nX-Utf: \u00c3\u00a9\r\n\r\nok`,
    });
    const { headers } = (await through.get(path)).response;
    const bytes = (name: string) => Buffer.from(headers.get(name) ?? "", "latin1").toString("utf8");
    expect([bytes("X-Latin"), bytes("X-Utf")]).toEqual(["\ufffd", "\u00e9"]);
  });

  it("under wrangler dev, the proxy forwards a field that Connection lists, because the runtime hides the Connection field", async () => {
    const path = through.origin.script({ headers: [] });
    await ask(through.at(0), path, { headers: { Connection: "X-Hop", "X-Hop": "1" } });
    expect(through.origin.seen(path)[0]?.headers["x-hop"]).toBe("1");
  });
});
