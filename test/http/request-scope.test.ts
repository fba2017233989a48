import { describe, expect, it } from "vitest";
import { cached } from "../../src/index.ts";
import { internalScopeOf } from "../../src/http/routes/middleware.ts";
import { createTestApp } from "../support/app.ts";
import { uniqueNamespace } from "../support/isolate.ts";

describe("c.var.strata", () => {
  it("in the handler of a cached route, the variable c.var.strata has the members `cache`, `ctx`, `level` and `tag`, and no other beside its constructor", async () => {
    let seen: readonly string[] = [];
    const { get } = createTestApp(uniqueNamespace(), (app) => {
      app.get("/", cached({ freshFor: "1h" }), (c) => {
        const { strata } = c.var;
        const inherited = Object.getOwnPropertyNames(Object.getPrototypeOf(strata));
        seen = [...Object.keys(strata), ...inherited];
        return c.text("ok");
      });
    });
    expect((await get("/")).status).toBe(200);
    expect(seen.toSorted()).toEqual(["cache", "constructor", "ctx", "level", "tag"]);
  });

  it("internalScopeOf(c).ctx is the same object as c.var.strata.ctx", async () => {
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
