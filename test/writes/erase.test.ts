import { describe, expect, it } from "vitest";
import { HOST } from "../../src/core/context.ts";
import { definePolicy } from "../../src/index.ts";
import { createTestApp } from "../support/app.ts";
import { uniqueNamespace } from "../support/isolate.ts";

const POLICY = definePolicy({ freshFor: "1h", tags: ["users"] });
const READER = "reader.test";
const OPERATOR = "operator.test";

describe("an erasure of the full layer", () => {
  function setup() {
    const namespace = uniqueNamespace();
    const { send, layer } = createTestApp(namespace, (app) => {
      app.get("/users/:id", async (c) => {
        const { value } = await c.var.strata.cache.read(
          `user:${c.req.param("id")}`,
          POLICY,
          async () => "a name",
        );
        return c.text(String(value));
      });
      app.post("/erase", async (c) =>
        c.json(await layer.erase({ tags: ["users"], erase: true }, c.var.strata.ctx)),
      );
    });
    return {
      send: (method: string, host: string, path: string) =>
        send(new Request(`https://${host}${path}`, { method })),
      /** The hosts under which the Cache API of this data centre holds the user. */
      async hostsInEdge(): Promise<readonly string[]> {
        const cache = await caches.open(namespace);
        const found = await Promise.all(
          [READER, OPERATOR, HOST].map(async (host) => {
            const url = `https://${host}/__strata/entries/${encodeURIComponent("user:7")}`;
            return (await cache.match(url)) === undefined ? [] : [host];
          }),
        );
        return found.flat();
      },
    };
  }

  it("an erasure that comes in through another host name removes the bytes that a request for the first host name has stored at the edge", async () => {
    const { send, hostsInEdge } = setup();
    expect((await send("GET", READER, "/users/7")).body).toBe("a name");
    expect(await hostsInEdge()).toHaveLength(1);

    const erased = await send("POST", OPERATOR, "/erase");

    expect(erased.status).toBe(200);
    expect(JSON.parse(erased.body)).toMatchObject({ invalidation: "done" });
    expect(await hostsInEdge()).toEqual([]);
  });
});
