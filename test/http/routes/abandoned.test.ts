import { expect, it } from "vitest";
import { definePolicy, key } from "../../../src/index.ts";
import { createTestApp } from "../../support/app.ts";
import { createGate } from "../../support/gate.ts";
import { uniqueNamespace } from "../../support/isolate.ts";

const POLICY = definePolicy({ freshFor: "1m", flight: "isolate", tiers: ["memory"] });

it("a route whose load waits for an origin slot does not call its loader after the request's signal has aborted", async () => {
  const namespace = uniqueNamespace();
  const gate = createGate();
  const loaded: string[] = [];
  const { get, send } = createTestApp(
    namespace,
    (routes) => {
      routes.get("/parts/:id", async (c) => {
        const id = c.req.param("id");
        const part = await c.var.strata.cache.read(key("part", id), POLICY, async () => {
          loaded.push(id);
          if (id === "held") await gate.pass();
          return id;
        });
        return c.text(String(part.value));
      });
    },
    { origin: { slots: 1, slotWait: "10s" } },
  );
  const holder = get("/parts/held");
  await gate.reached;
  const abort = new AbortController();
  const url = `http://${namespace}.test/parts`;
  const gone = send(new Request(`${url}/gone`, { signal: abort.signal }));
  const stays = send(new Request(`${url}/stays`, { signal: new AbortController().signal }));
  // Both loads wait in the line behind the holder.
  await new Promise((resolve) => setTimeout(resolve, 300));
  abort.abort();
  gate.open();
  expect((await stays).status).toBe(200);
  await holder;
  await gone;
  expect(loaded).toEqual(["held", "stays"]);
});
