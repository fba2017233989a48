import { beforeEach, describe, expect, it } from "vitest";
import { Settings } from "../../src/api/settings-inputs.ts";
import { shopSettings } from "../../src/api/schema.ts";
import { testDatabase } from "../writes/database.ts";
import { createClient, problemOf } from "./client.ts";

const db = testDatabase();
const SETTINGS = {
  shopName: "Peg & Hook",
  currency: "SEK",
  freeShippingCents: 49_900,
  announcement: "Closed on Sunday",
};

beforeEach(async () => {
  await db.delete(shopSettings);
  await db.insert(shopSettings).values({});
});

describe("the settings of the shop", () => {
  it("a new shop has settings, and the second read of them is a cache hit", async () => {
    const { send } = createClient();
    const first = await send("/settings");
    expect(first.status).toBe(200);
    expect(Settings.parse(await first.json())).toMatchObject({
      shopName: "Strata",
      currency: "EUR",
      freeShippingCents: 5_000,
      announcement: "",
    });
    expect((await send("/settings")).headers.get("X-Cache-Status")).toBe("HIT");
  });

  it("a PUT of the settings answers with the new settings, and the next read has them", async () => {
    const { send, write } = createClient();
    await send("/settings");
    const written = await write("PUT", "/settings", SETTINGS);
    expect(written.status).toBe(200);
    expect(written.headers.get("X-Invalidation")).toBe("done");
    expect(Settings.parse(await written.json())).toMatchObject(SETTINGS);
    const read = await send("/settings");
    expect(read.headers.get("X-Cache-Status")).toBe("MISS");
    expect(await read.json()).toMatchObject(SETTINGS);
  });

  it("a PUT of the settings invalidates nothing but the settings", async () => {
    const { send, write } = createClient();
    const others = ["/products/61", "/products?page=6", "/categories"];
    for (const path of others) await send(path);
    await write("PUT", "/settings", SETTINGS);
    for (const path of others) expect((await send(path)).headers.get("X-Cache-Status")).toBe("HIT");
  });

  it("a PUT of the settings without the admin token gets a 401 and changes nothing", async () => {
    const { send } = createClient();
    const response = await send("/settings", {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(SETTINGS),
    });
    expect(response.status).toBe(401);
    expect(await (await send("/settings")).json()).toMatchObject({ shopName: "Strata" });
  });

  it.each([
    [{ ...SETTINGS, currency: "euro" }, "currency"],
    [{ ...SETTINGS, shopName: " " }, "shopName"],
    [{ ...SETTINGS, freeShippingCents: -1 }, "freeShippingCents"],
    [{ ...SETTINGS, announcement: "x".repeat(1_001) }, "announcement"],
    [{ ...SETTINGS, id: 2 }, "id"],
    [{ shopName: "Only" }, "currency"],
  ])("a PUT of the settings %j gets a 400 that names the field %s", async (body, field) => {
    const { write } = createClient();
    const response = await write("PUT", "/settings", body);
    const { status, errors } = await problemOf(response);
    expect(status).toBe(400);
    expect(errors?.map((error) => error.field)).toContain(field);
  });

  it("a read of the settings with a query parameter gets a 400", async () => {
    const { send } = createClient();
    expect((await send("/settings?v=1")).status).toBe(400);
  });
});
