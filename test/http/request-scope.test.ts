import { describe, expect, it } from "vitest";
import { cached } from "../../src/index.ts";
import { internalScopeOf } from "../../src/http/routes/middleware.ts";
import { createTestApp } from "../support/app.ts";
import { uniqueNamespace } from "../support/isolate.ts";

describe("c.var.strata", () => {
  it("c.var.strata gives a handler ctx, cache and tag, and no internal state of the layer", async () => {
    let seen: readonly string[] = [];
    const { get } = createTestApp(uniqueNamespace(), (app) => {
      app.get("/", cached({ freshFor: "1h" }), (c) => {
        seen = Object.keys(c.var.strata);
        return c.text("ok");
      });
    });
    expect((await get("/")).status).toBe(200);
    expect(seen.toSorted()).toEqual(["cache", "ctx", "tag"]);
  });

  it("internalScopeOf returns a scope with the same ctx as c.var.strata", async () => {
    let same = false;
    const { get } = createTestApp(uniqueNamespace(), (app) => {
      app.get("/", (c) => {
        same = internalScopeOf(c).ctx === c.var.strata.ctx;
        return c.text("ok");
      });
    });
    await get("/");
    expect(same).toBe(true);
  });
});
