import { describe, expect, it } from "vitest";
import { ADMIN, createClient, problemOf } from "./client.ts";

interface Batch {
  readonly items: readonly { readonly id: number }[];
  readonly missing: readonly number[];
}

describe("GET /users/:id", () => {
  it("a request for a user without an admin token gets only the public fields", async () => {
    const { send } = createClient();
    const response = await send("/users/7");
    expect(Object.keys(await response.json<object>())).toEqual(["id", "name", "city", "createdAt"]);
    expect(response.headers.get("Vary")).toBe("Authorization, Cookie");
  });

  it("a request for a user with the admin token gets the private fields and Cache-Control: private, no-store", async () => {
    const { send } = createClient();
    const response = await send("/users/7", { headers: ADMIN });
    expect(await response.json()).toMatchObject({ id: 7, email: expect.stringContaining("@") });
    expect(response.headers.get("Cache-Control")).toBe("private, no-store");
    expect(response.headers.get("Vary")).toBe("Authorization, Cookie");
    // The shared entry has no private fields.
    const shared = await send("/users/7");
    expect(shared.headers.get("X-Cache-Status")).toBe("HIT");
    expect(await shared.text()).not.toContain("@");
  });

  it("a request for a user that does not exist gets a 404 with and without the admin token", async () => {
    const { send } = createClient();
    expect((await problemOf(await send("/users/2000000000"))).status).toBe(404);
    expect((await problemOf(await send("/users/2000000000", { headers: ADMIN }))).status).toBe(404);
  });

  it("a request for a user with a wrong admin token gets a 401", async () => {
    const { send } = createClient();
    const response = await send("/users/7", { headers: { Authorization: "Bearer wrong" } });
    expect(response.status).toBe(401);
    expect(response.headers.get("WWW-Authenticate")).toContain("invalid_token");
  });
});

describe("GET /users?ids", () => {
  it("a batch response lists the users in the order of the requested ids, and lists the ids that do not exist", async () => {
    const { send } = createClient();
    const batch = await (await send("/users?ids=9,2000000000,3,9")).json<Batch>();
    expect(batch.items.map(({ id }) => id)).toEqual([9, 3]);
    expect(batch.missing).toEqual([2_000_000_000]);
  });

  it("a batch of users and reads of single users share the same cache entries", async () => {
    const { send } = createClient();
    await send("/users?ids=11,12");
    expect((await send("/users/11")).headers.get("X-Cache-Status")).toBe("HIT");
    await send("/users/13");
    expect((await send("/users?ids=12,13")).headers.get("X-Cache-Status")).toBe("HIT");
  });

  it("a batch of users has an ETag, and a conditional GET with that ETag gets a 304", async () => {
    const { send } = createClient();
    const first = await send("/users?ids=21,22");
    const etag = first.headers.get("ETag") ?? "";
    expect(etag).not.toBe("");
    const again = await send("/users?ids=21,22", { headers: { "If-None-Match": etag } });
    expect(again.status).toBe(304);
  });

  it("a batch request with the admin token gets the private fields of each user", async () => {
    const { send } = createClient();
    const response = await send("/users?ids=31,32", { headers: ADMIN });
    const { items } = await response.json<{ items: { email: string }[] }>();
    expect(items.map(({ email }) => email.includes("@"))).toEqual([true, true]);
    expect(response.headers.get("Cache-Control")).toBe("private, no-store");
  });

  it("a purge by tag invalidates a user that a batch request has stored", async () => {
    const { send, write } = createClient();
    await send("/users?ids=41,42");
    await write("POST", "/admin/purge", { tags: ["user:41"] });
    expect((await send("/users/41")).headers.get("X-Cache-Status")).toBe("MISS");
  });
});
