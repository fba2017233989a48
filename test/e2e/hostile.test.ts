import { describe, expect, it } from "vitest";
import type { Answer } from "./support/client.ts";
import type { Product } from "./support/product.ts";
import { sendRaw } from "./support/raw.ts";
import { products } from "./support/shared-products.ts";

let product: Product;
products.beforeAll(({ shop }) => void (product = shop));

/** Characters: more than any sensible limit of a URL or a header. */
const LONG = 100_000;
const JSON_TYPE = "application/json";

const PATHS: readonly (readonly [name: string, path: string])[] = [
  ["an id of letters", "/products/abc"],
  ["an id of zero", "/products/0"],
  ["a negative id", "/products/-1"],
  ["an id with a fraction", "/products/1.5"],
  ["an id with an exponent", "/products/1e3"],
  ["an id in hexadecimal", "/products/0x2a"],
  ["an id with a leading zero", "/products/007"],
  ["an id beyond Postgres' integer", "/products/2147483648"],
  ["an id of a thousand digits", `/products/${"9".repeat(1_000)}`],
  ["an id of 10 KB", `/products/${"a".repeat(10_240)}`],
  ["an id in Arabic digits", "/products/%D9%A4%D9%A2"],
  ["an id with a newline", "/products/42%0A"],
  ["an id with CR LF and a header", "/products/42%0D%0AX-Evil:%20yes"],
  ["an id with a NUL", "/products/42%00"],
  ["an id with a colon, as in a key", "/products/42:categories"],
  ["__proto__", "/products/__proto__"],
  ["constructor", "/users/constructor"],
  ["SQL", "/products/1%20or%201=1"],
  ["an emoji", "/products/%F0%9F%8D%8E"],
  ["invalid percent-encoding", "/products/%zz"],
  ["cut percent-encoding", "/products/%"],
  ["broken UTF-8", "/products/%c3%28"],
  ["half a surrogate pair", "/products/%ED%A0%80"],
  ["a slash in an id", "/products/4%2F2"],
  ["a path that climbs", "/products/../../etc/passwd"],
  ["a path that climbs in disguise", "/products/%2e%2e/%2e%2e/etc/passwd"],
  ["a path of dots and backslashes", "/..\\..\\windows"],
  ["empty segments", "//products//42"],
  ["a path of 100 KB", `/${"x".repeat(LONG)}`],
  ["ten thousand segments", "/a".repeat(10_000)],
  ["an unknown parameter", "/products?sort=name"],
  ["a parameter of a route without any", "/products/42?x=1"],
  ["a parameter named __proto__", "/products?__proto__=1"],
  ["a parameter twice", "/products?page=1&page=2"],
  [
    "five thousand parameters",
    `/products?${Array.from({ length: 5_000 }, (_, n) => `p${n}=1`).join("&")}`,
  ],
  ["a page of nothing", "/products?page="],
  ["a page of zero", "/products?page=0"],
  ["an endless page", "/products?page=99999999999999999999"],
  ["a category of letters", "/products?category=shoes"],
  ["invalid percent-encoding in the query", "/products?page=%zz"],
  ["a batch of nothing", "/users?ids="],
  ["a batch without ids", "/users"],
  ["a batch with a hole", "/users?ids=1,,2"],
  [
    "a batch of a thousand",
    `/users?ids=${Array.from({ length: 1_000 }, (_, n) => n + 1).join(",")}`,
  ],
  ["a hostile batch", "/users?ids=1,2);drop%20table%20users"],
  ["a path without a route", "/nothing/here"],
];

const BODIES: readonly (readonly [name: string, body: string, type: string])[] = [
  ["nothing", "", JSON_TYPE],
  ["invalid JSON", "{stock: 7}", JSON_TYPE],
  ["truncated JSON", '{"stock": 7', JSON_TYPE],
  ["a number", "7", JSON_TYPE],
  ["null", "null", JSON_TYPE],
  ["a list", "[1]", JSON_TYPE],
  ["an empty object", "{}", JSON_TYPE],
  ["an unknown field", '{"stock": 7, "owner": "me"}', JSON_TYPE],
  ["__proto__", '{"__proto__": {"stock": 7}}', JSON_TYPE],
  ["the wrong type", '{"stock": "7"}', JSON_TYPE],
  ["a negative stock", '{"stock": -1}', JSON_TYPE],
  ["a stock beyond Postgres' integer", '{"stock": 2147483648}', JSON_TYPE],
  ["a stock beyond all numbers", '{"stock": 1e400}', JSON_TYPE],
  ["a fraction", '{"stock": 1.5}', JSON_TYPE],
  ["an empty name", '{"name": "  "}', JSON_TYPE],
  ["a name with a NUL", '{"name": "a\\u0000b"}', JSON_TYPE],
  ["a name with half a surrogate pair", '{"name": "\\ud800"}', JSON_TYPE],
  ["a name of 10 KB", JSON.stringify({ name: "x".repeat(10_240) }), JSON_TYPE],
  ["a category that does not exist", '{"categoryId": 999999}', JSON_TYPE],
  ["ten thousand brackets", "[".repeat(10_000), JSON_TYPE],
  ["a form", "stock=7", "application/x-www-form-urlencoded"],
  ["no Content-Type", '{"stock": 7}', ""],
  ["a malformed Content-Type", '{"stock": 7}', "\u00ff/;;"],
  ["100 KB", JSON.stringify({ description: "x".repeat(LONG) }), JSON_TYPE],
];

describe("hostile requests", () => {
  it.each(PATHS)(
    "a GET to the reference API with %s gets a 4xx response with problem details",
    async (_name, path) => {
      expect(flawIn(await product.client().get(0, path))).toBeUndefined();
    },
  );

  it.each(BODIES)(
    "a PATCH of a product or an admin purge with a body of %s gets a 4xx response with problem details",
    async (_name, body, type) => {
      const headers = {
        Authorization: `Bearer ${product.adminToken}`,
        ...(type !== "" && { "Content-Type": type }),
      };
      for (const path of ["/products/42", "/admin/purge"]) {
        const method = path === "/admin/purge" ? "POST" : "PATCH";
        const answer = await product.client().ask(0, path, { method, headers, body });
        expect(flawIn(answer)).toBeUndefined();
      }
    },
  );

  it.each(["DELETE", "PUT", "POST", "PURGE", "OPTIONS", "PROPFIND"])(
    "the response to the method %s on a read-only route lists the allowed methods in the Allow field",
    async (method) => {
      const answer = await product.client().ask(0, "/categories", { method });
      expect(answer.status).toBe(method === "OPTIONS" ? 204 : 405);
      expect(answer.headers["allow"]).toContain("GET");
    },
  );

  it("a PATCH of a product without an admin token, with a wrong token or with a malformed token gets a 401", async () => {
    for (const token of [
      undefined,
      "",
      "Bearer",
      "Bearer wrong",
      "Basic YTpi",
      `Bearer ${"x".repeat(8_000)}`,
    ]) {
      const headers = {
        "Content-Type": JSON_TYPE,
        ...(token !== undefined && { Authorization: token }),
      };
      const answer = await product
        .client()
        .ask(0, "/products/42", { method: "PATCH", headers, body: '{"stock": 1}' });
      expect(answer.status, String(token)).toBe(401);
      expect(answer.headers["www-authenticate"]).toContain("Bearer");
    }
  });

  it.each([
    ["If-None-Match", `"${"x".repeat(5_000)}"`],
    ["If-None-Match", '"unfinished'],
    ["If-Modified-Since", "yesterday"],
    ["Range", "bytes=9-1,-,a-b"],
    ["Accept", "*/*;q=9,;;"],
    ["Cache-Control", 'no-cache="unfinished'],
    ["CF-Connecting-IP", "not an address"],
    ["traceparent", "00-zz-zz-zz"],
    ["Cookie", "=;=;__Host-session=%"],
    ["Authorization", "\t"],
  ])(
    "a GET with the malformed request field %s: %.20s does not get a 5xx response",
    async (name, value) => {
      const answer = await product.client().ask(0, "/products/42", { headers: { [name]: value } });
      expect(answer.status).toBeLessThan(500);
    },
  );

  it.each([
    [
      "a header of a megabyte",
      `GET /products/42 HTTP/1.1\r\nHost: a\r\nX-Large: ${"x".repeat(1_000_000)}\r\n\r\n`,
    ],
    [
      "five thousand headers",
      `GET /products/42 HTTP/1.1\r\nHost: a\r\n${"X-Many: 1\r\n".repeat(5_000)}\r\n`,
    ],
    ["a URL of a megabyte", `GET /${"x".repeat(1_000_000)} HTTP/1.1\r\nHost: a\r\n\r\n`],
    ["a space in the URL", "GET /products/4 2 HTTP/1.1\r\nHost: a\r\n\r\n"],
    [
      "bytes that are not UTF-8 in the URL",
      Buffer.from("GET /products/\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n", "latin1"),
    ],
    ["no method", "\r\n / HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["an unknown method", "BREW /products/42 HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["no host", "GET /products/42 HTTP/1.1\r\n\r\n"],
    ["the host of another site", "GET /products/42 HTTP/1.1\r\nHost: evil.example\r\n\r\n"],
    [
      "a body longer than its Content-Length",
      'PATCH /products/42 HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{"stock": 7}',
    ],
    [
      "two Content-Length fields",
      "POST /products HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}\r\n",
    ],
    [
      "a Content-Length of letters",
      "POST /products HTTP/1.1\r\nHost: a\r\nContent-Length: ten\r\n\r\n{}",
    ],
    ["bytes that are not HTTP", "\x00\x01\x02\x03\r\n\r\n"],
  ])(
    "an HTTP request over a raw socket with %s gets no 5xx response other than 501",
    async (_name, bytes) => {
      const { status, text } = await sendRaw(product.urls[0] ?? "", bytes);
      // The platform answers 501 to a method that it does not implement (RFC 9110, 9.1).
      expect(status === undefined || status < 500 || status === 501, text.slice(0, 300)).toBe(true);
    },
  );

  it("a PATCH of a product with a body of 10 MB gets a 413", async () => {
    const headers = { Authorization: `Bearer ${product.adminToken}`, "Content-Type": JSON_TYPE };
    const answer = await product
      .client()
      .ask(0, "/products/42", { method: "PATCH", headers, body: "x".repeat(10_000_000) });
    expect(answer.status).toBe(413);
  });

  it("after hostile requests, a GET of a product gets a 200 with all fields of the product", async () => {
    const answer = await product.client().get(0, "/products/42");
    expect(answer.status).toBe(200);
    expect(Object.keys(JSON.parse(answer.body) as object).toSorted()).toEqual([
      "categoryId",
      "description",
      "id",
      "name",
      "priceCents",
      "stock",
      "updatedAt",
    ]);
  });
});

/**
 * Describes what is wrong with the answer to bad input; undefined if nothing is. The answer should
 * be a short 4xx problem of a stable type. The platform itself refuses some URLs and headers.
 */
function flawIn({ status, headers, body }: Answer): string | undefined {
  const shown = `${status} ${body.slice(0, 300)}`;
  if (status < 400 || status >= 500) return `not a 4xx: ${shown}`;
  if ([414, 431].includes(status)) return undefined;
  if (headers["content-type"] !== "application/problem+json") return `not a problem: ${shown}`;
  const { type, title } = JSON.parse(body) as { type: string; title: string };
  if (!/^urn:strata:problem:[a-z-]+$/.test(type) || title === "")
    return `no type or title: ${shown}`;
  return body.length > 4_000 ? `long: ${shown}` : undefined;
}
