import { describe, expect, it } from "vitest";
import { createClient, problemOf } from "./client.ts";

const WHOLE = { name: "N", description: "", priceCents: 1, categoryId: 1, stock: 1 };

/** Texts that hostile clients send as an id. */
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

describe("malformed ids", () => {
  it.each(["/products/", "/users/"])(
    "a GET with a malformed id under %s gets a 400 and does not reach the cache",
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

  it("a PUT, PATCH or DELETE with a malformed product id gets a 400", async () => {
    const { write } = createClient();
    for (const id of BAD_IDS) {
      expect((await write("DELETE", `/products/${id}`)).status).toBe(400);
      expect((await write("PUT", `/products/${id}`, WHOLE)).status).toBe(400);
      expect((await write("PATCH", `/products/${id}`, { stock: 1 })).status).toBe(400);
      expect((await write("PATCH", `/products/${id}/stock`, { stock: 1 })).status).toBe(400);
    }
  });
});

describe("query parameters", () => {
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

  it.each(cases)(
    "a GET of %s gets a 400 with an error that names the field %s",
    async (path, field) => {
      const { send } = createClient();
      const { status, errors } = await problemOf(await send(path));
      expect(status).toBe(400);
      expect(errors?.map((error) => error.field)).toContain(field);
    },
  );

  it("a query parameter with a name of 10 KB gets a 400 with a body shorter than 1,000 characters", async () => {
    const { send } = createClient();
    const response = await send(`/products?${"k".repeat(10_000)}=1`);
    expect(response.status).toBe(400);
    expect((await response.text()).length).toBeLessThan(1_000);
  });

  it("a query with 500 unknown parameters gets an error response that lists only 20 errors", async () => {
    const { send } = createClient();
    const names = Array.from({ length: 500 }, (_, at) => `n${at}=1`).join("&");
    expect((await problemOf(await send(`/products?${names}`))).errors).toHaveLength(20);
  });
});

describe("unknown routes and methods", () => {
  it.each([
    "/nothing",
    "/products/1/nothing",
    "/products/",
    "/docs/nothing",
    "/__proto__",
    "/%00",
    "/💩",
  ])("a request for the unknown path %s gets a 404", async (path) => {
    const body = await problemOf(await createClient().send(path));
    expect(body).toMatchObject({ status: 404, type: "urn:strata:problem:not-found" });
  });

  it.each([
    ["DELETE", "/products", "HEAD, GET, POST"],
    ["POST", "/products/1", "HEAD, GET, PUT, PATCH, DELETE"],
    ["GET", "/products/1/stock", "PATCH"],
    ["HEAD", "/products/1/stock", "PATCH"],
    ["POST", "/categories", "HEAD, GET"],
    ["PUT", "/users/1", "HEAD, GET"],
    ["PROPFIND", "/users", "HEAD, GET"],
    ["POST", "/health", "HEAD, GET"],
  ])(
    "%s %s gets a 405 with an Allow field that lists the allowed methods",
    async (method, path, allow) => {
      const response = await createClient().send(path, { method });
      expect(response.status).toBe(405);
      expect(response.headers.get("Allow")).toBe(allow);
    },
  );

  it("the response to OPTIONS lists the methods of the route in the Allow field", async () => {
    const response = await createClient().send("/products", { method: "OPTIONS" });
    expect(response.status).toBe(204);
    expect(response.headers.get("Allow")).toBe("HEAD, GET, POST");
  });
});
