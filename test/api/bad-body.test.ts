import { describe, expect, it } from "vitest";
import { ADMIN, createClient, problemOf } from "./client.ts";

const JSON_BODY = { ...ADMIN, "Content-Type": "application/json" };
const WHOLE = { name: "N", description: "", priceCents: 1, categoryId: 1, stock: 1 };

describe("request bodies", () => {
  async function post(body: BodyInit, headers: HeadersInit = JSON_BODY) {
    return createClient().send("/products", { method: "POST", headers, body });
  }

  it.each([
    ["empty", ""],
    ["no JSON", "{name: 1}"],
    ["cut off", '{"name": "N"'],
    ["two values", "{}{}"],
    ["not UTF-8", new Uint8Array([0x22, 0xff, 0x22])],
  ])(
    "the API sends a 400 with the problem type `invalid-json` for a request body that is %s",
    async (_, body) => {
      expect(await problemOf(await post(body))).toMatchObject({
        status: 400,
        type: "urn:strata:problem:invalid-json",
      });
    },
  );

  it.each(["[]", "null", "1", '"text"', "true", "[".repeat(5_000) + "]".repeat(5_000)])(
    "the API rejects a JSON body that is not an object: %.20s",
    async (body) => {
      const { status, errors } = await problemOf(await post(body));
      expect(status).toBe(400);
      expect(errors?.[0]?.field).toBe("body");
    },
  );

  it.each(["text/plain", "application/x-www-form-urlencoded", "application/jsonx", undefined])(
    "the API sends a 415 for a JSON body with the Content-Type %s",
    async (type) => {
      const headers = { ...ADMIN, ...(type !== undefined && { "Content-Type": type }) };
      const bytes = new TextEncoder().encode(JSON.stringify(WHOLE));
      expect((await problemOf(await post(bytes, headers))).status).toBe(415);
    },
  );

  it("the API accepts a JSON body whose Content-Type has a charset parameter and upper-case letters", async () => {
    const headers = { ...ADMIN, "Content-Type": "Application/JSON; charset=utf-8" };
    const { errors } = await problemOf(await post("{}", headers));
    expect(errors).toHaveLength(5);
  });

  it("a request body over 64 KB gets a 413, with and without Content-Length", async () => {
    const large = JSON.stringify({ ...WHOLE, description: "x".repeat(70_000) });
    expect((await problemOf(await post(large))).status).toBe(413);
    const chunks = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < 20; at++) controller.enqueue(new Uint8Array(8_192).fill(0x20));
        controller.close();
      },
    });
    expect((await problemOf(await post(chunks))).status).toBe(413);
  });

  const fields: readonly (readonly [change: object, field: string])[] = [
    [{ name: "" }, "name"],
    [{ name: "   " }, "name"],
    [{ name: "x".repeat(201) }, "name"],
    [{ name: 1 }, "name"],
    [{ name: null }, "name"],
    [{ name: "a\nb" }, "name"],
    [{ name: "a\u0000b" }, "name"],
    [{ name: "\ud800" }, "name"],
    [{ description: "\u0000" }, "description"],
    [{ description: "x".repeat(5_001) }, "description"],
    [{ priceCents: -1 }, "priceCents"],
    [{ priceCents: 1.5 }, "priceCents"],
    [{ priceCents: "1" }, "priceCents"],
    [{ priceCents: 2_147_483_648 }, "priceCents"],
    [{ priceCents: 1e300 }, "priceCents"],
    [{ categoryId: 0 }, "categoryId"],
    [{ categoryId: 2_147_483_648 }, "categoryId"],
    [{ stock: -1 }, "stock"],
    [{ stock: [] }, "stock"],
    [{ id: 7 }, "id"],
    [{ updatedAt: "2026-01-01" }, "updatedAt"],
    [{ price_cents: 1 }, "price_cents"],
    [{ constructor: 1 }, "constructor"],
  ];

  it.each(fields)(
    "a POST, PUT or PATCH of a product with %j gets a 400 with an error that names the field",
    async (change, field) => {
      for (const [method, path, body] of [
        ["POST", "/products", { ...WHOLE, ...change }],
        ["PUT", "/products/1", { ...WHOLE, ...change }],
        ["PATCH", "/products/1", change],
      ] as const) {
        const { status, errors } = await problemOf(await createClient().write(method, path, body));
        const named = errors?.map((error) => error.field);
        expect({ method, status, named }).toEqual({ method, status: 400, named: [field] });
      }
    },
  );

  it("the API rejects a body with the field `__proto__`, and the body does not change Object.prototype", async () => {
    const { errors } = await problemOf(await post('{"__proto__": {"name": "N"}}'));
    expect(errors?.map(({ field }) => field)).toContain("__proto__");
    expect(({} as { name?: string }).name).toBeUndefined();
  });

  it.each([
    [{}, "body"],
    [{ stock: 1, delta: 1 }, "body"],
    [{ delta: 0.5 }, "delta"],
    [{ delta: "1" }, "delta"],
    [{ stock: -1 }, "stock"],
    [{ stock: 1e10 }, "stock"],
    [{ amount: 1 }, "amount"],
  ])(
    "the API rejects the stock change %j, and the error names the field %s",
    async (body, field) => {
      const response = await createClient().write("PATCH", "/products/1/stock", body);
      const { status, errors } = await problemOf(response);
      expect(status).toBe(400);
      expect(errors?.map((error) => error.field)).toContain(field);
    },
  );

  it("a PATCH of a product with an empty object as its body gets a 400", async () => {
    const response = await createClient().write("PATCH", "/products/1", {});
    expect((await problemOf(response)).status).toBe(400);
  });

  it.each([
    [{}, "body"],
    [{ tags: [] }, "body"],
    [{ everything: false }, "body"],
    [{ tags: "products" }, "tags"],
    [{ tags: [1] }, "tags.0"],
    [{ tags: [""] }, "tags"],
    [{ tags: ["a\nb"] }, "tags"],
    [{ tags: ["x".repeat(10_000)] }, "tags"],
    [{ keys: ["no-kind"] }, "keys"],
    [{ keys: ["product:💩"] }, "keys"],
    [{ prefixes: ["product"] }, "prefixes"],
    [{ prefixes: ["a:b:c:d:e:"] }, "prefixes"],
    [{ tags: Array.from({ length: 1_001 }, () => "t") }, "tags"],
    [{ tag: ["products"] }, "tag"],
    [{ everything: "yes" }, "everything"],
  ])(
    "the API rejects the purge request %.40j, and the error names the field %s",
    async (body, field) => {
      const response = await createClient().write("POST", "/admin/purge", body);
      const { status, errors } = await problemOf(response);
      expect(status).toBe(400);
      expect(errors?.map((error) => error.field)).toContain(field);
    },
  );
});
