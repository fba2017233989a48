import { env } from "cloudflare:workers";
import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { cached, withDegradation, type StrataEnv } from "../../src/index.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { ADMIN, createClient, problemOf } from "./client.ts";

const until = async (condition: () => Promise<boolean>): Promise<void> => {
  for (let i = 0; i < 200; i++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error("the condition never held");
};

async function levelOf(client: ReturnType<typeof createClient>): Promise<unknown> {
  const report = await (await client.send("/health")).json<{ level: string }>();
  return report.level;
}

describe("PUT /admin/degradation", () => {
  it("a pinned level reaches another isolate that knew the level before, and `auto` ends the pin there too", async () => {
    const bindings = { STRATA_NAMESPACE: uniqueNamespace() };
    const [one, other] = [createClient(bindings), createClient(bindings)];
    expect(await levelOf(other)).toBe("normal");
    const pinned = await one.write("PUT", "/admin/degradation", { level: "degraded", minutes: 5 });
    expect(pinned.status).toBe(200);
    expect(await pinned.json()).toMatchObject({ level: "degraded", measured: "normal" });
    await until(async () => (await levelOf(other)) === "degraded");
    await one.write("PUT", "/admin/degradation", { level: "auto" });
    await until(async () => (await levelOf(other)) === "normal");
  });

  it("a pinned level reaches an isolate that starts later", async () => {
    const bindings = { STRATA_NAMESPACE: uniqueNamespace() };
    await createClient(bindings).write("PUT", "/admin/degradation", { level: "minimal" });
    const later = createClient(bindings);
    await until(async () => (await levelOf(later)) === "minimal");
    // The database works, so the report of readiness stays 200.
    expect((await later.send("/health/ready")).status).toBe(200);
  });

  it.each([
    [{ level: "low" }, "level"],
    [{ level: "minimal", minutes: 0 }, "minutes"],
    [{ level: "minimal", minutes: 10_081 }, "minutes"],
    [{ level: "minimal", until: "noon" }, "until"],
  ])("PUT /admin/degradation with %j gets a 400 that names the field %s", async (body, field) => {
    const response = await createClient().write("PUT", "/admin/degradation", body);
    expect(response.status).toBe(400);
    const { errors } = await problemOf(response);
    expect(errors?.map((error) => error.field)).toEqual([field]);
  });

  it("a token of the role `read` may read the level and may not set it", async () => {
    const token = "a-token-of-the-role-read-0123456789";
    const client = createClient({ ADMIN_TOKENS: `ops:read:${token}` });
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
    expect((await client.send("/admin/degradation", { headers })).status).toBe(200);
    const put = { method: "PUT", headers, body: JSON.stringify({ level: "minimal" }) };
    expect((await client.send("/admin/degradation", put)).status).toBe(403);
    expect((await client.send("/admin/degradation")).status).toBe(401);
    expect((await client.send("/admin/degradation", { headers: ADMIN })).status).toBe(200);
  });
});

describe("withDegradation", () => {
  function createShop() {
    const client = createClient();
    const { layer } = client.isolate;
    const app = new Hono<StrataEnv>();
    app.use(layer.middleware(async (request, c) => app.fetch(request, c.env, c.executionCtx)));
    const answers = withDegradation("similar", {
      normal: (c) => c.json({ level: "normal" }),
      minimal: (c) => c.json({ level: "minimal" }),
    });
    app.get("/similar", answers);
    app.get("/cached", cached({ freshFor: "1h" }), answers);
    const get = async (path: string) => {
      const ctx = {
        waitUntil: () => undefined,
        passThroughOnException: () => undefined,
        props: {},
      };
      return app.fetch(new Request(`http://strata.test${path}`), env, ctx);
    };
    const pin = (level: string) => client.write("PUT", "/admin/degradation", { level });
    return { get, pin };
  }

  it("a handler of withDegradation gives the answer of its level, and the next better answer if a level has none", async () => {
    const { get, pin } = createShop();
    const levels = [];
    for (const level of ["normal", "degraded", "minimal"]) {
      await pin(level);
      const response = await get("/similar");
      levels.push([level, await response.json(), response.headers.get("Cache-Control")]);
    }
    expect(levels).toEqual([
      ["normal", { level: "normal" }, null],
      ["degraded", { level: "normal" }, null],
      ["minimal", { level: "minimal" }, "no-store"],
    ]);
  });

  it("a cached route stores no answer that withDegradation gave at the level minimal", async () => {
    const { get, pin } = createShop();
    await pin("minimal");
    expect(await (await get("/cached")).json()).toEqual({ level: "minimal" });
    await pin("auto");
    expect(await (await get("/cached")).json()).toEqual({ level: "normal" });
  });

  it.each(["", "Similar", "a b", "x".repeat(65)])(
    "withDegradation refuses the feature name %j",
    (name) => {
      expect(() => withDegradation(name, { normal: (c) => c.text("") })).toThrow(/feature/);
    },
  );
});
