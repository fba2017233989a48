import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { cached, definePolicy, key, respond, type StrataEnv } from "../../../src/index.ts";
import { createTelemetryApp, newNamespace } from "../../telemetry/support.ts";

describe("a dry run", () => {
  it("a dry run names the keys that the routes read, with their policies, and runs no loader and no handler", async () => {
    const ran: string[] = [];
    const { layer } = createTelemetryApp(newNamespace(), () => undefined);
    const dry = layer.createDryRun();
    const app = new Hono<StrataEnv>();
    app.use(dry.scope);
    app.onError((error, c) => c.text(error.message, 503));
    app.get(
      "/pages/:id",
      cached({ freshFor: "7m", key: (c) => key("page", c.req.param("id") ?? "") }),
      (c) => {
        ran.push("handler");
        return c.text("page");
      },
    );
    app.get("/things/:id", async (c) => {
      const policy = definePolicy({ freshFor: "3m" });
      const lookup = await c.var.strata.cache.read(
        key("thing", c.req.param("id")),
        policy,
        async () => {
          ran.push("loader");
          return 1;
        },
      );
      return respond(c, lookup);
    });
    const readsOf = async (path: string) => {
      const request = new Request(`https://dry.test${path}`);
      const execution = createExecutionContext();
      await app.fetch(request, {}, execution);
      await waitOnExecutionContext(execution);
      return dry.readsOf(request).map((read) => [read.key, read.policy.freshForMs]);
    };
    expect(await readsOf("/pages/1")).toEqual([["page:1", 420_000]]);
    expect(await readsOf("/things/2")).toEqual([["thing:2", 180_000]]);
    expect(await readsOf("/nothing")).toEqual([]);
    expect(ran).toEqual([]);
  });
});
