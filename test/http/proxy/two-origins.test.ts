import { describe, expect, it } from "vitest";
import { passThrough } from "../../../src/index.ts";
import { createTestApp } from "../../support/app.ts";
import { uniqueNamespace } from "../../support/isolate.ts";

/** Two origins under one host. Each answers with its own name and the number of its request. */
function twoOrigins() {
  const namespace = uniqueNamespace();
  const { get, send } = createTestApp(namespace, (routes, { invalidator }) => {
    for (const name of ["one", "two"]) {
      let requests = 0;
      const pass = passThrough({
        origin: new URL(`http://${name}.test`),
        prefix: `/${name}`,
        invalidator,
        fetch: async () =>
          new Response(`${name} ${++requests}`, { headers: { "Cache-Control": "max-age=60" } }),
      });
      routes.all(`/${name}/*`, pass);
    }
  });
  return {
    get: async (path: string) => (await get(path)).body,
    post: (path: string) =>
      send(new Request(`http://${namespace}.test${path}`, { method: "POST" })),
  };
}

describe("two origins under one host", () => {
  it.each([
    ["a short path", "/page"],
    ["a path whose key is a hash", `/${"long/".repeat(200)}page`],
  ])("the response of one origin to %s never answers for the other", async (_, path) => {
    const { get } = twoOrigins();
    const bodies = [];
    for (const name of ["one", "two", "one", "two"]) bodies.push(await get(`/${name}${path}`));
    expect(bodies).toEqual(["one 1", "two 1", "one 1", "two 1"]);
  });

  it("a write to one origin invalidates nothing of the other", async () => {
    const { get, post } = twoOrigins();
    for (const name of ["one", "two"]) await get(`/${name}/page`);
    await post("/one/page");
    expect([await get("/one/page"), await get("/two/page")]).toEqual(["one 3", "two 1"]);
  });
});
