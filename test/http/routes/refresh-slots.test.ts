import { expect, it } from "vitest";
import { cached, definePolicy, key } from "../../../src/index.ts";
import { createTestApp } from "../../support/app.ts";
import { uniqueNamespace } from "../../support/isolate.ts";

const part = definePolicy({
  freshFor: "1s",
  flight: "isolate",
  tiers: ["memory"],
  jitter: 0,
  originTimeout: "30s",
});

const SLOTS = 8;

it("20 concurrent background refreshes whose handlers each load a value finish without a deadlock, although there are only 8 origin slots", async () => {
  let version = 1;
  let entered = 0;
  // Resolves when as many handlers run as there are slots.
  const full = Promise.withResolvers<void>();
  const routesOf: Parameters<typeof createTestApp>[1] = (routes) => {
    routes.get(
      "/pages/:id",
      cached({
        freshFor: "1m",
        staleWhileRevalidate: "1h",
        flight: "isolate",
        jitter: 0,
        originTimeout: "30s",
      }),
      async (c) => {
        const id = c.req.param("id");
        if (version === 2) {
          if (++entered === SLOTS) full.resolve();
          await full.promise;
        }
        const inner = await c.var.strata.cache.read(key("part", id), part, async () => version);
        return c.text(`${id}: ${inner.value}`, 200, { "Cache-Control": "max-age=60" });
      },
    );
  };
  // On a busy machine, refreshes wait longer for a slot than they would by default, and loads take longer.
  const app = createTestApp(uniqueNamespace(), routesOf, {
    origin: { slots: SLOTS, slotWait: "10s" },
    redis: { timeout: "10s" },
  });
  const ids = Array.from({ length: 20 }, (_, i) => i);
  const readAll = () => Promise.all(ids.map((id) => app.get(`/pages/${id}`)));
  await readAll();
  app.clock.advance(600_000);
  version = 2;
  const stale = await readAll();
  expect(new Set(stale.map(({ headers }) => headers.get("X-Cache-Status")))).toEqual(
    new Set(["STALE"]),
  );
  // Each response has waited for its refresh. After a deadlock it would have waited for 30 s.
  expect((await readAll()).map(({ body }) => body)).toEqual(ids.map((id) => `${id}: 2`));
});
