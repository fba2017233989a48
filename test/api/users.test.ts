import { describe, expect, it } from "vitest";
import { ADMIN, createClient, problemOf } from "./client.ts";

interface Batch {
  readonly items: readonly { readonly id: number }[];
  readonly missing: readonly number[];
}

describe("GET /users/:id", () => {
  it("a user without a token has the public fields only", async () => {
    const { send } = createClient();
    const response = await send("/users/7");
    expect(Object.keys(await response.json<object>())).toEqual(["id", "name", "city", "createdAt"]);
    expect(response.headers.get("Vary")).toBe("Authorization");
  });

  it("a user with the admin token has the private fields, and no cache may store the response", async () => {
    const { send } = createClient();
    const response = await send("/users/7", { headers: ADMIN });
    expect(await response.json()).toMatchObject({ id: 7, email: expect.stringContaining("@") });
    expect(response.headers.get("Cache-Control")).toBe("private, no-store");
    expect(response.headers.get("Vary")).toBe("Authorization");
    // The shared entry has no private fields.
    const shared = await send("/users/7");
    expect(shared.headers.get("X-Cache-Status")).toBe("HIT");
    expect(await shared.text()).not.toContain("@");
  });

  it("a user that does not exist is 404 with and without the admin token", async () => {
    const { send } = createClient();
    expect((await problemOf(await send("/users/2000000000"))).status).toBe(404);
    expect((await problemOf(await send("/users/2000000000", { headers: ADMIN }))).status).toBe(404);
  });

  it("a user is not shown to a wrong token", async () => {
    const { send } = createClient();
    const response = await send("/users/7", { headers: { Authorization: "Bearer wrong" } });
    expect(response.status).toBe(401);
    expect(response.headers.get("WWW-Authenticate")).toContain("invalid_token");
  });
});

describe("GET /users?ids", () => {
  it("a batch of users has the order of the ids and lists the missing ones", async () => {
    const { send } = createClient();
    const batch = await (await send("/users?ids=9,2000000000,3,9")).json<Batch>();
    expect(batch.items.map(({ id }) => id)).toEqual([9, 3]);
    expect(batch.missing).toEqual([2_000_000_000]);
  });

  it("a batch of users shares its entries with single reads", async () => {
    const { send } = createClient();
    await send("/users?ids=11,12");
    expect((await send("/users/11")).headers.get("X-Cache-Status")).toBe("HIT");
    await send("/users/13");
    expect((await send("/users?ids=12,13")).headers.get("X-Cache-Status")).toBe("HIT");
  });

  it("a batch of users has an ETag", async () => {
    const { send } = createClient();
    const first = await send("/users?ids=21,22");
    const etag = first.headers.get("ETag") ?? "";
    expect(etag).not.toBe("");
    const again = await send("/users?ids=21,22", { headers: { "If-None-Match": etag } });
    expect(again.status).toBe(304);
  });

  it("a batch of users with the admin token has the private fields", async () => {
    const { send } = createClient();
    const response = await send("/users?ids=31,32", { headers: ADMIN });
    const { items } = await response.json<{ items: { email: string }[] }>();
    expect(items.map(({ email }) => email.includes("@"))).toEqual([true, true]);
    expect(response.headers.get("Cache-Control")).toBe("private, no-store");
  });

  it("a batch loads a purged user again", async () => {
    const { send, write } = createClient();
    await send("/users?ids=41,42");
    await write("POST", "/admin/purge", { tags: ["user:41"] });
    expect((await send("/users/41")).headers.get("X-Cache-Status")).toBe("MISS");
  });
});
