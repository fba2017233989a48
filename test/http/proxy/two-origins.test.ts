import { describe, expect, it } from "vitest";
import { passThrough, type StrataOptions } from "../../../src/index.ts";
import { createTestApp } from "../../support/app.ts";
import { createGate } from "../../support/gate.ts";
import { uniqueNamespace } from "../../support/isolate.ts";

const FRESH = { "Cache-Control": "max-age=60" };

/** Two origins under one host. Each answers with its own name and the number of its request. */
function twoOrigins({
  options = {},
  bodyOf = (text: string): BodyInit => text,
}: {
  readonly options?: StrataOptions;
  readonly bodyOf?: (text: string) => BodyInit;
} = {}) {
  const namespace = uniqueNamespace();
  const { get, send } = createTestApp(
    namespace,
    (routes, { invalidator }) => {
      for (const name of ["one", "two"]) {
        let requests = 0;
        const pass = passThrough({
          origin: new URL(`http://${name}.test`),
          prefix: `/${name}`,
          invalidator,
          fetch: async () => new Response(bodyOf(`${name} ${++requests}`), { headers: FRESH }),
        });
        routes.all(`/${name}/*`, pass);
      }
    },
    options,
  );
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
  ])("a stored response of one origin to %s is not served for a second origin", async (_, path) => {
    const { get } = twoOrigins();
    const bodies = [];
    for (const name of ["one", "two", "one", "two"]) bodies.push(await get(`/${name}${path}`));
    expect(bodies).toEqual(["one 1", "two 1", "one 1", "two 1"]);
  });

  it("a POST to one origin invalidates no stored response of a second origin under the same host", async () => {
    const { get, post } = twoOrigins();
    for (const name of ["one", "two"]) await get(`/${name}/page`);
    await post("/one/page");
    expect([await get("/one/page"), await get("/two/page")]).toEqual(["one 3", "two 1"]);
  });

  it("the option `proxy.maxBytesInFlight` limits the bodies of two origins together: a body over the limit is relayed and not stored", async () => {
    const gate = createGate();
    const { get } = twoOrigins({
      options: { proxy: { maxBytesInFlight: 10 } },
      // The body of the first origin has arrived, but does not end before the gate is open.
      bodyOf: (text) =>
        text.startsWith("two")
          ? text
          : new ReadableStream<Uint8Array>({
              async pull(controller) {
                controller.enqueue(new TextEncoder().encode("123456"));
                await gate.pass();
                controller.close();
              },
            }),
    });
    const arriving = get("/one/page");
    await gate.reached;
    expect([await get("/two/page"), await get("/two/page")]).toEqual(["two 1", "two 2"]);
    gate.open();
    expect(await arriving).toBe("123456");
    expect([await get("/two/page"), await get("/two/page")]).toEqual(["two 3", "two 3"]);
  });
});
