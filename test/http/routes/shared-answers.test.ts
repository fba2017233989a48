/** Answers that must not be shared, and answers that must stay purgeable. */
import { describe, expect, it } from "vitest";
import { cached, problem } from "../../../src/index.ts";
import { createTestApp } from "../../support/app.ts";
import { createTestIsolate, uniqueNamespace } from "../../support/isolate.ts";

describe("a 404 or 410 that is not for all", () => {
  const serving = (make: () => Response) => {
    let calls = 0;
    const app = createTestApp(uniqueNamespace(), (routes) =>
      routes.get("/page", cached({ freshFor: "1h", negativeFor: "1h" }), () => {
        calls++;
        return make();
      }),
    );
    return { ...app, calls: () => calls };
  };

  it.each(
    [404, 410].flatMap((status) =>
      ["no-store", "private", "no-cache"].map((control) => [status, control] as const),
    ),
  )(
    "a %d with Cache-Control: %s is not stored by a cached route, although the option `negativeFor` is set",
    async (status, control) => {
      const { get, calls } = serving(
        () => new Response("not for you", { status, headers: { "Cache-Control": control } }),
      );
      for (let i = 1; i <= 2; i++) {
        expect((await get("/page")).headers.get("Cache-Control")).toBe(control);
        expect(calls()).toBe(i);
      }
    },
  );

  it.each(["no-store", undefined])(
    "a 404 to a request with Authorization is not served to another client (Cache-Control of the 404: %s)",
    async (control) => {
      const { get, calls } = serving(
        () =>
          new Response("not for you", {
            status: 404,
            headers: control === undefined ? {} : { "Cache-Control": control },
          }),
      );
      await get("/page", { Authorization: "Bearer mine" });
      await get("/page");
      expect(calls()).toBe(2);
    },
  );

  it("a 404 made by problem() is stored unless the request has Authorization or the response has Cache-Control: private", async () => {
    const gone = { status: 404, type: "none", title: "None" };
    const shared = serving(() => problem(gone));
    await shared.get("/page");
    expect((await shared.get("/page")).headers.get("X-Cache-Status")).toBe("HIT");

    const own = serving(() => problem({ ...gone, headers: { "Cache-Control": "private" } }));
    await own.get("/page");
    await own.get("/page");
    expect(own.calls()).toBe(2);

    const changed = serving(() => {
      const response = problem(gone);
      response.headers.set("Cache-Control", "private");
      return response;
    });
    await changed.get("/page");
    await changed.get("/page");
    expect(changed.calls()).toBe(2);

    const secret = serving(() => problem(gone));
    await secret.get("/page", { Authorization: "Bearer mine" });
    await secret.get("/page");
    expect(secret.calls()).toBe(2);
  });
});

describe("a response with many tags", () => {
  const names = (count: number) => Array.from({ length: count }, (_, i) => `t${i}`);

  it.each([
    ["Surrogate-Key", (all: string[]) => all.join(" ")],
    ["Cache-Tag", (all: string[]) => all.join(",")],
  ])(
    "a purge of the last of 400 tags in %s invalidates the stored response of a cached route",
    async (field, join) => {
      let calls = 0;
      const { get, layer, clock } = createTestApp(uniqueNamespace(), (app) =>
        app.get("/page", cached({ freshFor: "1h" }), () => {
          calls++;
          return new Response("page", { headers: { [field]: join(names(400)) } });
        }),
      );
      await get("/page");
      await get("/page");
      expect(calls).toBe(1);
      const other = createTestIsolate({ namespace: layer.config.namespace });
      await other.layer.coherence.invalidate(["t:t399"], other.request().ctx);
      clock.advance(1_001);
      await get("/page");
      expect(calls).toBe(2);
    },
  );

  it("a response with 513 tags, more than a cache entry can hold, is not stored", async () => {
    let calls = 0;
    const { get } = createTestApp(uniqueNamespace(), (app) =>
      app.get("/page", cached({ freshFor: "1h" }), (c) => {
        calls++;
        c.var.strata.tag("own");
        return new Response("page", { headers: { "Cache-Tag": names(512).join(",") } });
      }),
    );
    await get("/page");
    await get("/page");
    expect(calls).toBe(2);
  });
});
