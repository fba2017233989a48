import { describe, expect, it } from "vitest";
import { ADMIN, createClient, problemOf } from "./client.ts";

const JSON_BODY = { ...ADMIN, "Content-Type": "application/json" };
const WHOLE = { name: "N", description: "", priceCents: 1, categoryId: 1, stock: 1 };

/** What hostile clients put where an id belongs. */
const BAD_IDS = [
  "abc",
  "-1",
  "0",
  "1.5",
  "1e3",
  "0x10",
  "042",
  "+1",
  "2147483648",
  "99999999999999999999",
  "9".repeat(10_000),
  "1%0A",
  "1%00",
  "%0A1",
  "1%20",
  "%E0%A4%A",
  "%F0%9F%92%A9",
  "%D9%A1",
  "__proto__",
  "constructor",
  "1;drop",
  "1'--",
  "..%2F1",
  "NaN",
  "null",
];

describe("a malformed id", () => {
  it.each(["/products/", "/users/"])(
    "under %s is 400, and never reaches the cache",
    async (base) => {
      const { send } = createClient();
      for (const id of BAD_IDS) {
        const response = await send(base + id);
        expect(response.headers.get("X-Cache-Status")).toBeNull();
        const body = await problemOf(response);
        expect({ id, ...body }).toMatchObject({
          id,
          status: 400,
          type: "urn:strata:problem:invalid-input",
          errors: [{ field: "id" }],
        });
        expect(JSON.stringify(body).length).toBeLessThan(1_000);
      }
    },
  );

  it("is 400 in a write too", async () => {
    const { write } = createClient();
    for (const id of BAD_IDS) {
      expect((await write("DELETE", `/products/${id}`)).status).toBe(400);
      expect((await write("PUT", `/products/${id}`, WHOLE)).status).toBe(400);
      expect((await write("PATCH", `/products/${id}`, { stock: 1 })).status).toBe(400);
      expect((await write("PATCH", `/products/${id}/stock`, { stock: 1 })).status).toBe(400);
    }
  });
});

describe("a query", () => {
  const cases: readonly (readonly [path: string, field: string])[] = [
    ["/products?page=0", "page"],
    ["/products?page=-1", "page"],
    ["/products?page=1.5", "page"],
    ["/products?page=", "page"],
    ["/products?page=100001", "page"],
    ["/products?page=99999999999999999999", "page"],
    ["/products?category=abc", "category"],
    ["/products?category=1%0A2", "category"],
    ["/products?category[]=1", "category[]"],
    ["/products?pageSize=5", "pageSize"],
    ["/products?__proto__=1", "__proto__"],
    ["/products?constructor=1", "constructor"],
    ["/products?%F0%9F%92%A9=1", "💩"],
    ["/products?page=1&page=2", "query"],
    ["/products/1?utm_source=x", "utm_source"],
    ["/categories?page=1", "page"],
    ["/users/1?fields=email", "fields"],
    ["/users", "ids"],
    ["/users?ids=", "ids.0"],
    ["/users?ids=1,,2", "ids.1"],
    ["/users?ids=1,abc", "ids.1"],
    ["/users?ids=1,-2", "ids.1"],
    ["/users?ids=1, 2", "ids.1"],
    ["/users?id=1", "ids"],
    [`/users?ids=${Array.from({ length: 101 }, (_, at) => at + 1).join(",")}`, "ids"],
    ["/health?verbose=1", "verbose"],
  ];

  it.each(cases)("%s is 400 and names %s", async (path, field) => {
    const { send } = createClient();
    const { status, errors } = await problemOf(await send(path));
    expect(status).toBe(400);
    expect(errors?.map((error) => error.field)).toContain(field);
  });

  it("with a name of 10 KB is answered briefly", async () => {
    const { send } = createClient();
    const response = await send(`/products?${"k".repeat(10_000)}=1`);
    expect(response.status).toBe(400);
    expect((await response.text()).length).toBeLessThan(1_000);
  });

  it("of many unknown names is answered briefly", async () => {
    const { send } = createClient();
    const names = Array.from({ length: 500 }, (_, at) => `n${at}=1`).join("&");
    expect((await problemOf(await send(`/products?${names}`))).errors).toHaveLength(20);
  });
});

describe("a body", () => {
  async function post(body: BodyInit, headers: HeadersInit = JSON_BODY) {
    return createClient().send("/products", { method: "POST", headers, body });
  }

  it.each([
    ["empty", ""],
    ["no JSON", "{name: 1}"],
    ["cut off", '{"name": "N"'],
    ["two values", "{}{}"],
    ["not UTF-8", new Uint8Array([0x22, 0xff, 0x22])],
  ])("that is %s is invalid JSON", async (_, body) => {
    expect(await problemOf(await post(body))).toMatchObject({
      status: 400,
      type: "urn:strata:problem:invalid-json",
    });
  });

  it.each(["[]", "null", "1", '"text"', "true", "[".repeat(5_000) + "]".repeat(5_000)])(
    "that is no object is refused: %.20s",
    async (body) => {
      const { status, errors } = await problemOf(await post(body));
      expect(status).toBe(400);
      expect(errors?.[0]?.field).toBe("body");
    },
  );

  it.each(["text/plain", "application/x-www-form-urlencoded", "application/jsonx", undefined])(
    "of type %s is refused",
    async (type) => {
      const headers = { ...ADMIN, ...(type !== undefined && { "Content-Type": type }) };
      const bytes = new TextEncoder().encode(JSON.stringify(WHOLE));
      expect((await problemOf(await post(bytes, headers))).status).toBe(415);
    },
  );

  it("may name its character set", async () => {
    const headers = { ...ADMIN, "Content-Type": "Application/JSON; charset=utf-8" };
    const { errors } = await problemOf(await post("{}", headers));
    expect(errors).toHaveLength(5);
  });

  it("over 64 KB is 413, announced or not", async () => {
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

  it.each(fields)("with %j names the field", async (change, field) => {
    for (const [method, path, body] of [
      ["POST", "/products", { ...WHOLE, ...change }],
      ["PUT", "/products/1", { ...WHOLE, ...change }],
      ["PATCH", "/products/1", change],
    ] as const) {
      const { status, errors } = await problemOf(await createClient().write(method, path, body));
      const named = errors?.map((error) => error.field);
      expect({ method, status, named }).toEqual({ method, status: 400, named: [field] });
    }
  });

  it("cannot reach a prototype", async () => {
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
  ])("for a stock, %j, is refused by %s", async (body, field) => {
    const response = await createClient().write("PATCH", "/products/1/stock", body);
    const { status, errors } = await problemOf(response);
    expect(status).toBe(400);
    expect(errors?.map((error) => error.field)).toContain(field);
  });

  it("that changes nothing is refused", async () => {
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
  ])("for a purge, %.40j, is refused by %s", async (body, field) => {
    const response = await createClient().write("POST", "/admin/purge", body);
    const { status, errors } = await problemOf(response);
    expect(status).toBe(400);
    expect(errors?.map((error) => error.field)).toContain(field);
  });
});

describe("a request", () => {
  it.each(["/", "/nothing", "/products/1/nothing", "/products/", "/__proto__", "/%00", "/💩"])(
    "for %s is 404",
    async (path) => {
      const body = await problemOf(await createClient().send(path));
      expect(body).toMatchObject({ status: 404, type: "urn:strata:problem:not-found" });
    },
  );

  it.each([
    ["DELETE", "/products", "HEAD, GET, POST"],
    ["POST", "/products/1", "HEAD, GET, PUT, PATCH, DELETE"],
    ["GET", "/products/1/stock", "PATCH"],
    ["HEAD", "/products/1/stock", "PATCH"],
    ["POST", "/categories", "HEAD, GET"],
    ["PUT", "/users/1", "HEAD, GET"],
    ["PROPFIND", "/users", "HEAD, GET"],
    ["POST", "/health", "HEAD, GET"],
  ])("%s %s is 405 and names what is allowed", async (method, path, allow) => {
    const response = await createClient().send(path, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get("Allow")).toBe(allow);
  });

  it("OPTIONS tells what is allowed", async () => {
    const response = await createClient().send("/products", { method: "OPTIONS" });
    expect(response.status).toBe(204);
    expect(response.headers.get("Allow")).toBe("HEAD, GET, POST");
  });
});

describe("a write", () => {
  const writes = [
    ["POST", "/products"],
    ["PUT", "/products/1"],
    ["PATCH", "/products/1"],
    ["PATCH", "/products/1/stock"],
    ["DELETE", "/products/1"],
    ["POST", "/admin/purge"],
    ["GET", "/admin/anything"],
  ] as const;

  it.each(writes)("%s %s needs the admin token before anything else", async (method, path) => {
    const { send } = createClient();
    const tokens = [
      undefined,
      "Bearer",
      "Bearer ",
      "Bearer wrong",
      `Basic ${ADMIN.Authorization.slice(7)}`,
      `${ADMIN.Authorization}x`,
      ADMIN.Authorization.slice(0, -1),
      `${ADMIN.Authorization} ${ADMIN.Authorization}`,
    ];
    for (const token of tokens) {
      const headers = token === undefined ? {} : { Authorization: token };
      const response = await send(path, { method, headers });
      expect({ token, status: response.status }).toEqual({ token, status: 401 });
      expect(response.headers.get("WWW-Authenticate")).toContain("Bearer");
    }
  });

  it("accepts the scheme's name in any case", async () => {
    const { send } = createClient();
    const headers = { Authorization: `bearer ${ADMIN.Authorization.slice(7)}` };
    expect((await send("/admin/anything", { headers })).status).toBe(404);
  });
});
